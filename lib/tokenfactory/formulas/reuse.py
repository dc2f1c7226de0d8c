"""What a repeated token costs: keeping its keys and values, loading them, or computing them again.

Arithmetic only, as in `formulas.cost`. A hit rate is the share of **input** tokens that are read from a prefix cache.
Where its name says `total`, it is the share of input and output tokens together.

Test vectors: DeepSeek-R1 caches 35,136 values a token; GB300 prefills 20,893 tok/s per GPU at 2.31 USD an hour.
"""

from tokenfactory.formulas.cost import blended_usd_per_mtok


def kv_gb_per_mtok(*, kv_value_per_tok, byte_per_value):
    """Memory that the keys and values of a million tokens take.

    Parameters
    ----------
    kv_value_per_tok : cached values of a token over all layers [1/tok]
    byte_per_value : bytes of one, 1 for FP8 and 2 for BF16

    Returns
    -------
    memory [GB/Mtok], with 10^9 bytes a gigabyte

    Notes
    -----
    v b 10^6 / 10^9. Multi-head latent attention caches rank + rope values a layer: DeepSeek-R1 (512 + 64) * 61.

    References
    ----------
    DeepSeek-AI, "Insights into DeepSeek-V3", arXiv:2505.09343, table 1: 70.272 KB a token in BF16.

    Examples
    --------
    >>> kv_gb_per_mtok(kv_value_per_tok=35_136, byte_per_value=1)
    35.136
    """
    return kv_value_per_tok * byte_per_value / 1e3


def storage_usd_per_mtok_hour(*, gb_per_mtok, usd_per_gb, life_year):
    """Cost of keeping the keys and values of a million tokens for an hour.

    Parameters
    ----------
    gb_per_mtok : memory they take [GB/Mtok]
    usd_per_gb : price of the memory [USD/GB]
    life_year : years over which it is written off in equal parts [year]

    Returns
    -------
    cost of residence [USD/(Mtok h)]

    Notes
    -----
    g p / (8760 n), without interest, power or the server around it: definition

    Examples
    --------
    128 GB of DDR5 at 2,100 and at 2,400 USD:

    >>> [round(storage_usd_per_mtok_hour(gb_per_mtok=35.136, usd_per_gb=usd / 128, life_year=4), 4)
    ...  for usd in (2100, 2400)]
    [0.0165, 0.0188]
    """
    return gb_per_mtok * usd_per_gb / (8760 * life_year)


def break_even_residence_h(*, usd_per_mtok_fresh, storage_usd_per_mtok_hour, usd_per_mtok_cached=0):
    """How long a prefix may be kept for one more use of it before computing it again is cheaper.

    Parameters
    ----------
    usd_per_mtok_fresh : cost of computing a million input tokens [USD/Mtok]
    storage_usd_per_mtok_hour : cost of keeping them for an hour [USD/(Mtok h)]
    usd_per_mtok_cached : cost of loading them [USD/Mtok]

    Returns
    -------
    hours between two uses at which both cost the same [h]

    Notes
    -----
    T = (c_fresh - c_cached) / c_store

    References
    ----------
    Gray and Putzolu, "The 5 minute rule for trading memory for disc accesses", SIGMOD 1987: the same weighing.

    Examples
    --------
    >>> fresh = 2.31 / (0.0036 * 20_893)
    >>> round(fresh, 4), round(break_even_residence_h(usd_per_mtok_fresh=fresh, storage_usd_per_mtok_hour=0.0176), 2)
    (0.0307, 1.75)
    """
    return (usd_per_mtok_fresh - usd_per_mtok_cached) / storage_usd_per_mtok_hour


def load_ms(*, num_tok, gb_per_mtok, gb_per_s):
    """Time to load the keys and values of a prefix, without latency of the first byte.

    Parameters
    ----------
    num_tok : length of the prefix [tok]
    gb_per_mtok : memory that a million tokens take [GB/Mtok]
    gb_per_s : bandwidth from where it is kept to the GPUs [GB/s]

    Returns
    -------
    time [ms]

    Examples
    --------
    8,192 tokens of DeepSeek-R1 from host memory at 83.4 GB/s, and over the network at 142:

    >>> [round(load_ms(num_tok=8192, gb_per_mtok=35.136, gb_per_s=b), 2) for b in (83.4, 142)]
    [3.45, 2.03]
    """
    return num_tok * gb_per_mtok / gb_per_s / 1e3


