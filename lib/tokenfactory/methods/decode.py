"""How long a decode step takes: the bound that physics sets, and the sum of kernels that somebody timed.

A decode step gives every request in flight `acceptance` tokens. `bound` says how short it could be, from the bytes
and operations it needs; `kernel_sum` adds up the measured kernels it is made of. Nothing in either is fitted to a
served deployment, so measured speeds can be held against both.

What the kernel sum leaves out: the draft passes of multi-token prediction, sampling, the host, all-reduce of
attention that runs tensor-parallel; and any overlap of what it adds. `REST_MODULES` is a stand-in and says so.

References
----------
Kernels: NVIDIA aiconfigurator (https://github.com/ai-dynamo/aiconfigurator), Apache-2.0, measured per kernel.
S. Williams, A. Waterman, D. Patterson, "Roofline", Communications of the ACM 52, 65-76 (2009).
DeepSeek-AI, "Insights into DeepSeek-V3", ISCA 2025 (arXiv:2505.09343), for traffic and the limit to four nodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from tokenfactory.errors import NotMeasuredError, ParameterError, nearest
from tokenfactory.methods.architecture import Architecture

# Bytes of a weight or of a dispatched value: NVFP4 has an 8-bit scale for each 16 values of 4 bits.
BYTES = {"fp8": 1.0, "fp4": 0.5625}
COMBINE_BYTES = 2.0  # results return in BF16
NODES_PER_TOK = 4  # DeepSeek's router sends a token to at most four nodes
KERNEL_MODEL = "deepseek-r1-0528"  # the model whose layers the kernel tables hold
# No table of the dense layers ships. Each stands as half an attention module, about 1% of a step: a stand-in that
# was set by nobody's measurement, and fitted to none.
REST_MODULES = 0.5
PARTS = ("attention", "experts", "all_to_all", "rest")


@dataclass(frozen=True)
class Gpu:
    """What the bound needs to know of a GPU, per second; a missing format is absent from `flop_per_s`."""

    name: str
    hbm_byte_per_s: float
    flop_per_s: Mapping[str, float]
    scale_up_gpus: int
    scale_up_byte_per_s: float
    scale_out_byte_per_s: float | None

    @classmethod
    def from_row(cls, row: Mapping) -> Gpu:
        """A row of the view `decode_gpus`."""
        peaks = {name: row[f"{name}_dense_pflops"] for name in BYTES}
        out = row["scale_out_gb_per_s"]
        return cls(
            row["gpu"], row["hbm_tb_per_s"] * 1e12, {name: 1e15 * peak for name, peak in peaks.items() if peak},
            row["scale_up_gpus"], row["scale_up_gb_per_s"] * 1e9, None if out is None else out * 1e9,
        )  # fmt: skip


@dataclass(frozen=True)
class Step:
    """Decode steps to ask about; numbers or arrays that broadcast together.

    `ep` GPUs share the experts, `batch` requests are in flight per GPU with `context_tok` tokens each, and a step
    verifies `tokens_per_step` of every request: the drafted ones and one more. `attention_tp` GPUs share the attention
    heads; their requests meet in one kernel of fewer heads.
    """

    ep: np.ndarray
    batch: np.ndarray
    context_tok: np.ndarray
    tokens_per_step: np.ndarray = 1
    attention_tp: np.ndarray = 1

    @property
    def columns(self) -> list[np.ndarray]:
        """The five inputs as arrays of one shape."""
        return np.broadcast_arrays(*(np.asarray(getattr(self, f.name), float) for f in fields(self)))


@dataclass(frozen=True)
class Bound:
    """The shortest times of a step's three resources [ms]."""

    memory_ms: np.ndarray
    arithmetic_ms: np.ndarray
    all_to_all_ms: np.ndarray

    @property
    def step_ms(self) -> np.ndarray:
        """Everything overlaps: the longest of the three."""
        return np.maximum(np.maximum(self.memory_ms, self.arithmetic_ms), self.all_to_all_ms)

    @property
    def step_without_overlap_ms(self) -> np.ndarray:
        """The exchange waits for the rest."""
        return np.maximum(self.memory_ms, self.arithmetic_ms) + self.all_to_all_ms


