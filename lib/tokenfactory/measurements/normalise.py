"""Names, flags and days, brought to one form by pure functions."""

import re
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

_CACHED = re.compile(r"^.*models--(.+?)--([^/]+).*$")  # a folder of the Hugging Face cache
_PRECISION_TAIL = re.compile(r"[-_](fp4|fp8|nvfp4|mxfp4|bf16|int4|v\d|preview|99|99\.9)$")
_FLAGS = {"true": True, "on": True, "1": True, "yes": True, "false": False, "off": False, "0": False, "no": False}
SPEC_ALIASES = {
    **dict.fromkeys(("off", "false", "no", "0", "null"), "none"),
    **dict.fromkeys(("on", "true", "yes", "1", "unknown"), "unnamed"),
    **dict.fromkeys(("nextn", "deepseek-mtp"), "mtp"),
}
# Words of a device's full name that say nothing of the product; PCIe and NVL cards are products of their own.
_NO_PRODUCT = re.compile(
    r"nvidia|[dh]gx|amd|intel|instinct|tesla|corporation|gpus?|accelerators?|tensor|core|graphics|oam|sxm\d?|hbm\d?e?"
    r"|\d+gi?b|nvl(36|72|144|576)"
)
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
    path = path and _CACHED.sub(r"\1/\2", path)
    for name in filter(None, (prefix, path)):
        base = _last_part(name)
        while base not in known and (shorter := _PRECISION_TAIL.sub("", base)) != base:
            base = shorter
        if base in known:
            return known[base], True
    return slug(prefix or path or ""), False


def _last_part(name: str) -> str:
    return name.strip().lower().rstrip("/").rsplit("/", 1)[-1]


def precision_in(path: str | None) -> str | None:
    """The number format that stands at the end of a model's name.

    >>> precision_in("nvidia/DeepSeek-R1-0528-NVFP4-v2"), precision_in("deepseek-ai/DeepSeek-R1")
    ('fp4', None)
    """
    base, found = _last_part(_CACHED.sub(r"\2", path or "")), None
    while not found and (tail := _PRECISION_TAIL.search(base)):
        found, base = vocabulary.precisions().get(tail[1]), base[: tail.start()]
    return found


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
        raise RowProblem(field, f"'{shown(value)}' is not a date; write it as in 2026-05-31") from None
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
