"""The cost of a million tokens on two systems as a model: hours, utilisation, and which of the fair pairs to compare.

The model is a `Workbook`, so the notebook, the workbook and the controls of the page compute with the same formulas.
"""

from collections.abc import Callable, Mapping, Sequence

from tokenfactory.display import phrases
from tokenfactory.display.workbook import Workbook
from tokenfactory.formulas import cost
from tokenfactory.methods.serving import BEST, Pair

THROUGHPUT = "tok_per_s_per_gpu"


def cost_model(
    about: str,
    *,
    subject: str,
    usd_per_gpu_hour: Mapping[str, Mapping],
    tok_per_s_per_gpu: Mapping[str, Mapping],
    utilisation_frac: Mapping,
) -> Workbook:
    """What a million tokens cost on each system, and what would make the subject's cost as much as the baseline's.

    Parameters
    ----------
    about : what the model computes, in a few words
    subject : the system to judge [key]
    usd_per_gpu_hour, tok_per_s_per_gpu : an input by system: its `value`, and where known `low`, `high`, `status`,
        `source_url` [USD/(GPU h)], [tok/(s GPU)]
    utilisation_frac : the same for the share of hours in which tokens are sold, on each system one of its own [0..1]

    Returns
    -------
    the model; with two systems also the times less, the break-even hour and the break-even utilisation
    """
    gpus = list(tok_per_s_per_gpu)
    book = Workbook(about, {gpu: gpu.upper() for gpu in gpus})
    hour = book.inputs("usd_per_gpu_hour", "A GPU-hour", usd_per_gpu_hour, "usd/gpu/h", is_shared=False)
    use = dict.fromkeys(gpus, utilisation_frac)
    use = book.inputs("utilisation_frac", "Utilisation", use, "frac", is_shared=False)
    rate = book.inputs(THROUGHPUT, "Throughput", tok_per_s_per_gpu, "tok/s/gpu", is_shared=False)
    spent = {
        gpu: cost.usd_per_mtok(usd_per_gpu_hour=hour[gpu], tok_per_s_per_gpu=rate[gpu], utilisation_frac=use[gpu])
        for gpu in gpus
    }
    spent = book.line("usd_per_mtok", "A million tokens", "usd/mtok", spent, is_result=True)
    others = [gpu for gpu in gpus if gpu != subject]
    if subject in gpus and others:
        tie = {"usd_per_mtok": spent[others[0]], "tok_per_s_per_gpu": rate[subject]}
        dearest = cost.break_even_usd_per_gpu_hour(**tie, utilisation_frac=use[subject])
        least = cost.break_even_utilisation_frac(**tie, usd_per_gpu_hour=hour[subject])
        other = others[0].upper()
        book.line("times_less", f"Times less than on {other}", "1", {subject: spent[others[0]] / spent[subject]})
        book.line("break_even_usd_per_gpu_hour", "Break-even hour", "usd/gpu/h", {subject: dearest}, is_result=True)
        book.line("break_even_utilisation_frac", "Break-even utilisation", "frac", {subject: least}, is_result=True)
        book.sentence(f"A million tokens cost {_spent(subject, others[0])}.")
    return book


def _spent(subject: str, baseline: str) -> str:
    """What the sentence of a model says of both costs."""
    ends = " and ".join(f"{{usd_per_mtok@{gpu}}} on {gpu.upper()}" for gpu in (subject, baseline))
    return f"{ends}, {{times_less@{subject}|ratio}}"


def case(words: str, usd_per_gpu_hour: Mapping[str, float], utilisation_frac: float) -> tuple[str, str, dict]:
    """An option of the choice of hours: what a GPU-hour costs on each system, and the share of hours that is used."""
    hours = {f"usd_per_gpu_hour@{gpu}": float(usd) for gpu, usd in usd_per_gpu_hour.items()}
    return "", words, hours | {f"utilisation_frac@{gpu}": utilisation_frac for gpu in usd_per_gpu_hour}


def of_pairs(
    about: str,
    pairs: Sequence[Pair],
    *,
    subject: str,
    usd_per_gpu_hour: Mapping[str, Mapping],
    of_scope: Callable[[float], float],
    utilisation_frac: Mapping,
    cases: Sequence[tuple[str, str, dict]] = (),
) -> Workbook:
    """`cost_model` in which a reader chooses which two measured configurations to compare.

    Parameters
    ----------
    pairs : equally fast ones; the first is what the model holds at the start
    of_scope : from total tokens per second and GPU to those that are counted
    subject, usd_per_gpu_hour, utilisation_frac : as in `cost_model`
    cases : each a `case`; the first is what the model holds at the start
    """
    gpus = (subject, next(gpu for gpu in usd_per_gpu_hour if gpu != subject))
    made = {}
    for pair in pairs:
        ends = dict(zip(gpus, (pair.subject, pair.baseline), strict=True))
        how = " against ".join(dict.fromkeys(phrases.short_configuration(end.configuration) for end in ends.values()))
        words = f"{phrases.speed(pair.speed)} ({how})"
        cells = {f"{THROUGHPUT}@{gpu}": float(of_scope(end.tput_per_gpu)) for gpu, end in ends.items()}
        made.setdefault(words, ("Best of each" if pair.condition.label == BEST else "The same settings", words, cells))
    first, *others = made.values()
    rates = {gpu: {"value": first[2][f"{THROUGHPUT}@{gpu}"]} for gpu in gpus}
    given = {"usd_per_gpu_hour": {gpu: usd_per_gpu_hour[gpu] for gpu in gpus}, "utilisation_frac": utilisation_frac}
    book = cost_model(about, subject=subject, tok_per_s_per_gpu=rates, **given)
    if len(cases) > 1:
        book.choice("case", "Prices and use", cases)
    book.choice("comparison", "Speed and settings", [first, *sorted(others, key=lambda option: option[0])])
    book.sentence(f"At {{comparison}}, a million tokens cost {_spent(*gpus)}.")
    return book
