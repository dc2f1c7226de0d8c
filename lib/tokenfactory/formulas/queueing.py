"""Little's law: requests in flight, their time in the system, and throughput; any two give the third."""


def tok_per_s_per_gpu(*, conc, isl_tok, osl_tok, ttft_s, tpot_s, num_gpu, mean_length_frac=1):
    """Total tokens per second and GPU of a deployment that keeps `conc` requests in flight.

    Parameters
    ----------
    conc : requests in flight
    isl_tok, osl_tok : nominal input and output length [tok]
    ttft_s : mean time to first token [s]
    tpot_s : mean time per output token after the first [s]
    num_gpu : all deployed GPUs, prefill and decode [gpu]
    mean_length_frac : mean length of a request over the nominal one [frac]; InferenceX draws 0.8 to 1: 0.9

    Returns
    -------
    input and output tokens per second and deployed GPU [tok/s/gpu]

    Notes
    -----
    L = lambda W (Little 1961, Operations Research 9(3), doi:10.1287/opre.9.3.383): requests per second are those in
    flight over the time of one, W = ttft + tpot f osl, and each brings f (isl + osl) tokens:
    t = conc f (isl + osl) / (ttft + tpot f osl) / N. Medians in place of means, and the one token that `ttft` already
    holds, bend it by a few percent.

    Examples
    --------
    100 requests of 1,000 + 1,000 tokens that take 1 + 0.009 x 1,000 = 10 s: 100 x 2,000 / 10 = 20,000 tok/s on 8 GPUs.

    >>> tok_per_s_per_gpu(conc=100, isl_tok=1000, osl_tok=1000, ttft_s=1.0, tpot_s=0.009, num_gpu=8)
    2500.0
    """
    request_s = ttft_s + tpot_s * mean_length_frac * osl_tok
    return conc * mean_length_frac * (isl_tok + osl_tok) / request_s / num_gpu
