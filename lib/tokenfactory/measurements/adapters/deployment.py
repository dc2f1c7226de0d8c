"""What load-test tools say of the deployment they measured, and of the load they were asked for.

Tools say it in ways that no path describes: servers that speak for themselves, lists of engines, settings that
people put among the results. Each function here takes what is there and leaves out what is not.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from tokenfactory.measurements.adapters import Row, RowProblem
from tokenfactory.measurements.formats import spelt
from tokenfactory.measurements.normalise import shown
from tokenfactory.warehouse.measured import FACTS

# What the clients themselves write beside a run's results, and what tells repeats apart: no settings.
_OWN = re.compile(
    r"(mean|median|std|p[\d.]+|total|request|output|input|random|sonnet|sharegpt|hf|ramp_up|spec_decode)_.*"
    r"|.*_(ms|s|throughput|lens|at|time|goodput:?)|max_concurren(cy|t_requests)|num_(prompts|requests)|rtfx|burstiness"
    r"|date|backend|endpoint_type|model_id|tokenizer_(id|mode)|best_of|use_beam_search|(good_)?completed|failed|ttfts"
    r"|itls|errors|generated_texts|start_times|duration|(requests|tokens)_per_second|concurrency|goodput"
    r"|run(_?(number|id|index|name))?|trial|repeat(_index)?|rep|iteration|attempt|seed|timestamp|host(name)?"
)
_LONGEST = 200


def _object(record: Any, *path: str) -> Mapping:
    for key in path:
        record = record.get(key) if isinstance(record, Mapping) else None
    return record if isinstance(record, Mapping) else {}


def flat_settings(record: Row, known: Mapping) -> dict:
    """Facts among the results under any spelling; what else was set becomes the fingerprint of the recipe."""
    facts: dict[str, Any] = {}
    others: dict[str, str] = {}
    for name, found in record.items():
        ours = spelt(name)
        if ours in FACTS and name not in ("date", "backend", "run_id"):
            if not isinstance(found, str | int | float | bool) or found in ("", "None", "none", "auto"):
                continue
            if ours == "conc" and ours != name:
                continue
            if ours in facts and str(facts[ours]).lower() != str(found).lower():
                raise RowProblem(name, f"'{shown(found)}' contradicts '{shown(facts[ours])}' in the same row")
            facts[ours] = found
        elif isinstance(found, str | bool | int) and found != "" and not _OWN.fullmatch(name):
            others[name] = str(found)
    facts |= _speculation(record, facts)
    others.pop("speculative_config", None), others.pop("num_speculative_tokens", None)
    dtype = others.pop("dtype", None)
    if dtype not in (None, "auto") and "precision" not in known:  # it is that of the activations
        facts.setdefault("precision", dtype)
    if others:
        recipe = "; ".join(f"{name}={others[name]}" for name in sorted(others))
        digest = hashlib.sha256(recipe.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        facts["recipe_fingerprint"] = recipe if len(recipe) <= _LONGEST and recipe.isprintable() else digest
    return facts


def _speculation(record: Row, facts: Mapping) -> dict:
    """The method of speculative decoding, or that there is one."""
    config = record.get("speculative_config")
    stated = _pairs(config) if isinstance(config, str) else _object(record, "speculative_config")
    method = stated.get("method")
    tokens = stated.get("num_speculative_tokens", record.get("num_speculative_tokens"))
    drafts = record.get("spec_decode_num_drafts") or record.get("spec_decode_acceptance_length")
    if isinstance(method, str) and method:
        return {"spec_decoding": method}
    if "spec_decoding" in facts or not (stated or drafts or str(tokens or 0) not in ("0", "0.0")):
        return {}
    return {"speculates": True}


def _sglang(record: Row, whole: Row) -> dict:
    """SGLang: the lengths asked for, and what the server says. Half of a disaggregated one does not speak for it."""
    name = record.get("dataset_name")
    is_random = isinstance(name, str) and name.startswith("random")
    isl, osl, ratio = (record.get(f"random_{key}") for key in ("input_len", "output_len", "range_ratio"))
    asked: dict[str, Any] = {"data_set": name}
    if is_random and isl is not None:
        about = f"{name}, at most {shown(isl)} and {shown(osl)} tokens, at least {shown(ratio)} of that"
        asked = {"isl": isl, "osl": osl, "range": 1.0 if ratio is None else ratio, "data_set": about}
    made = {"asked": asked, "data_set_differs": not is_random and name is not None}
    info = _object(record, "server_info")
    stated: dict[str, Any] = {"recipe_fingerprint": record["tag"]} if record.get("tag") else {}
    if isinstance(info.get("model_path"), str) and info.get("disaggregation_mode") in (None, "null"):
        tp, pp, dp = (info.get(key) for key in ("tp_size", "pp_size", "dp_size"))
        stated |= {
            "framework": "sglang",
            "model": info["model_path"],
            "tp": tp,
            "pp": pp,
            "ep": info.get("ep_size"),
            "dp_attention": info.get("enable_dp_attention"),
            "spec_decoding": info.get("speculative_algorithm") or "none",
            "precision": info.get("quantization"),
        }
        if all(isinstance(size, int) for size in (tp, pp, dp)):
            # With data-parallel attention the ranks of dp are ranks of tp; without it each has GPUs of its own.
            stated["num_gpu"] = tp * pp * (1 if stated["dp_attention"] else dp)
    accepted = record.get("accept_length")
    if isinstance(accepted, int | float) and accepted > 1 and stated.get("spec_decoding", "none") == "none":
        stated.pop("spec_decoding", None)
        stated["speculates"] = True
    return made | {"deployment": stated}


def _aiperf(record: Row, whole: Row) -> dict:
    """AIPerf: the phase that was measured, with the load it was asked for, and the data set."""
    phases = _object(record, "input_config").get("phases")
    phases = [p for p in phases if isinstance(p, Mapping)] if isinstance(phases, list) else []
    measured = [
        p for p in phases if not p.get("exclude_from_results") and "warmup" not in (p.get("kind"), p.get("name"))
    ]
    if len(measured) > 1:
        raise RowProblem("input_config.phases", f"{len(measured)} phases of different load are added up")
    sets = _object(record, "input_config").get("datasets")
    only = sets[0] if isinstance(sets, list) and len(sets) == 1 and isinstance(sets[0], Mapping) else {}
    if only.get("type") != "synthetic":
        only = {"type": only.get("type")}
    phase = dict(measured[0]) if measured else {}
    phase["ramp"] = next((found for key, found in phase.items() if "ramp" in key and found), None)
    return {"phase": phase, "asked": only}


def _genai_perf(record: Row, whole: Row) -> dict:
    stimulus = _object(record, "input_config", "perf_analyzer", "stimulus")
    return {"asked": {"arrivals": next((key for key in stimulus if key != "concurrency"), None)}}


def _guidellm(benchmark: Row, whole: Row) -> dict:
    """GuideLLM: the data asked for, an object since 0.6, a text before."""
    data = _object(whole, "config", "spec").get("data")
    data = data or _object(whole, "args").get("data") or _object(benchmark, "request_loader").get("data")
    data = data or _object(benchmark, "config", "requests").get("data")
    only = data[0] if isinstance(data, list) and len(data) == 1 else data
    if isinstance(only, str):
        only = _pairs(only)
    if not isinstance(only, Mapping) or only.get("kind", "synthetic_text") != "synthetic_text":
        return {"asked": {"kind": _object({"d": only}, "d").get("kind")}}
    spread = any(only.get(f"{kind}_tokens_{what}") for kind in ("prompt", "output") for what in ("stdev", "min"))
    return {"asked": {"kind": only.get("kind", "synthetic_text"), **({} if spread else only)}}


def _pairs(text: str) -> dict:
    """`a=1,b=2` or a JSON object."""
    try:
        found = json.loads(text)
    except ValueError:
        found = dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)
    return found if isinstance(found, dict) else {}


def _llmd_01(record: Row, whole: Row) -> dict:
    scenario = _object(record, "scenario")
    host = _object(scenario, "host")
    boards, kinds = (
        found if isinstance(found, list) else [found] for found in (host.get("accelerator"), host.get("type"))
    )
    roles = [*kinds, *["replica"] * len(boards)]
    engines = _object(scenario, "platform").get("engine")
    engine = engines[0] if isinstance(engines, list) and engines else engines
    units = [(board, roles[n], 1) for n, board in enumerate(boards) if isinstance(board, Mapping)]
    stated = _engines(units) | _software(_object({"e": engine}, "e").get("name"))
    return {"deployment": stated | {"precision": _object(scenario, "model").get("quantization")}}


def _llmd_02(record: Row, whole: Row) -> dict:
    stack = _object(record, "scenario").get("stack")
    engines = [_object(part, "standardized") for part in stack] if isinstance(stack, list) else []
    engines = [engine for engine in engines if engine.get("kind") == "inference_engine"]
    units = [(_object(e, "accelerator"), e.get("role"), e.get("replicas") or 1) for e in engines]
    stated = _engines([unit for unit in units if unit[0]])
    for engine in engines[:1]:
        model = _object(engine, "model")
        stated |= {"model": model.get("name"), "precision": model.get("quantization")}
        stated |= _software(f"{engine.get('tool')} {engine.get('tool_version')}")
    load = _object(record, "scenario", "load", "standardized")
    lengths = {key: _object(load, f"{name}_seq_len") for key, name in (("isl", "input"), ("osl", "output"))}
    asked = {key: found.get("value") for key, found in lengths.items() if found.get("distribution") == "fixed"}
    return {"deployment": stated, "asked": asked}


def _engines(units: list[tuple[Mapping, Any, Any]]) -> dict:
    """Hardware, GPU counts and sizes of engines, each (accelerator, role, replicas)."""
    if not units:
        return {}
    names = {str(board.get("model")) for board, _, _ in units if board.get("model")}
    if len(names) > 1:
        raise RowProblem("accelerator", f"{' and '.join(sorted(names))}: a point has one GPU")
    stated: dict[str, Any] = {"hardware": next(iter(names), None)}
    counts = {"prefill": 0, "decode": 0, "": 0}
    for board, role, replicas in units:
        sizes = _object(board, "parallelism")
        count = board.get("count")
        if count is None:
            count = (sizes.get("tp") or 1) * (sizes.get("pp") or 1) * (sizes.get("dp") or 1) if sizes else 0
        if not all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**31 for n in (count, replicas)):
            raise RowProblem("accelerator.count", f"'{shown(count)}' is not a whole number")
        counts[role if role in ("prefill", "decode") else ""] += count * replicas
    sizes = _object(units[0][0], "parallelism")
    if counts["prefill"] and counts["decode"]:
        stated |= {"disagg": True, "num_prefill_gpu": counts["prefill"], "num_decode_gpu": counts["decode"]}
    elif sum(counts.values()):
        stated |= {"num_gpu": sum(counts.values()), **{key: sizes.get(key) for key in ("tp", "pp", "ep")}}
    return stated


def _software(name: Any) -> dict:
    found = re.search(r"vllm|sglang|tensorrt|trt", name.lower()) if isinstance(name, str) else None
    return {"framework": {"tensorrt": "trt"}.get(found[0], found[0])} if found else {}


def _inference_perf(record: Row, whole: Row) -> dict:
    load = _object(record, "load_summary")
    if load.get("requested_rate") is None and load.get("concurrency") is None:
        reason = "the summary adds up stages of different load; read the stage_N_lifecycle_metrics.json files"
        raise RowProblem("load_summary", reason)
    return {}


PREPARE = {
    "sglang_serving": _sglang,
    "aiperf": _aiperf,
    "genai_perf": _genai_perf,
    "guidellm": _guidellm,
    "guidellm_before_04": _guidellm,
    "inference_perf": _inference_perf,
    "llmd_report": _llmd_01,
    "llmd_report_02": _llmd_02,
}
