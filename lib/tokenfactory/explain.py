"""`tokenfactory explain`: how long a decode step takes, by bound and by measured kernels, beside what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tokenfactory.errors import NotMeasuredError, ParameterError, nearest
from tokenfactory.methods import decode
from tokenfactory.methods.architecture import Architecture
from tokenfactory.methods.decode import Step


@dataclass(frozen=True)
class Question:
    """One deployment: `depth` drafted tokens a step of which a step yields `acceptance` with the one that is right."""

    model: str
    gpu: str
    precision: str
    ep: int
    batch: float
    context_tok: float
    depth: int
    acceptance: float

    @property
    def step(self) -> Step:
        return Step(self.ep, self.batch, self.context_tok, self.depth + 1)


def explain(db, question: Question) -> dict:
    """Answer a question, as JSON has it: times in ms, speeds in tok/s, every figure under the status it has."""
    asked = question
    architecture, gpu = _architecture(db, asked.model), _gpu(db, asked.gpu)
    numbers = dict(ep=asked.ep, batch=asked.batch, context_tok=asked.context_tok)
    decode.check(architecture=architecture, depth=asked.depth, acceptance=asked.acceptance, **numbers)
    bound = decode.bound(architecture=architecture, gpu=gpu, precision=asked.precision, step=asked.step)
    return {
        "question": vars(asked),
        "bound": {
            "status": "bound", **_speeds(asked, float(bound.step_ms)),
            "memory_ms": float(bound.memory_ms), "arithmetic_ms": float(bound.arithmetic_ms),
            "all_to_all_ms": float(bound.all_to_all_ms),
            "step_without_overlap_ms": float(bound.step_without_overlap_ms),
        },
        "kernel_sum": _kernels(db, architecture, asked),
        "nearest_measured": nearest_measured(db, asked),
    }  # fmt: skip


def _architecture(db, model: str) -> Architecture:
    rows = {row["model"]: row for row in db.query("FROM model_architectures ORDER BY model").rows(named=True)}
    if model not in rows:
        raise ParameterError(f"no model '{model}' has an architecture here{nearest(model, rows)}")
    try:
        return Architecture.from_row(rows[model])
    except NotMeasuredError as error:
        raise ParameterError(str(error)) from error


def _gpu(db, gpu: str) -> decode.Gpu:
    rows = {row["gpu"]: row for row in db.query("FROM decode_gpus ORDER BY gpu").rows(named=True)}
    if gpu not in rows:
        raise ParameterError(f"no GPU '{gpu}' has specifications here{nearest(gpu, rows)}")
    return decode.Gpu.from_row(rows[gpu])


def kernel_tables(db) -> decode.KernelTables:
    """All kernel tables that ship."""
    names = ("kernels_attention", "kernels_experts", "kernels_all_to_all")
    return decode.KernelTables.from_rows(*(db.query(f"FROM {name} ORDER BY ALL").rows() for name in names))


@dataclass(frozen=True)
class Physics:
    """The decode step of a model on a GPU, as a bound and as a sum of kernels, for any number of configurations.

    `kernels` and `bound` take a `Step`; `has_kernels` says whether kernel tables of the pair ship.
    """

    architecture: Architecture
    gpu: decode.Gpu
    precision: str
    tables: decode.KernelTables

    @property
    def has_kernels(self) -> bool:
        known = (self.gpu.name, self.precision, self.architecture.num_heads) in self.tables.attention
        return known and self.architecture.model == decode.KERNEL_MODEL

    def kernels(self, step: Step, **how) -> decode.KernelSum:
        named = {"gpu": self.gpu.name, "precision": self.precision}
        return decode.kernel_sum(tables=self.tables, architecture=self.architecture, step=step, **named, **how)

    def bound(self, step: Step) -> decode.Bound:
        return decode.bound(architecture=self.architecture, gpu=self.gpu, precision=self.precision, step=step)


def physics(db, model: str, gpu: str) -> Physics | None:
    """The step of a model on a GPU in its smallest number format; None where either is not described fully enough."""
    try:
        architecture, described = _architecture(db, model), _gpu(db, gpu)
    except ParameterError:
        return None
    form = "fp4" if "fp4" in described.flop_per_s else "fp8"
    return Physics(architecture, described, form, kernel_tables(db))


def _kernels(db, architecture: Architecture, asked: Question) -> dict:
    if architecture.model != decode.KERNEL_MODEL:
        return {"status": "not measured", "why": f"no kernel tables of {asked.model}"}
    tables = kernel_tables(db)
    ask = dict(tables=tables, gpu=asked.gpu, precision=asked.precision, step=asked.step)
    usual, fastest = (decode.kernel_sum(architecture=architecture, **ask, is_fastest=fast) for fast in (False, True))
    if math.isnan(usual.step_ms):
        return {"status": "not measured", "why": decode.why_outside(**ask, num_heads=architecture.num_heads)}
    parts = {f"{name}_ms": float(ms) for name, ms in usual.parts.items()}
    return {
        "status": "kernel sum", **_speeds(asked, float(usual.step_ms)), **parts,
        "fastest_kernels": _speeds(asked, float(fastest.step_ms)), "stand_ins": list(usual.stand_ins),
    }  # fmt: skip


def _speeds(asked: Question, step_ms: float) -> dict:
    speed, tput = decode.tok_per_s(step_ms=step_ms, acceptance=asked.acceptance, batch=asked.batch)
    return {"step_ms": step_ms, "tok_per_s_per_user": speed, "output_tok_per_s_per_decode_gpu": tput}


def nearest_measured(db, asked: Question) -> dict:
    """The measured deployment nearest in GPUs a worker, requests a GPU and context, by the ratios of these."""
    found = db.query(
        """SELECT point_id, framework, spec_decoding, depth, decode_ep AS ep, batch, isl, osl, conc,
                  as_of::VARCHAR AS measured_on, speed AS tok_per_s_per_user,
                  output_per_decode_gpu AS output_tok_per_s_per_decode_gpu, source_url,
                  abs(ln(decode_ep / $ep)) + abs(ln(batch / $batch)) + abs(ln(0.9 * (isl + osl / 2) / $context)) AS far
           FROM deployments
           WHERE model = $model AND gpu = $gpu AND precision = $precision AND decode_ep > 0
             AND spec_decoding = if($depth > 0, 'mtp', 'none')
           ORDER BY far, deployments.as_of DESC, point_id LIMIT 1""",
        **{name: getattr(asked, name) for name in ("ep", "batch", "model", "gpu", "precision", "depth")},
        context=asked.context_tok,
    ).rows(named=True)
    if not found:
        speculation = "with" if asked.depth else "without"
        why = f"no deployment of {asked.model} on {asked.gpu} in {asked.precision} {speculation} speculation is here"
        return {"status": "not measured", "why": why}
    return {"status": "measured", **{name: value for name, value in found[0].items() if name != "far"}}


def text(answer: Mapping) -> list[str]:
    """The lines that a terminal shows."""
    asked, bound, kernels, measured = (answer[name] for name in ("question", "bound", "kernel_sum", "nearest_measured"))
    lines = [
        f"{asked['model']} on {asked['gpu']}, {asked['precision']}, experts over {asked['ep']} GPUs, "
        f"{asked['batch']:g} requests a GPU of {asked['context_tok']:g} tokens, {asked['depth']} drafted tokens, "
        f"{asked['acceptance']:g} accepted a step",
        _line("bound", bound) + f"; memory {bound['memory_ms']:.3g}, arithmetic {bound['arithmetic_ms']:.3g}, "
        f"all-to-all {bound['all_to_all_ms']:.3g} ms; {bound['step_without_overlap_ms']:.3g} ms without overlap",
    ]
    if kernels["status"] == "not measured":
        lines.append(f"kernel sum    {kernels['why']}")
    else:
        parts = ", ".join(f"{p.replace('_', '-')} {kernels[f'{p}_ms']:.3g}" for p in
                          ("attention", "experts", "all_to_all", "rest"))  # fmt: skip
        lines += [
            _line("kernel sum", kernels) + f"; {parts} ms",
            f"{'':14}with the fastest kernels {kernels['fastest_kernels']['tok_per_s_per_user']:.1f} tok/s per user",
            f"{'':14}stand-ins: {'; '.join(kernels['stand_ins'])}",
        ]
    if measured["status"] == "not measured":
        return [*lines, f"measured      {measured['why']}"]
    told = f"{measured['tok_per_s_per_user']:.1f} tok/s per user"
    where = f"experts over {measured['ep']} GPUs, {measured['batch']:.3g} requests a GPU"
    lengths = f"{measured['isl']}/{measured['osl']} tokens"
    return [*lines, f"measured      {told}, the nearest deployment: {where}, {lengths}, {measured['framework']}, "
            f"{measured['measured_on']} ({measured['point_id']})"]  # fmt: skip


def _line(name: str, found: Mapping) -> str:
    return (
        f"{name:<14}{found['step_ms']:.2f} ms a step, {found['tok_per_s_per_user']:.1f} tok/s per user, "
        f"{found['output_tok_per_s_per_decode_gpu']:,.0f} tok/s per decode GPU"
    )
