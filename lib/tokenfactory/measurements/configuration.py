"""The configuration of a row, its GPUs counted.

Pure functions. Rows repeat a few hundred configurations, so these run once per distinct one; what needs
the measured numbers is done over all rows at once in `repair`.
"""

import re
from collections import namedtuple
from collections.abc import Mapping
from typing import Any

from tokenfactory.measurements import normalise
from tokenfactory.measurements.adapters import RowProblem
from tokenfactory.measurements.normalise import flag, shown
from tokenfactory.warehouse import vocabulary
from tokenfactory.warehouse.measured import CONFIGURATION

MOST_GPUS = 1_000_000  # of a deployment
_RUNNERS = frozenset({"cw", "nv", "nb", "tw", "amd", "amds", "dgxc", "slurm"})  # suffixes of machines, not of products


_COLUMNS = [c.name for c in CONFIGURATION]
# A normalised configuration: the columns of `measured_points` that tell configurations apart.
Configuration = namedtuple("Configuration", _COLUMNS, defaults=[None] * len(_COLUMNS))


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
    name, is_known = normalise.model(raw.get("model_prefix"), raw.get("model"))
    if not name:
        raise RowProblem("model", "the row names no model; give model in token-factory.yaml")
    if not is_known:
        repairs.append("model_not_in_table")
    engine, says_disagg = normalise.framework(raw.get("framework"))
    if engine and engine != raw["framework"].strip().lower():
        repairs.append("framework_alias")
    number_format = _precision(raw, is_own, repairs)
    is_disagg = _is_disagg(raw, engine, says_disagg, repairs)
    is_multinode = flag(raw.get("is_multinode"), "is_multinode")
    counts = _pools(raw, repairs) if is_disagg else _one_engine(raw, is_multinode, repairs)
    named = {"gpu": gpu, "model": name, "framework": engine, "precision": number_format}
    named |= {"spec_decoding": _speculation(raw), "is_disagg": is_disagg, "is_multinode": is_multinode}
    return Configuration(**named, **counts), tuple(repairs)


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
        whole, (name, count) = name, normalise.counted(name)
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
        key = normalise.hardware(name) or normalise.device(name)
    if key and normalise.hardware(name) and key != name.strip().lower():
        repairs.append("hardware_suffix")
    if not key:
        raise RowProblem("hardware", f"unknown hardware '{shown(name)}'")
    return key


def _own_gpu(name: str) -> str:
    """The key of a GPU in somebody's own words; the words of its product where it is none of the table."""
    key = normalise.product(name)
    if key in vocabulary.gpus():
        return key
    if " " in name.strip():
        return normalise.device(name) or key
    words = set(re.split(r"[-_]", name.lower())[1:])
    is_machine = all(word in _RUNNERS or word.isdigit() for word in words)
    return (normalise.hardware(name) if is_machine else normalise.device(name) if not words else None) or key


def _precision(raw: Mapping[str, Any], is_own: bool, repairs: list[str]) -> str | None:
    """The format of the weights: as stated, else as the model's name says."""
    stated = normalise.precision(raw.get("precision"), is_own=is_own)
    named = normalise.precision_in(raw.get("model")) if is_own else None
    if {stated, named} == {"fp4", "fp8"}:
        raise RowProblem("precision", f"is {stated}, but the model is called '{shown(raw['model'])}'")
    if named and stated in (None, "bf16", "fp16"):  # 16 bits are the activations of such a model
        repairs.append("precision_from_name")
        return named
    if stated and stated != raw["precision"].strip().lower():
        repairs.append("precision_alias")
    return stated


def _speculation(raw: Mapping[str, Any]) -> str | None:
    method = normalise.spec_decoding(raw.get("spec_decoding"), raw.get("mtp"))
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
        if flag(raw.get("is_own"), "is_own") and raw.get("num_gpu") not in (None, sum(pools)):
            raise RowProblem("num_gpu", f"is {raw['num_gpu']}, but its pools have {pools[0]} and {pools[1]} GPUs")
        total = sum(pools)
    elif not total or not 1 <= total <= MOST_GPUS:
        raise RowProblem("num_prefill_gpu", "the row does not say how many GPUs its pools have")
    else:
        roles |= {"num_prefill_gpu": None, "num_decode_gpu": None}
    return {"num_gpu": total, **roles}


def _copies(raw: Mapping[str, Any], tp: int | None, attention: bool | None) -> int:
    """Copies of the engine on GPUs of their own.

    With data-parallel attention they are ranks of tensor parallelism in SGLang and TensorRT-LLM, and add GPUs in vLLM.
    """
    dp, engine = raw.get("dp") or 1, (raw.get("framework") or "").lower()
    if not attention or dp == 1 or "vllm" in engine or (tp or 1) % dp:
        return dp
    if not engine and (raw.get("num_gpu") or 0) >= tp * dp:
        return dp
    if not engine and not raw.get("num_gpu"):
        sizes = f"tp {tp} and dp {dp} with dp_attention are {tp} GPUs in SGLang and {tp * dp} in vLLM"
        raise RowProblem("num_gpu", f"{sizes}; give num_gpu in token-factory.yaml")
    return 1


def _one_engine(raw: Mapping[str, Any], is_multinode: bool | None, repairs: list[str]) -> dict[str, Any]:
    """GPU count of a row without pools. The halves of such a row mirror each other: never add them."""
    side = ""
    if raw.get("prefill_tp") is not None:
        decode_is_empty = not raw.get("decode_tp") or not raw.get("decode_ep")
        prefill_only = any(
            raw.get(name.format("decode")) == 0 and (raw.get(name.format("prefill")) or 0) > 0
            for name in ("{}_num_workers", "num_{}_gpu")
        )
        side = "prefill_" if decode_is_empty or prefill_only else "decode_"
    tp, pp, ep, workers = (raw.get(f"{side}{key}") for key in ("tp", "pp", "ep", "num_workers"))
    stored = raw.get(f"num_{side or 'decode_'}gpu")
    pcp = (raw.get("pcp") or 1) if not side else 1
    attention = flag(raw.get(f"{side}dp_attention"), "dp_attention")
    from_sizes = tp * (pp or raw.get("pp") or 1) * pcp if tp else None
    copies = _copies(raw, tp, attention)
    if from_sizes is None and (copies > 1 or (raw.get("dp") and not attention)) and not side:
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
        **dict.fromkeys(("prefill_tp", "decode_tp"), tp or None),
        **dict.fromkeys(("prefill_ep", "decode_ep"), ep or None),
        **dict.fromkeys(("prefill_dp_attention", "decode_dp_attention"), attention),
    }
