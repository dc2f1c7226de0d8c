"""What tokens cost: formulas from a GPU-hour and a throughput to money.

Arithmetic only. Every argument may be a float, a NumPy array, a pandas or Polars Series or a Polars
expression, since the body only adds, multiplies and divides. Nothing is clamped or filled in: a
missing value stays missing. A throughput counts the tokens its name says (total = input + output)
over **all deployed GPUs**, unless the name says prefill or decode.

Test vectors: HGX H200 at 1.41 USD per GPU-hour and 93.25 tok/s per GPU; GB300 NVL72 at 2.652 and 5,930:
values inside the intervals that NVIDIA's table of April 2026 allows.
"""


def usd_per_mtok(*, usd_per_gpu_hour, tok_per_s_per_gpu, utilisation_frac=1, cached_total_frac=0):
    """Cost of a million tokens on hardware that is paid by the hour.

    Parameters
    ----------
    usd_per_gpu_hour : price or cost of one GPU for one hour [USD/(GPU h)]
    tok_per_s_per_gpu : throughput at the operating point, of the tokens to be costed, over all
        deployed GPUs [tok/(s GPU)]
    utilisation_frac : share of the paid hours in which that throughput is really sold [0..1];
        1 (the default, and what published tables use) is the lower bound of the cost
    cached_total_frac : share of the tokens sold that is read from a prefix cache (see
        `formulas.reuse.cached_total_frac`), where the throughput was measured without one [0..1]

    Returns
    -------
    cost of a million of those tokens [USD/Mtok]

    Notes
    -----
    c = (1 - h) p * 10^6 / (3600 t u): a cached token takes no GPU time worth counting. The full price is charged to
    the tokens counted: costs of input and of output tokens from this formula are two views of one bill and must not
    be added.

    References
    ----------
    NVIDIA, "Rethinking AI TCO", April 2026 (without u); SemiAnalysis InferenceX, cost per million tokens,
    https://newsletter.semianalysis.com/p/inferencex-v2-nvidia-blackwell-vs (2026-02-16).

    Examples
    --------
    >>> round(usd_per_mtok(usd_per_gpu_hour=1.41, tok_per_s_per_gpu=93.25), 5)
    4.20018
    >>> round(usd_per_mtok(usd_per_gpu_hour=2.652, tok_per_s_per_gpu=5930, utilisation_frac=0.6), 6)
    0.207045
    """
    return (1 - cached_total_frac) * usd_per_gpu_hour * 1e6 / (3600 * tok_per_s_per_gpu * utilisation_frac)


def tok_per_s_per_gpu_from_usd_per_mtok(*, usd_per_gpu_hour, usd_per_mtok, utilisation_frac=1, cached_total_frac=0):
    """Throughput that a cost per million tokens implies: `usd_per_mtok` solved for the throughput.

    Parameters
    ----------
    usd_per_mtok : cost of a million tokens [USD/Mtok]
    usd_per_gpu_hour, utilisation_frac, cached_total_frac : as in `usd_per_mtok`

    Returns
    -------
    throughput needed or implied, measured without a cache [tok/(s GPU)]

    Notes
    -----
    t = (1 - h) p * 10^6 / (3600 c u)

    Examples
    --------
    >>> round(tok_per_s_per_gpu_from_usd_per_mtok(usd_per_gpu_hour=2.652, usd_per_mtok=0.10), 2)
    7366.67
    """
    return (1 - cached_total_frac) * usd_per_gpu_hour * 1e6 / (3600 * usd_per_mtok * utilisation_frac)


def break_even_utilisation_frac(*, usd_per_gpu_hour, tok_per_s_per_gpu, usd_per_mtok, cached_total_frac=0):
    """Utilisation at which a million tokens cost just `usd_per_mtok`.

    Parameters
    ----------
    usd_per_mtok : price to reach [USD/Mtok]
    usd_per_gpu_hour, tok_per_s_per_gpu, cached_total_frac : as in `usd_per_mtok`

    Returns
    -------
    utilisation [1]; above 1 means that the price cannot be reached at this throughput

    Notes
    -----
    u* = (1 - h) p * 10^6 / (3600 t c)

    Examples
    --------
    >>> round(break_even_utilisation_frac(usd_per_gpu_hour=2.652, tok_per_s_per_gpu=5930, usd_per_mtok=0.5), 6)
    0.248454
    """
    return (1 - cached_total_frac) * usd_per_gpu_hour * 1e6 / (3600 * tok_per_s_per_gpu * usd_per_mtok)


