"""Names, flags and GPU counts of a configuration, brought to one form.

Pure functions. Rows repeat a few hundred configurations, so these run once per distinct one; what needs
the measured numbers is done over all rows at once in `repair`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Day
from typing import Any

from tokenfactory.measurements.adapters import RowProblem
from tokenfactory.warehouse import vocabulary

# An older name, what it is now, and whether it says that the row is disaggregated.
FRAMEWORK_ALIASES = {
    "sglang-disagg": ("mori-sglang", True),
    "atom-disagg": ("mooncake-atom", True),
    "trtllm": ("trt", False),
    "dynamo-trtllm": ("dynamo-trt", False),
}

_PRECISION_TAIL = re.compile(r"[-_](fp4|fp8|nvfp4|mxfp4|bf16|int4|v\d|preview|99|99\.9)$")
_FLAGS = {"true": True, "on": True, "1": True, "yes": True, "false": False, "off": False, "0": False, "no": False}
SPEC_ALIASES = {
    **dict.fromkeys(("off", "false", "no", "0", "null"), "none"),
    **dict.fromkeys(("on", "true", "yes", "1", "unknown"), "unnamed"),
    **dict.fromkeys(("nextn", "deepseek-mtp"), "mtp"),
}
# Words of a device's full name that say nothing of the product; PCIe and NVL cards are products of their own.
_NO_PRODUCT = re.compile(
    r"nvidia|amd|intel|instinct|tesla|corporation|gpus?|accelerators?|tensor|core|graphics|oam|sxm\d?|hbm\d?e?"
    r"|\d+gi?b|nvl(36|72|144|576)"
)
_RUNNERS = frozenset({"cw", "nv", "nb", "tw", "amd", "amds", "dgxc", "slurm"})  # suffixes of machines, not of products
_CARD = re.compile(r"(?<![a-z])(nvl|pcie?)(?![a-z0-9])", re.IGNORECASE)
_MEMORY = re.compile(r"(?<![0-9])(\d+) ?gi?b", re.IGNORECASE)
_USUAL_MEMORY = {"h100": "80", "a100": "80", "h800": "80"}  # in GB; another one is another product
_COUNT = re.compile(
    r"^(\d{1,4})(?:\s*[x\u00d7*]\s*|\s+)(?=[a-z]|\d{1,4}\s*[x\u00d7*]\s*[a-z])"
    r"|(?:(?<=\d)\s*|[\s-])[x\u00d7]\s*(\d{1,3})$"
    r"|(?<=[a-z0-9])\s*[*:]\s*(\d{1,3})$|[\s-](\d{1,3})[x\u00d7]$",
    re.IGNORECASE,
)
_LENGTHS = re.compile(r"(?<![0-9a-z])(\d{1,3})k(\d{1,3})k(?![0-9a-z])", re.IGNORECASE)
_RUN = re.compile(r"(?<![0-9a-z])runs?[_/-](\d{9,15})(?![0-9])", re.IGNORECASE)
_RUN_URL = re.compile(r"/runs/(\d+)(?:/attempts/(\d+))?")

LONGEST_NAME = 200
FIRST_YEAR, LAST_YEAR = 2015, 2100  # of a measurement
MOST_GPUS = 1_000_000  # of a deployment


def slug(text: str) -> str:
    """Lower-case letters, digits and points, with hyphens for all else."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:LONGEST_NAME]


def flag(value: Any, field: str) -> bool | None:
    """A boolean, or one of the texts that stand for one; None stays None."""
    if value is None or isinstance(value, bool):
        return value
    known = _FLAGS.get(str(value).strip().lower())
    if known is None:
        raise RowProblem(field, f"'{shown(value)}' is not a flag (true or false)")
    return known


def hardware(name: str) -> str | None:
    """The key of a GPU in a benchmark's name of it, None where it is not a known one.

    >>> hardware("cluster:b300-nv"), hardware("mi355x-amd_0"), hardware("H200"), hardware("h1000"), hardware("h200-nvl")
    ('b300', 'mi355x', 'h200', None, None)
    """
    if _CARD.search(name):
        return None
    key = re.sub(r"_\d+$", "", name.strip().lower().rsplit(":", 1)[-1].split("-", 1)[0])
    known = vocabulary.gpus()
    if key not in known:
        key = key.split("_", 1)[0]
    return key if key in known else None