def bound(*, architecture: Architecture, gpu: Gpu, precision: str, step: Step, kv_bytes: float = 1.0) -> Bound:
    """The shortest a decode step can be.

    Parameters
    ----------
    precision : format of expert weights and dispatched tokens; attention and the other weights are FP8
    kv_bytes : bytes of a cached value

    Raises
    ------
    ParameterError : the GPU does not compute in this format, or experts leave its island by an unknown network

    Notes
    -----
    n = q B tokens a step hit P = 1 - (1 - k/E)^(nN) of the experts. t_mem = (routed/N P b_e + other + B KV) / BW,
    t_flop = n (2 active / F_p + attention / F_8), t_a2a = n layers k H (b_d + b_c)(1 - 1/N) / link. Between islands
    of D GPUs a token travels to m = min(4, N/D): n layers H (b_d + b_c) m (1 - D/N) / network, if that is longer.

    Examples
    --------
    GB300, NVFP4, 32 GPUs, 32 requests of 1,536 tokens each (definition; the arithmetic stands in the tests):

    >>> r1 = Architecture("deepseek-r1-0528", 58, 3, 7168, 256, 8, 128, 653908770816, 106430464, 16189947904, 35136, 0,
    ...                   np.inf, 0, 16990208)
    >>> gb300 = Gpu("gb300", 8e12, {"fp8": 5e15, "fp4": 15e15}, 72, 9e11, 1e11)
    >>> times = bound(architecture=r1, gpu=gb300, precision="fp4", step=Step(ep=32, batch=32, context_tok=1536))
    >>> round(float(times.memory_ms), 4), round(float(times.arithmetic_ms), 4), round(float(times.all_to_all_ms), 4)
    (3.6764, 0.3228, 0.2936)
    """
    if precision not in gpu.flop_per_s:
        raise ParameterError(f"{gpu.name} does not compute in {precision}{nearest(precision, gpu.flop_per_s)}")
    ep, batch, context, q, _ = step.columns
    a, weight, n = architecture, BYTES[precision], q * batch
    share = 1 - (1 - a.experts_per_tok / a.num_experts) ** (n * ep)
    seen = np.minimum(context, a.sparse_tok)
    cached = a.kv_per_tok * seen + a.kv_window + a.index_per_tok * context
    memory = (a.routed / ep * share * weight + a.other * BYTES["fp8"] + batch * cached * kv_bytes) / gpu.hbm_byte_per_s
    attention = a.flop_per_context_tok * seen / gpu.flop_per_s["fp8"]
    arithmetic = n * (2 * a.active / gpu.flop_per_s[precision] + attention)
    exchange = _shortest_exchange(a, gpu, n * (weight + COMBINE_BYTES), ep)
    return Bound(1000 * memory, 1000 * arithmetic, 1000 * exchange)


def _shortest_exchange(a: Architecture, gpu: Gpu, byte: np.ndarray, ep: np.ndarray) -> np.ndarray:
    """The all-to-all of a step at the speed of its link [s]; `byte` goes out and back for each value of a token."""
    message = byte * a.num_moe_layers * a.hidden_size
    inside = message * a.experts_per_tok * (1 - 1 / ep) / gpu.scale_up_byte_per_s
    leaves = ep > gpu.scale_up_gpus
    if not leaves.any():
        return inside
    if gpu.scale_out_byte_per_s is None:
        raise ParameterError(f"the network between islands of {gpu.name} is not known; ep may be {gpu.scale_up_gpus}")
    islands = np.maximum(ep / gpu.scale_up_gpus, 1)
    most = NODES_PER_TOK if a.model.startswith("deepseek") else a.experts_per_tok
    between = message * np.minimum(most, islands) * (1 - 1 / islands) / gpu.scale_out_byte_per_s
    return np.where(leaves, np.maximum(inside, between), inside)


@dataclass(frozen=True)
class Grid:
    """Measured times over tokens and context, read between their logarithms; NaN outside and beside a hole."""

    tokens: np.ndarray
    context: np.ndarray
    ms: np.ndarray

    def read(self, tokens: np.ndarray, context: np.ndarray) -> np.ndarray:
        (i, u), (j, v) = _place(self.tokens, tokens), _place(self.context, context)
        low = _between(self.ms[i, j], self.ms[i, j + 1], v)
        return _between(low, _between(self.ms[i + 1, j], self.ms[i + 1, j + 1], v), u)


