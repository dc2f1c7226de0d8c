"""Throughput of deployments whose latencies alone were published: by Little's law, held to rows known both ways.

`tokenfactory derive SILICON RECIPES` joins the measured latencies of NVIDIA's aiconfigurator (silicon_sample.csv) with
the recipes of InferenceX (which GPUs, with or without MTP), works out throughput, removes the bias that shows on
runs whose throughput ships as measured, gives each GPU the band that holds 90% of those, and writes
`benchmarks/derived_*.csv` and `derived_calibration.csv`. Joins that more than one recipe fits are left out and counted.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

from tokenfactory.errors import DataError
from tokenfactory.formulas import queueing
from tokenfactory.measurements import benchmarks, tables

PAGE = (
    "https://github.com/ai-dynamo/aiconfigurator/blob/095f58a51c4ca8e61b66ec108d86f223f8d559ce/aic-core/src/"
    "aiconfigurator_core/systems/silicon_sample.csv"
)
NOTICE = (
    *benchmarks.NOTICE[:3],
    "# Derived and unofficial: latencies of InferenceX runs as NVIDIA published them in ai-dynamo/aiconfigurator",
    "# (Apache-2.0), joined with recipes of SemiAnalysisAI/InferenceX (Apache-2.0); throughput by Little's law.",
)
MEAN_LENGTH_FRAC = 0.9  # requests of the InferenceX load generator are uniform in 80 to 100% of the nominal length
COVERAGE_FRAC = 0.9
NEEDED = 19  # from so many pairs on a band of 90% can be learned of one GPU; with fewer those of all GPUs serve
SPEED, TPUT = "interactivity_tok_per_s_per_user", "total_tok_per_s_per_gpu"
_SAME_RUN = (
    *("gpu", "model", "framework", "precision", "spec_decoding", "isl_tok", "osl_tok", "conc"),
    *("num_prefill_gpu", "num_decode_gpu", "date"),
)


@dataclass(frozen=True)
class Derived:
    """What was derived, what the bands rest on, and what could not be joined."""

    points: list[dict]
    calibration: list[dict]
    left_out: dict[str, int]
    num_measured: int

    def text(self) -> str:
        lines = [f"{len(self.points)} points derived; {self.num_measured} more are of runs that ship as measured"]
        lines += [f"left out, {reason}: {num}" for reason, num in sorted(self.left_out.items())]
        for row in self.calibration:
            lines.append(
                f"{row['gpu']}: {row['num_pairs']} runs known both ways, derived over measured {row['tput_bias']:.3f},"
                f" band {row['low']:.3f} to {row['high']:.3f}, {row['inside_frac']:.0%} inside ({row['learned_from']})"
            )
        return "\n".join(lines)


def derive(silicon: Path, recipes: Path, measured: Sequence[dict]) -> Derived:
    """Points of deployments that are in no measured row, with bands.

    Parameters
    ----------
    silicon : CSV of latencies
    recipes : CSV of recipes
    measured : rows of `data/benchmarks/`, of which some are of the same runs

    Raises
    ------
    DataError : a file cannot be read as one of these
    """
    rows = _joined(silicon, recipes)
    left_out = Counter(row["obstacle"] for row in rows if row["obstacle"])
    rows = [_with_throughput(row) for row in rows if not row["obstacle"]]
    known = {tuple(row[name] for name in _SAME_RUN): row for row in measured if row["evidence"] == "measured"}
    pairs = [(row, known[key]) for row in rows if (key := tuple(row[name] for name in _SAME_RUN)) in known]
    calibration = calibrate(pairs)
    of_gpu = {row["gpu"]: row for row in calibration}
    points = [
        _calibrated(row, of_gpu[row["gpu"]])
        for row in rows
        if row["gpu"] in of_gpu and tuple(row[name] for name in _SAME_RUN) not in known
    ]
    return Derived(points, calibration, dict(left_out), len(pairs))


def calibrate(pairs: Sequence[tuple[dict, dict]]) -> list[dict]:
    """Bias and band by GPU, from rows derived and measured: one row per GPU that has any.

    Notes
    -----
    tput_bias and speed_bias are medians of derived over measured. low and high are the ends of the band around a point
    whose bias is removed, over that point: of the n ratios measured over derived the floor((n + 1) / 20)-th smallest
    and as many-th largest, so that a new one falls inside in 90% of cases. With fewer than 19 runs of a GPU the
    ratios of all GPUs, each over the median of its own, give the ends, or the farthest run of its own does.
    """
    ratios = {}
    for derived, measured in pairs:
        ratios.setdefault(derived["gpu"], []).append((derived[TPUT] / measured[TPUT], derived[SPEED] / measured[SPEED]))
    bias = {gpu: tuple(median(side) for side in zip(*of, strict=True)) for gpu, of in ratios.items()}
    misses = {gpu: sorted(bias[gpu][0] / tput for tput, _ in of) for gpu, of in ratios.items()}
    every = sorted(miss for of in misses.values() for miss in of)
    rows = []
    for gpu, of in sorted(misses.items()):
        is_own = len(of) >= NEEDED
        low, high = _ends(of if is_own else every)
        if not is_own:
            low, high = min(low, of[0]), max(high, of[-1])
        rows.append({
            "gpu": gpu, "num_pairs": len(of), "tput_bias": bias[gpu][0], "speed_bias": bias[gpu][1],
            "low": low, "high": high, "learned_from": "own runs" if is_own else "runs of all GPUs",
            "median_after": median(1 / miss for miss in of), "inside_frac": sum(low <= m <= high for m in of) / len(of),
        })  # fmt: skip
    return rows


def _ends(misses: Sequence[float]) -> tuple[float, float]:
    rank = math.floor(round((len(misses) + 1) * (1 - COVERAGE_FRAC) / 2, 9))  # 20 x 0.05 is a little below 1
    if rank < 1:
        raise DataError("data/benchmarks", f"holds {len(misses)} runs known both ways; a band needs {NEEDED}")
    return misses[rank - 1], misses[-rank]


def _joined(silicon: Path, recipes: Path) -> list[dict]:
    import duckdb

    with duckdb.connect() as connection:
        try:
            query = tables.sql("derived")
            return tables.rows(connection.execute(query, {"silicon": str(silicon), "recipes": str(recipes)}))
        except duckdb.Error as error:
            reason = f"cannot be joined: {str(error).splitlines()[0]}"
            raise DataError(f"{silicon.name} and {recipes.name}", reason) from error


def _with_throughput(row: dict) -> dict:
    num_gpu = row["num_prefill_gpu"] + row["num_decode_gpu"]
    lengths = {name: row[name] for name in ("conc", "isl_tok", "osl_tok", "ttft_s", "tpot_s")}
    tput = queueing.tok_per_s_per_gpu(**lengths, num_gpu=num_gpu, mean_length_frac=MEAN_LENGTH_FRAC)
    return row | {TPUT: tput, SPEED: 1 / row["tpot_s"], "num_gpu": num_gpu}


def _calibrated(row: dict, of_gpu: dict) -> dict:
    tput = row[TPUT] / of_gpu["tput_bias"]
    kept = {name: row[name] for name in (*_SAME_RUN, "num_gpu")}
    pools = f"{row['num_prefill_gpu']}p{row['num_decode_gpu']}d"
    spec = "mtp" if row["spec_decoding"] == "mtp" else "no-mtp"
    name = f"derived-{row['gpu']}-{row['precision']}-{spec}-{row['framework']}-{row['isl_tok']}in{row['osl_tok']}out"
    return kept | {
        "point_id": f"{name}-c{row['conc']}-{pools}-{row['date']}", "evidence": "derived", "is_disagg": True,
        TPUT: tput, f"{TPUT}_low": tput * of_gpu["low"], f"{TPUT}_high": tput * of_gpu["high"],
        SPEED: row[SPEED] / of_gpu["speed_bias"], "median_ttft_s": row["ttft_s"], "run_url": PAGE,
    }  # fmt: skip


def write(derived: Derived, data: Path, *, accessed: date) -> list[Path]:
    """Write the points and the calibration into the data folder."""
    points, calibration = data / "benchmarks" / "derived_deepseek-r1-0528.csv", data / "derived_calibration.csv"
    points.write_text(benchmarks.text(sorted(derived.points, key=lambda r: r["point_id"]), NOTICE), encoding="utf-8")
    rows = [row | {"source_url": PAGE, "accessed": accessed} for row in derived.calibration]
    calibration.write_text(benchmarks.table(rows), encoding="utf-8")
    return [points, calibration]