def loaded_usd_per_mtok(*, usd_per_gpu_hour, gb_per_mtok, gb_per_s, utilisation_frac=1):
    """Cost of loading a million cached tokens while the GPU does nothing else: the most that a hit costs to serve.

    Parameters
    ----------
    usd_per_gpu_hour : price or cost of one GPU for one hour [USD/(GPU h)]
    gb_per_mtok, gb_per_s : as in `load_ms`
    utilisation_frac : share of the paid hours that is used [0..1]

    Returns
    -------
    cost of a million tokens [USD/Mtok]

    Examples
    --------
    DeepSeek-R1's 35.1 GB on a GB300 at 2.31 USD an hour, from host memory at 83.4 GB a second:

    >>> round(loaded_usd_per_mtok(usd_per_gpu_hour=2.31, gb_per_mtok=35.136, gb_per_s=83.4, utilisation_frac=0.6), 6)
    0.000451
    """
    return usd_per_gpu_hour * gb_per_mtok / (3600 * utilisation_frac * gb_per_s)


def prefill_ms(*, num_tok, tok_per_s):
    """Time to compute a prefix instead, at a throughput of prefill; that is of many requests, one alone may differ.

    Parameters
    ----------
    num_tok : length of the prefix [tok]
    tok_per_s : input tokens a second [tok/s]

    Returns
    -------
    time [ms]

    Examples
    --------
    >>> round(prefill_ms(num_tok=8192, tok_per_s=20_893))
    392
    """
    return 1e3 * num_tok / tok_per_s


def input_usd_per_mtok(*, usd_per_mtok_fresh, cached_frac, usd_per_mtok_cached=0):
    """Cost of a million input tokens of which some are cached.

    Parameters
    ----------
    usd_per_mtok_fresh, usd_per_mtok_cached : cost of a million computed and of a million loaded tokens [USD/Mtok]
    cached_frac : share of the input tokens that is cached [0..1]

    Returns
    -------
    cost of a million input tokens [USD/Mtok]

    Examples
    --------
    >>> input_usd_per_mtok(usd_per_mtok_fresh=0.04, usd_per_mtok_cached=0.01, cached_frac=0.5)
    0.025
    """
    return (1 - cached_frac) * usd_per_mtok_fresh + cached_frac * usd_per_mtok_cached


def request_usd(
    *, isl_tok, osl_tok, usd_per_mtok_fresh, usd_per_mtok_output, cached_frac=0, usd_per_mtok_cached=0
):  # fmt: skip
    """Cost of a request, or of an agent's turn, from what its three kinds of tokens cost.

    Parameters
    ----------
    isl_tok, osl_tok : input and output tokens [tok]
    usd_per_mtok_output : cost of a million output tokens [USD/Mtok]
    usd_per_mtok_fresh, cached_frac, usd_per_mtok_cached : as in `input_usd_per_mtok`

    Returns
    -------
    cost of the request [USD]

    Examples
    --------
    >>> rates = dict(isl_tok=8192, osl_tok=1024, usd_per_mtok_fresh=0.0352587, usd_per_mtok_output=0.17355)
    >>> [round(request_usd(**rates, cached_frac=h), 9) for h in (0, 0.5)]
    [0.000466554, 0.000322135]
    """
    usd_per_mtok = input_usd_per_mtok(
        usd_per_mtok_fresh=usd_per_mtok_fresh, usd_per_mtok_cached=usd_per_mtok_cached, cached_frac=cached_frac
    )
    return (isl_tok * usd_per_mtok + osl_tok * usd_per_mtok_output) / 1e6