def break_even_usd_per_gpu_hour(*, usd_per_mtok, tok_per_s_per_gpu, utilisation_frac=1, cached_total_frac=0):
    """Hourly price at which a million tokens cost just `usd_per_mtok`.

    Parameters
    ----------
    usd_per_mtok : cost to tie with, of the same token scope [USD/Mtok]
    tok_per_s_per_gpu, utilisation_frac, cached_total_frac : as in `usd_per_mtok`

    Returns
    -------
    highest hourly price that still ties [USD/(GPU h)]

    Notes
    -----
    p* = c * 3600 t u / (10^6 (1 - h))

    Examples
    --------
    What GB300 could cost per hour before its token costs as much as H200's 4.20018 USD:

    >>> round(break_even_usd_per_gpu_hour(usd_per_mtok=4.200179, tok_per_s_per_gpu=5930), 3)
    89.665
    """
    return usd_per_mtok * 3600 * tok_per_s_per_gpu * utilisation_frac / (1e6 * (1 - cached_total_frac))


def pflop_per_s_per_usd_per_hour(*, pflop_per_s, usd_per_gpu_hour):
    """Arithmetic rate bought per dollar of hourly price, often printed as "FLOPS per dollar".

    Parameters
    ----------
    pflop_per_s : peak rate of one GPU at one stated precision, dense or sparse [PFLOP/s]
    usd_per_gpu_hour : price or cost of one GPU for one hour [USD/(GPU h)]

    Returns
    -------
    peak rate per hourly price [(PFLOP/s)/(USD/h)]

    Notes
    -----
    F / p. It is not FLOP per dollar: that is 3600 s times as much (1 here = 3.6 EFLOP per USD). A dense
    rate must not be set beside a sparse one.

    Examples
    --------
    H200 FP8 with sparsity, GB300 FP4 without: the two printed cells, 2.8 and 5.6.

    >>> round(pflop_per_s_per_usd_per_hour(pflop_per_s=3.958, usd_per_gpu_hour=1.41), 5)
    2.80709
    >>> round(pflop_per_s_per_usd_per_hour(pflop_per_s=15, usd_per_gpu_hour=2.652), 5)
    5.65611
    """
    return pflop_per_s / usd_per_gpu_hour


def tok_per_day(*, tok_per_s, utilisation_frac=1):
    """Tokens made in a day.

    Parameters
    ----------
    tok_per_s : throughput of a GPU, a rack or a site [tok/s]
    utilisation_frac : share of the day at that throughput [0..1]

    Returns
    -------
    tokens per day [tok/day]

    Notes
    -----
    86400 t u

    Examples
    --------
    >>> tok_per_day(tok_per_s=93.25)
    8056800.0
    """
    return 86400 * tok_per_s * utilisation_frac


def output_scope(*, total, isl_tok, osl_tok):
    """A throughput of total tokens, counted in output tokens only.

    Parameters
    ----------
    total : throughput of input and output tokens together [tok/s, any denominator]
    isl_tok, osl_tok : mean input and output lengths of a request [tok]

    Returns
    -------
    throughput of the output tokens in the same denominator

    Notes
    -----
    total * osl / (isl + osl): each request brings isl and takes osl tokens. With nominal lengths it is
    exact as long as both are drawn from the same relative distribution, as InferenceX does. The
    denominator stays all deployed GPUs; InferenceX' own output throughput of a disaggregated system is
    per **decode** GPU and larger.

    Examples
    --------
    >>> output_scope(total=9216.0, isl_tok=8192, osl_tok=1024)
    1024.0
    """
    return total * osl_tok / (isl_tok + osl_tok)


def input_scope(*, total, isl_tok, osl_tok):
    """A throughput of total tokens, counted in input tokens only: the rest of `output_scope`.

    Parameters
    ----------
    total, isl_tok, osl_tok : as in `output_scope`

    Returns
    -------
    throughput of the input tokens in the same denominator

    Notes
    -----
    total * isl / (isl + osl)

    Examples
    --------
    >>> input_scope(total=9216.0, isl_tok=8192, osl_tok=1024)
    8192.0
    """
    return total * isl_tok / (isl_tok + osl_tok)


def tok_per_s_per_role_gpu(*, tok_per_s_per_deployed_gpu, num_gpu, num_role_gpu):
    """Throughput of the tokens of one role over the GPUs of that role; its hour over it is what such a token costs.

    Parameters
    ----------
    tok_per_s_per_deployed_gpu : over all GPUs, input tokens for prefill, output tokens for decode [tok/(s GPU)]
    num_gpu, num_role_gpu : all GPUs, and those of the role [GPU]

    Returns
    -------
    tokens per second and GPU of the role [tok/(s GPU)]

    Examples
    --------
    26 of 42 GPUs of a GB300 system prefill 8,192 of 9,216 tokens:

    >>> t_in = input_scope(total=14_550.9, isl_tok=8192, osl_tok=1024)
    >>> round(tok_per_s_per_role_gpu(tok_per_s_per_deployed_gpu=t_in, num_gpu=42, num_role_gpu=26), 1)
    20893.6
    """
    return tok_per_s_per_deployed_gpu * num_gpu / num_role_gpu