def device(name: str) -> str | None:
    """The key of a GPU in a device's full name, None where there is none, several, or a PCIe card.

    >>> device("NVIDIA H100 80GB HBM3"), device("AMD Instinct MI355X OAM"), device("NVIDIA H200-NVL-141GB")
    ('h100', 'mi355x', None)
    """
    found = set()
    for gpu, row in vocabulary.gpus().items():
        aliases = [alias for alias in (row.get("aliases") or "").split("|") if alias]
        if any(_is_in(alias, name) for alias in aliases):
            return gpu
        if _is_in(gpu, name):
            found.add(gpu)
    if len(found) != 1 or _CARD.search(name) or re.search(r"(?<![a-z])mig(?![a-z])", name, re.IGNORECASE):
        return None
    key = found.pop()
    return None if _other_memory(name, key) else key


def _is_in(called: str, name: str) -> bool:
    """Whether a name stands in another as whole words: an H1000 is no H100, and a GH200 no H200."""
    words = r"\s*".join(map(re.escape, called.split()))
    return bool(re.search(rf"(?<![a-z0-9]){words}(?![a-z0-9])", name, re.IGNORECASE))


def _other_memory(name: str, key: str) -> str:
    """The memory in a device's name where it is not the usual one, else ''."""
    found = _MEMORY.search(name)
    return f"{found[1]}gb" if found and found[1] != _USUAL_MEMORY.get(key, found[1]) else ""


def product(name: str) -> str:
    """Our name of a GPU that is not in the table: the words of its product.

    >>> product("NVIDIA A100-SXM4-80GB"), product("NVIDIA A100-SXM4-40GB"), product("H100 PCIe"), product("GH200")
    ('a100', 'a10040gb', 'h100pcie', 'gh200')
    """
    words = re.split(r"[^a-z0-9]+", name.lower())
    key = "".join(word for word in words if not _NO_PRODUCT.fullmatch(word))
    return (key + _other_memory(name, key))[:40] or re.sub(r"[^a-z0-9]", "", name.lower())[:40]


def counted(name: str) -> tuple[str, int | None]:
    """The name of a GPU without the number of them that may stand in it, and that number.

    >>> counted("8xH100"), counted("H100 x 8"), counted("MI300X"), counted("mi300x8"), counted("2x 8xB200")
    (('H100', 8), ('H100', 8), ('MI300X', None), ('mi300x', 8), ('B200', 16))
    """
    rest, count = name.strip(), None
    known = vocabulary.gpus()
    while found := _COUNT.search(rest):
        # "node:8" may be a runner of that name: only what leaves a product is a count.
        shorter = (rest[: found.start()] + rest[found.end() :]).strip()
        if shorter.lower() not in known and f"{shorter.lower()}x" in known:
            shorter += "x"
        rest, count = shorter, (count or 1) * int(next(filter(None, found.groups())))
    return rest, count


def model(prefix: str | None, path: str | None) -> tuple[str, bool]:
    """Our name of a model, and whether it is a known one. The short key goes before the path.

    >>> model("dsr1-fp8", None), model(None, "nvidia/DeepSeek-R1-0528-FP4-v2"), model(None, "acme/demo")
    (('deepseek-r1-0528', True), ('deepseek-r1-0528', True), ('acme-demo', False))
    """
    known = vocabulary.models()
    for name in filter(None, (prefix, path)):
        base = name.strip().lower().rstrip("/").rsplit("/", 1)[-1]
        while base not in known and (shorter := _PRECISION_TAIL.sub("", base)) != base:
            base = shorter
        if base in known:
            return known[base], True
    return slug(prefix or path or ""), False