def min_cached_frac(
    *, isl_tok, osl_tok, usd_per_mtok_fresh, usd_per_mtok_output, usd_per_request, usd_per_mtok_cached=0
):
    """The hit rate at which a request costs just what it may: `request_usd` solved for the share that is cached.

    Parameters
    ----------
    usd_per_request : what it may cost [USD]
    isl_tok, osl_tok, usd_per_mtok_fresh, usd_per_mtok_output, usd_per_mtok_cached : as in `request_usd`

    Returns
    -------
    share of the input tokens [1]; above 1 no hit rate is enough, below 0 none is needed

    Examples
    --------
    >>> round(min_cached_frac(isl_tok=8192, osl_tok=1024, usd_per_mtok_fresh=0.0352587, usd_per_mtok_output=0.17355,
    ...                       usd_per_request=0.000322135), 4)
    0.5
    """
    without = isl_tok * usd_per_mtok_fresh + osl_tok * usd_per_mtok_output
    return (without - 1e6 * usd_per_request) / (isl_tok * (usd_per_mtok_fresh - usd_per_mtok_cached))


def cached_total_frac(*, isl_tok, osl_tok, cached_frac):
    """The share of all tokens of a request that is cached, which the formulas of a total throughput take.

    Parameters
    ----------
    isl_tok, osl_tok : input and output tokens of a request [tok]
    cached_frac : share of the input tokens that is cached [0..1]

    Returns
    -------
    share of input and output tokens together [0..1]

    Examples
    --------
    >>> round(cached_total_frac(isl_tok=8192, osl_tok=1024, cached_frac=0.9), 6)
    0.8
    """
    return cached_frac * isl_tok / (isl_tok + osl_tok)


def tariff_margin_frac(
    *, cost_usd_per_mtok, isl_tok, osl_tok, usd_per_mtok_input, usd_per_mtok_output,
    usd_per_mtok_cached_input=0, cached_frac=0,
):  # fmt: skip
    """Gross margin of a tariff on requests of which some input is cached, both sold and computed as such.

    Parameters
    ----------
    cost_usd_per_mtok : cost of a million input and output tokens where nothing is cached [USD/Mtok]
    isl_tok, osl_tok : input and output tokens of a request [tok]
    usd_per_mtok_input, usd_per_mtok_output, usd_per_mtok_cached_input, cached_frac : as in `cost.blended_usd_per_mtok`

    Returns
    -------
    share of the income that is left [1]; below 0 a loss

    Notes
    -----
    A cached token takes no GPU time worth counting, so this is the margin from above.

    Examples
    --------
    DeepSeek-R1's tariff of March 2025, without a cache and with DeepSeek's own hit rate:

    >>> tariff = dict(usd_per_mtok_input=0.55, usd_per_mtok_output=2.19, usd_per_mtok_cached_input=0.14)
    >>> at = dict(cost_usd_per_mtok=0.1, isl_tok=8192, osl_tok=1024)
    >>> [round(tariff_margin_frac(**at, **tariff, cached_frac=h), 4) for h in (0, 0.563)]
    [0.8634, 0.9052]
    """
    income = blended_usd_per_mtok(
        usd_per_mtok_input=usd_per_mtok_input, usd_per_mtok_output=usd_per_mtok_output,
        usd_per_mtok_cached_input=usd_per_mtok_cached_input, input_per_output=isl_tok / osl_tok,
        cached_frac=cached_frac,
    )  # fmt: skip
    computed_frac = 1 - cached_total_frac(isl_tok=isl_tok, osl_tok=osl_tok, cached_frac=cached_frac)
    return 1 - cost_usd_per_mtok * computed_frac / income


def agents_per_mw(*, kw_per_gpu, gpu_s_per_turn, s_per_turn, utilisation_frac=1):
    """Agents that a megawatt keeps going.

    Parameters
    ----------
    kw_per_gpu : power that a GPU stands for [kW/GPU]
    gpu_s_per_turn : GPU time that one turn of an agent takes, prefill, loading and decode [GPU s]
    s_per_turn : time from one turn of an agent to the next, its tools and its thinking user included [s]
    utilisation_frac : share of the GPU time that is sold [0..1]

    Returns
    -------
    agents at work at a time [1/MW]

    Notes
    -----
    Each agent asks 1 / T turns a second of g GPU-seconds each.

    Examples
    --------
    >>> round(agents_per_mw(kw_per_gpu=2.0, gpu_s_per_turn=0.25, s_per_turn=30, utilisation_frac=0.6))
    36000
    """
    return 1000 / kw_per_gpu * utilisation_frac * s_per_turn / gpu_s_per_turn