def _between(low: np.ndarray, high: np.ndarray, share: np.ndarray) -> np.ndarray:
    return np.where(share == 0, low, np.where(share == 1, high, low + share * (high - low)))


def _place(axis: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The knot below each x and how far x lies to the next, in logarithms; NaN outside the axis."""
    i = np.clip(np.searchsorted(axis, x, "right") - 1, 0, axis.size - 2)
    share = np.log(x / axis[i]) / np.log(axis[i + 1] / axis[i])
    return i, np.where((x >= axis[0]) & (x <= axis[-1]), share, np.nan)


def _curve(axis: np.ndarray, ms: np.ndarray, x: np.ndarray) -> np.ndarray:
    i, share = _place(axis, x)
    return _between(ms[i], ms[i + 1], share)


@dataclass(frozen=True)
class Exchange:
    """An all-to-all: tokens on each GPU, the usual time, and that of the fastest kernels; what it stands for."""

    tokens: np.ndarray
    usual_ms: np.ndarray
    fastest_ms: np.ndarray
    stands_for: str


@dataclass(frozen=True)
class KernelTables:
    """Measured kernels by their keys; made by `from_rows` of the three tables `kernels_*`."""

    attention: Mapping[tuple, Grid]  # gpu, precision, heads
    experts: Mapping[tuple, tuple[np.ndarray, np.ndarray]]  # gpu, precision, ep, skew -> tokens, ms
    exchanges: Mapping[tuple, tuple[np.ndarray, np.ndarray, np.ndarray]]  # gpu, link, library, precision, ep

    @classmethod
    def from_rows(cls, attention: Iterable[Sequence], experts: Iterable[Sequence], exchanges: Iterable[Sequence]):
        """Tables from rows in the order of the files' columns."""
        return cls(
            {key: _grid(rows) for key, rows in _grouped(attention, 3).items()},
            {key: _columns(rows) for key, rows in _grouped(experts, 4).items()},
            {key: _times(rows) for key, rows in _grouped(exchanges, 5).items()},
        )

    def exchange(self, gpu: str, precision: str, ep: int, link: str | None = None) -> Exchange | None:
        """The table that answers for this GPU, or the one that stands for it, named; None where there is none."""
        for owner, via, library, stands_for in _candidates(gpu, link):
            form = precision if library.startswith("trt") else "fp8"
            if (key := (owner, via, library, form, ep)) in self.exchanges:
                tokens, usual, fastest = self.exchanges[key]
                other = self.exchanges.get((owner, via, "trt-one-sided", form, ep))
                if other:
                    fastest = np.fmin(fastest, _curve(other[0], other[2], tokens))
                return Exchange(tokens, usual, fastest, stands_for)
        return None


def _grouped(rows: Iterable[Sequence], width: int) -> dict[tuple, np.ndarray]:
    found = defaultdict(list)
    for row in rows:
        found[tuple(row[:width])].append([np.nan if value is None else value for value in row[width:]])
    return {key: np.array(values, float) for key, values in found.items()}


def _grid(rows: np.ndarray) -> Grid:
    tokens, i = np.unique(rows[:, 0], return_inverse=True)
    context, j = np.unique(rows[:, 1], return_inverse=True)
    ms = np.full((tokens.size, context.size), np.nan)
    ms[i, j] = rows[:, 2]
    return Grid(tokens, context, ms)


def _columns(rows: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(rows[np.argsort(rows[:, 0])].T)


def _times(rows: np.ndarray) -> tuple[np.ndarray, ...]:
    tokens, prepare, dispatch, combine, low_precision = _columns(rows)
    before = np.nan_to_num(prepare) + dispatch
    return tokens, before + combine, before + np.fmin(combine, low_precision)


_OVER_NETWORK = "all-to-all of H100 over 400 Gb/s InfiniBand"


def _candidates(gpu: str, link: str | None) -> list[tuple[str, str, str, str]]:
    """Where the exchange of a GPU was timed, best first: GPU, link, library, and what it stands in for."""
    racks, is_hopper = gpu.startswith("gb"), gpu in ("h100", "h200")
    network = ("h100", "infiniband", "deepep-hopper", "" if gpu == "h100" else _OVER_NETWORK)
    if link == "infiniband":
        return [network]
    if racks:
        return [("gb200", "nvlink", "trt-two-sided", "" if gpu == "gb200" else "all-to-all of GB200")]
    if is_hopper:
        inside = ("h100", "nvlink", "deepep-hopper", "" if gpu == "h100" else "all-to-all of H100")
        return [inside] if link else [inside, network]
    inside = (gpu, "nvlink", "deepep", "")
    small = ("gb200", "nvlink", "trt-two-sided", "all-to-all of GB200")
    return [inside, small] if link else [inside, network, small]


@dataclass(frozen=True)
class KernelSum:
    """A step by part [ms], NaN where the tables end; `stand_ins` names kernels that stand for missing ones."""

    ways = ("model",)  # how it is known
    attention_ms: np.ndarray
    experts_ms: np.ndarray
    all_to_all_ms: np.ndarray
    rest_ms: np.ndarray
    stand_ins: tuple[str, ...]

    @property
    def step_ms(self) -> np.ndarray:
        return self.attention_ms + self.experts_ms + self.all_to_all_ms + self.rest_ms

    @property
    def parts(self) -> dict[str, np.ndarray]:
        return {part: getattr(self, f"{part}_ms") for part in PARTS}


def kernel_sum(
    *,
    tables: KernelTables,
    architecture: Architecture,
    gpu: str,
    precision: str,
    step: Step,
    link: str | None = None,
    is_fastest: bool = False,
) -> KernelSum:
    """A decode step as the sum of its measured kernels, one after the other; NaN where their tables end.

    Parameters
    ----------
    link : "infiniband" for the same GPUs in islands of eight; None for the GPU's own
    is_fastest : of several kernels take the fastest, not the usual one: attention in FP8 too, not only in the format of
        the experts; the one-sided exchange too; and combining in fewer bits

    Raises
    ------
    NotMeasuredError : the tables hold the layers of another model

    Notes
    -----
    t = layers attention(n, L) + moe_layers [experts(nN, N) + exchange(n, N)] + rest, read linearly between the
    logarithms of tokens and context. Expert times are those of a load balanced over a power law of 1.01.
    """
    if architecture.model != KERNEL_MODEL:
        raise NotMeasuredError(f"no kernel tables of {architecture.model}; they hold the layers of {KERNEL_MODEL}")
    shape = step.columns[0].shape
    ep, batch, context, q, tp = (column.ravel() for column in step.columns)
    n, stand_ins = q * batch, {"dense layers as half an attention module each"}
    attention, experts, exchange = (np.full(n.size, np.nan) for _ in range(3))
    for group in np.unique(tp):
        mine, heads = tp == group, int(architecture.num_heads // group)
        attention[mine] = _attention(tables, (gpu, precision, heads), n[mine] * group, context[mine], is_fastest)
    for size in np.unique(ep):
        mine = ep == size
        experts[mine] = _experts(tables, (gpu, precision, int(size)), n[mine] * size, is_fastest)
        if size == 1:
            exchange[mine] = 0.0
        elif found := tables.exchange(gpu, precision, int(size), link):
            exchange[mine] = _curve(found.tokens, found.fastest_ms if is_fastest else found.usual_ms, n[mine])
            stand_ins |= {found.stands_for} - {""}
    moe, dense = architecture.num_moe_layers, architecture.num_dense_layers
    parts = (attention * (moe + dense), experts * moe, exchange * moe, attention * REST_MODULES * dense)
    return KernelSum(*(part.reshape(shape) for part in parts), tuple(sorted(stand_ins)))


def _attention(tables: KernelTables, key: tuple, tokens: np.ndarray, context: np.ndarray, is_fastest: bool):
    if (grid := tables.attention.get(key)) is None:
        return np.full(tokens.shape, np.nan)
    usual, other = grid.read(tokens, context), tables.attention.get((key[0], "fp8", key[2]))
    return np.minimum(usual, np.fmin(usual, other.read(tokens, context))) if other and is_fastest else usual


def _experts(tables: KernelTables, key: tuple, tokens: np.ndarray, is_fastest: bool) -> np.ndarray:
    found = [tables.experts[*key, skew] for skew in (1.01, 1.2)[: 1 + is_fastest] if (*key, skew) in tables.experts]
    read = [_curve(axis, ms, tokens) for axis, ms in found] or [np.full(tokens.shape, np.nan)]
    return np.min(read, axis=0)


def tok_per_s(*, step_ms: np.ndarray, acceptance: np.ndarray, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Speed of a user and output of a decode GPU: acceptance / step, and the batch times that (definition).

    >>> tok_per_s(step_ms=20.0, acceptance=2.5, batch=32)
    (125.0, 4000.0)
    """
    speed = 1000 * acceptance / step_ms
    return speed, batch * speed


def predicted_speed(
    rows: Sequence[Mapping], *, tables: KernelTables, architecture: Architecture, acceptance: Mapping[int, float]
) -> np.ndarray:
    """The kernel sum's speed per user for rows of `deployments` [tok/s]; NaN where no kernels or no depth are known.

    `acceptance` are the tokens that a step yields, by the number of drafted ones.
    """
    found, groups = np.full(len(rows), np.nan), defaultdict(list)
    for i, row in enumerate(rows):
        if row["depth"] in acceptance:
            groups[row["gpu"], row["precision"]].append(i)
    for (gpu, precision), mine in groups.items():
        names = ("isl", "osl", "decode_ep", "batch", "depth", "attention_tp")
        isl, osl, ep, batch, depth, tp = (np.array([rows[i][name] for i in mine], float) for name in names)
        step = Step(ep, batch, mean_context_tok(isl_tok=isl, osl_tok=osl), depth + 1, tp)
        ms = kernel_sum(tables=tables, architecture=architecture, gpu=gpu, precision=precision, step=step).step_ms
        found[mine] = 1000 * np.array([acceptance[int(d)] for d in depth]) / ms
    return found


def mean_context_tok(*, isl_tok: float, osl_tok: float, drawn_frac: float = 0.9) -> float:
    """The mean context of a request while it decodes: half the output is there on average (definition).

    InferenceX draws lengths from 80 to 100% of the nominal ones, 90% in the mean.

    >>> round(mean_context_tok(isl_tok=1024, osl_tok=1024), 1)
    1382.4
    """
    return drawn_frac * (isl_tok + osl_tok / 2)


def check(*, architecture: Architecture, ep: int, batch: float, context_tok: float, depth: int, acceptance: float):
    """Refuse what cannot be served: ParameterError names the input and what it may be."""
    if ep < 1 or architecture.num_experts % ep:
        raise ParameterError(f"ep {ep} does not divide the {architecture.num_experts} experts of {architecture.model}")
    if not 0 < batch < np.inf or not 0 < context_tok < np.inf:
        raise ParameterError("batch and context must be above zero")
    if depth < 0:
        raise ParameterError(f"mtp {depth}: a step cannot draft fewer than 0 tokens")
    if not 1 <= acceptance <= depth + 1:
        ends = f"between 1 and {depth + 1}, one more than it drafts"
        raise ParameterError(f"acceptance {acceptance:g}: a step that drafts {depth} tokens yields {ends}")


def why_outside(*, tables: KernelTables, gpu: str, precision: str, step: Step, num_heads: int = 128) -> str:
    """Which kernel is missing for one step, with the ends of its table."""
    ep, batch, context, q, tp = (column.item() for column in step.columns)
    ep, n, heads = int(ep), q * batch, int(num_heads // tp)
    grid, experts = tables.attention.get((gpu, precision, heads)), tables.experts.get((gpu, precision, ep, 1.01))
    exchange = tables.exchange(gpu, precision, ep)
    axes = [
        ("attention", "tokens a GPU", grid and grid.tokens, n * tp),
        ("attention", "tokens of context", grid and grid.context, context),
        ("expert", f"tokens over {ep} GPUs", experts and experts[0], n * ep),
    ]
    axes += [("all-to-all", "tokens a GPU", exchange and exchange.tokens, n)] if ep > 1 else []
    for part, unit, axis, asked in axes:
        if axis is None:
            return f"not measured: no {part} kernel of {precision} on {gpu} at ep {ep}"
        if not axis[0] <= asked <= axis[-1]:
            ends = f"{axis[0]:,.0f} to {axis[-1]:,.0f} {unit}"
            return f"outside the kernel table: {part} was timed for {ends}, not for {asked:,.6g}"
    return "outside the kernel table: attention was not timed for so many tokens of so long a context"