def framework(name: str | None) -> tuple[str | None, bool]:
    """Our name of a serving engine, and whether the given one says that the row is disaggregated."""
    if not name:
        return None, False
    key = name.strip().lower()
    return FRAMEWORK_ALIASES.get(key, (slug(key), key.startswith("mori-")))


def precision(name: str | None, *, is_own: bool = False) -> str | None:
    """Our name of a number format. One that is not known keeps its name in somebody's own measurement."""
    if not name:
        return None
    key = name.strip().lower()
    if known := vocabulary.precisions().get(key):
        return known
    if is_own and (kept := re.sub(r"[^a-z0-9._+-]+", "-", key).strip("-")[:40]):
        return kept
    raise RowProblem("precision", f"unknown precision '{shown(name)}'")


def spec_decoding(method: str | None, mtp: Any = None) -> str | None:
    """Name of the speculative decoding method; `mtp` is the flag older rows have for it."""
    if method:
        key = slug(method) or "none"
        return SPEC_ALIASES.get(key, key)
    return None if mtp is None else "mtp" if flag(mtp, "mtp") else "none"


def image(name: str) -> str:
    """A container image with its slashes back."""
    return name.replace("#", "/")


def day(value: Any, field: str = "date") -> Day | None:
    """The day in the first ten characters of a date or time stamp; None stays None."""
    if value is None:
        return None
    text = str(value)[:10]
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            raise ValueError
        found = Day.fromisoformat(text)
    except ValueError:
        raise RowProblem(field, f"'{shown(value)}' is not a date") from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise RowProblem(field, f"'{text}' is not between {FIRST_YEAR} and {LAST_YEAR}")
    return found


def lengths_in(file: str) -> tuple[int, int] | None:
    """Input and output length from a file name such as `..._8k1k_...`."""
    found = _LENGTHS.findall(file)
    return (int(found[-1][0]) * 1024, int(found[-1][1]) * 1024) if found else None


def run_in(file: str) -> str | None:
    """Id of the run from a path such as `run_20218553330/...`."""
    found = _RUN.findall(file)
    return found[-1] if found else None


def run_of(url: Any) -> tuple[str | None, int | None]:
    """Run id and attempt from the page of a run; None where it is not one."""
    found = _RUN_URL.search(url) if isinstance(url, str) else None
    return (found[1], int(found[2]) if found[2] else None) if found else (None, None)


def shown(value: Any) -> str:
    """A value short enough for a sentence, on one line, with whatever is no text as an escape."""
    try:
        text = str(value)
    except ValueError:  # an integer of more digits than Python prints
        return "a number of thousands of digits"
    if not text.isprintable():
        text = text[:200].encode("unicode_escape").decode()
    return text if len(text) <= 60 else text[:60] + "..."


@dataclass(frozen=True)
class Configuration:
    """A normalised configuration: the columns of `measured_points` that tell configurations apart."""

    gpu: str
    model: str
    framework: str | None
    precision: str | None
    spec_decoding: str | None
    is_disagg: bool
    is_multinode: bool | None
    num_gpu: int
    num_prefill_gpu: int | None
    num_decode_gpu: int | None
    prefill_tp: int | None
    prefill_ep: int | None
    prefill_dp_attention: bool | None
    prefill_num_workers: int | None
    decode_tp: int | None
    decode_ep: int | None
    decode_dp_attention: bool | None
    decode_num_workers: int | None


def configuration(raw: Mapping[str, Any]) -> tuple[Configuration, tuple[str, ...]]:
    """Normalise the raw configuration of a row; say what was repaired (codes of `measured.REPAIRS`).

    Raises
    ------
    RowProblem : the hardware, model or GPU count is missing or unknown, or a value is of no use.
    """
    repairs: list[str] = []
    is_own = flag(raw.get("is_own"), "is_own") or False
    raw = dict(raw)
    gpu = _gpu(raw, is_own, repairs)
    name, is_known = model(raw.get("model_prefix"), raw.get("model"))
    if not name:
        raise RowProblem("model", "the row names no model; give model in token-factory.yaml")
    if not is_known:
        repairs.append("model_not_in_table")
    engine, says_disagg = framework(raw.get("framework"))
    if engine and engine != raw["framework"].strip().lower():
        repairs.append("framework_alias")
    number_format = precision(raw.get("precision"), is_own=is_own)
    if number_format and number_format != raw["precision"].strip().lower():
        repairs.append("precision_alias")
    is_disagg = _is_disagg(raw, engine, says_disagg, repairs)
    is_multinode = flag(raw.get("is_multinode"), "is_multinode")
    return (
        Configuration(
            gpu=gpu,
            model=name,
            framework=engine,
            precision=number_format,
            spec_decoding=_speculation(raw),
            is_disagg=is_disagg,
            is_multinode=is_multinode,
            **(_pools(raw, repairs) if is_disagg else _one_engine(raw, is_multinode, repairs)),
        ),
        tuple(repairs),
    )