def blended_usd_per_mtok(
    *, usd_per_mtok_input, usd_per_mtok_output, input_per_output, usd_per_mtok_cached_input=0, cached_frac=0
):
    """Price of a million tokens of a mix, from separate prices for input, cached input and output.

    Parameters
    ----------
    usd_per_mtok_input, usd_per_mtok_output : prices of each kind of token [USD/Mtok]
    input_per_output : input tokens per output token of the workload [1]
    usd_per_mtok_cached_input : price of an input token served from the prefix cache [USD/Mtok]
    cached_frac : share of the input tokens that is cached [0..1]

    Returns
    -------
    price of a million tokens of the mix, input and output counted [USD/Mtok]

    Notes
    -----
    P = (rho (h P_hit + (1 - h) P_miss) + P_out) / (rho + 1)

    Examples
    --------
    DeepSeek-R1's tariff of March 2025, three input tokens per output token, without and with DeepSeek's own
    hit rate:

    >>> tariff = dict(usd_per_mtok_input=0.55, usd_per_mtok_output=2.19, usd_per_mtok_cached_input=0.14)
    >>> round(blended_usd_per_mtok(**tariff, input_per_output=3), 6)
    0.96
    >>> round(blended_usd_per_mtok(**tariff, input_per_output=3, cached_frac=0.563), 6)
    0.786878
    """
    usd_input = cached_frac * usd_per_mtok_cached_input + (1 - cached_frac) * usd_per_mtok_input
    return (input_per_output * usd_input + usd_per_mtok_output) / (input_per_output + 1)


def usd_per_finished_task(*, usd_per_mtok, mtok_per_attempt, success_frac):
    """Cost of a task that is done rightly, where wrong answers are paid too and tried again.

    Parameters
    ----------
    usd_per_mtok : cost or price of a million tokens [USD/Mtok]
    mtok_per_attempt : mean tokens of an attempt, counted as the price counts them [Mtok]
    success_frac : share of the attempts that succeed [0..1]

    Returns
    -------
    cost of a finished task [USD]

    Notes
    -----
    c n / s: if attempts succeed independently, 1/s of them are needed on average. Finding out which succeeded is not
    included.

    Examples
    --------
    A question of AIME 2025 at 2.19 USD per million output tokens: 23,000 tokens and 87.5% right, where the release
    before took 12,000 and had 70% right. The price of a token is the same, that of an answer is not:

    >>> new = usd_per_finished_task(usd_per_mtok=2.19, mtok_per_attempt=0.023, success_frac=0.875)
    >>> old = usd_per_finished_task(usd_per_mtok=2.19, mtok_per_attempt=0.012, success_frac=0.70)
    >>> round(new, 6), round(old, 6), round(new / old, 6)
    (0.057566, 0.037543, 1.533333)
    """
    return usd_per_mtok * mtok_per_attempt / success_frac


def prefill_gpu_per_decode_gpu(*, isl_tok, osl_tok, tok_per_s_per_prefill_gpu, tok_per_s_per_decode_gpu, cached_frac=0):
    """GPUs for prefill per GPU for decode that keep both roles busy.

    Parameters
    ----------
    isl_tok, osl_tok : mean input and output lengths of a request [tok]
    tok_per_s_per_prefill_gpu : fresh input tokens per second and prefill GPU [tok/(s GPU)]
    tok_per_s_per_decode_gpu : output tokens per second and decode GPU [tok/(s GPU)]
    cached_frac : share of the input tokens that needs no prefill [0..1]

    Returns
    -------
    N_P / N_D [1]

    Examples
    --------
    A GB300 system that was deployed with 26 prefill and 16 decode GPUs, 1.625; and with nine tenths cached:

    >>> roles = dict(isl_tok=8192, osl_tok=1024, tok_per_s_per_prefill_gpu=20893.2, tok_per_s_per_decode_gpu=4244.7)
    >>> [round(prefill_gpu_per_decode_gpu(**roles, cached_frac=h), 4) for h in (0, 0.9)]
    [1.6253, 0.1625]
    """
    return (1 - cached_frac) * isl_tok / osl_tok * tok_per_s_per_decode_gpu / tok_per_s_per_prefill_gpu