def has_total_in_both_pools(raw: Mapping[str, Any], config: Configuration) -> bool:
    """Whether both pools may have been stored as the total: equal counts, equal to tp, and no workers."""
    return (
        config.is_disagg
        and not config.is_multinode
        and config.num_prefill_gpu is not None
        and config.num_prefill_gpu == config.num_decode_gpu == config.prefill_tp
        and not raw.get("prefill_num_workers")
        and not raw.get("decode_num_workers")
    )


def _gpu(raw: dict[str, Any], is_own: bool, repairs: list[str]) -> str:
    """The key of the GPU; a number of them in its name goes to `raw`."""
    name = raw.get("hardware")
    if not name:
        raise RowProblem("hardware", "the row names no hardware; give hardware in token-factory.yaml")
    if is_own:
        whole, (name, count) = name, counted(name)
        if count is not None:
            sizes = raw.get("num_gpu") or raw.get("tp") or count
            if count < 1 or sizes % count:
                raise RowProblem("hardware", f"'{shown(whole)}' says {count} GPUs, another field {sizes}")
            raw["num_gpu"] = sizes
            repairs.append("num_gpu_from_name")
        key = _own_gpu(name)
        if key not in vocabulary.gpus():
            repairs.append("gpu_not_in_table")
    else:
        key = hardware(name) or device(name)
    if key and hardware(name) and key != name.strip().lower():
        repairs.append("hardware_suffix")
    if not key:
        raise RowProblem("hardware", f"unknown hardware '{shown(name)}'")
    return key


def _own_gpu(name: str) -> str:
    """The key of a GPU in somebody's own words; the words of its product where it is none of the table."""
    key = product(name)
    if key in vocabulary.gpus():
        return key
    if " " in name.strip():
        return device(name) or key
    words = set(re.split(r"[-_]", name.lower())[1:])
    is_machine = all(word in _RUNNERS or word.isdigit() for word in words)
    return (hardware(name) if is_machine else device(name) if not words else None) or key


def _speculation(raw: Mapping[str, Any]) -> str | None:
    method = spec_decoding(raw.get("spec_decoding"), raw.get("mtp"))
    if not flag(raw.get("speculates"), "speculates"):
        return method
    if method == "none":
        raise RowProblem("spec_decoding", "is given as none, but the file counts speculative tokens")
    return method or "unnamed"


def _is_disagg(raw: Mapping[str, Any], engine: str | None, says_disagg: bool, repairs: list[str]) -> bool:
    stated = flag(raw.get("disagg"), "disagg")
    implied = says_disagg or (raw.get("decode_num_workers") or 0) > 0
    if stated is None:
        implied = implied or (engine or "").startswith("dynamo-")
    if implied and not stated:
        repairs.append("disagg_implied")
    return bool(stated or implied)


def _pools(raw: Mapping[str, Any], repairs: list[str]) -> dict[str, Any]:
    """GPU counts of a disaggregated row: the two pools, or the total alone where only that was stored."""
    roles = {}
    for role in ("prefill", "decode"):
        # Rows from before December 2025 state one engine for both.
        tp, ep, attention = (
            raw.get(f"{role}_{key}") if raw.get(f"{role}_{key}") is not None else raw.get(key)
            for key in ("tp", "ep", "dp_attention")
        )
        roles |= {
            f"{role}_tp": tp,
            f"{role}_ep": ep,
            f"{role}_dp_attention": flag(attention, "dp_attention"),
            f"{role}_num_workers": raw.get(f"{role}_num_workers") or None,
        }
        count = raw.get(f"num_{role}_gpu")
        if count is None and raw.get(f"{role}_tp"):
            count = raw[f"{role}_tp"] * (raw.get(f"{role}_pp") or 1) * (raw.get(f"{role}_num_workers") or 1)
            repairs.append("num_gpu_from_parallelism")
        roles[f"num_{role}_gpu"] = count
    pools = roles["num_prefill_gpu"], roles["num_decode_gpu"]
    total = raw.get("num_gpu") or raw.get("tp")
    if None not in pools:
        if min(pools) < 1 or sum(pools) > MOST_GPUS:
            raise RowProblem("num_decode_gpu", f"disaggregated, but its pools have {pools[0]} and {pools[1]} GPUs")
        total = sum(pools)
    elif not total or not 1 <= total <= MOST_GPUS:
        raise RowProblem("num_prefill_gpu", "the row does not say how many GPUs its pools have")
    else:
        roles |= {"num_prefill_gpu": None, "num_decode_gpu": None}
    return {"num_gpu": total, **roles}


def _one_engine(raw: Mapping[str, Any], is_multinode: bool | None, repairs: list[str]) -> dict[str, Any]:
    """GPU count of a row without pools. The halves of such a row mirror each other: never add them."""
    side = ""
    if raw.get("prefill_tp") is not None:
        decode_is_empty = not raw.get("decode_tp") or not raw.get("decode_ep")
        prefill_only = any(
            raw.get(theirs) == 0 and (raw.get(ours) or 0) > 0
            for theirs, ours in (
                ("decode_num_workers", "prefill_num_workers"),
                ("num_decode_gpu", "num_prefill_gpu"),
            )
        )
        side = "prefill_" if decode_is_empty or prefill_only else "decode_"
    tp, pp, ep, workers = (raw.get(f"{side}{key}") for key in ("tp", "pp", "ep", "num_workers"))
    stored = raw.get(f"num_{side or 'decode_'}gpu")
    pcp = (raw.get("pcp") or 1) if not side else 1
    attention = flag(raw.get(f"{side}dp_attention"), "dp_attention")
    from_sizes = tp * (pp or raw.get("pp") or 1) * pcp if tp else None
    # With data-parallel attention the copies are ranks of tensor parallelism; without it each has GPUs of its own.
    copies = 1 if attention else raw.get("dp") or 1
    if from_sizes is None and raw.get("dp") and not attention and not side:
        from_sizes = 1
    from_sizes = from_sizes and from_sizes * copies
    if raw.get("num_gpu"):
        total = raw["num_gpu"]
        if from_sizes and (total % from_sizes or (raw.get("dp") and total != from_sizes)):
            raise RowProblem("num_gpu", f"is {total}, but the parallel sizes make {from_sizes}")
    elif stored and (is_multinode or from_sizes is None or stored != tp * (ep or 1)):
        total = stored
    elif from_sizes:
        total = from_sizes * ((workers or 1) if is_multinode else 1)
        if stored and stored != total:
            repairs.append("num_gpu_was_tp_times_ep")
        elif side and not stored:
            repairs.append("num_gpu_from_parallelism")
    else:
        raise RowProblem("num_gpu", "the row does not say how many GPUs it ran on; give num_gpu in token-factory.yaml")
    if not 1 <= total <= MOST_GPUS:
        raise RowProblem("num_gpu", f"ran on {total} GPUs")
    return {
        "num_gpu": total,
        "num_prefill_gpu": None,
        "num_decode_gpu": None,
        **{f"{role}_tp": tp or None for role in ("prefill", "decode")},
        **{f"{role}_ep": ep or None for role in ("prefill", "decode")},
        **{f"{role}_dp_attention": attention for role in ("prefill", "decode")},
        "prefill_num_workers": None,
        "decode_num_workers": None,
    }
