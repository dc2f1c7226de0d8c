"""Register what the decode model says of deployments that nobody has measured.

`python tests/tools/register_predictions.py DAY` appends the rows of `POINTS` to `data/predictions.csv` that are not
there yet. Rows that are there are never changed: a prediction that is edited after the day is none.
"""

import csv
import hashlib
import sys
from pathlib import Path

from tokenfactory import warehouse
from tokenfactory.methods import decode
from tokenfactory.methods.architecture import Architecture
from tokenfactory.warehouse.files import PROJECT
from tokenfactory.warehouse.schema import TABLES

MODEL = "deepseek-r1-0528"
# Drafted tokens a step -> assumed acceptance, with the range it is assumed in. Nobody has published R1's.
ACCEPTANCE = {0: (1.0, 1.0, 1.0), 1: (1.8, 1.7, 1.9), 3: (2.5, 2.2, 2.8)}
# GPU, format, drafted tokens, GPUs of a decode worker, requests per decode GPU, input and output length
POINTS = (
    ("h200", "fp8", 3, 32, 8, 1024, 1024),
    ("h200", "fp8", 3, 64, 4, 1024, 1024),
    ("h200", "fp8", 1, 32, 32, 1024, 1024),
    ("h200", "fp8", 0, 32, 32, 1024, 1024),
    ("h200", "fp8", 0, 64, 32, 8192, 1024),
    ("b300", "fp4", 0, 32, 32, 1024, 1024),
    ("b300", "fp4", 3, 32, 16, 1024, 1024),
    ("b300", "fp4", 3, 16, 32, 8192, 1024),
    ("gb300", "fp4", 3, 64, 16, 1024, 1024),
    ("gb300", "fp4", 0, 64, 64, 1024, 1024),
    ("gb300", "fp4", 3, 16, 64, 1024, 1024),
    ("gb300", "fp4", 3, 32, 24, 1024, 1024),
    ("gb300", "fp4", 0, 32, 32, 8192, 1024),
    ("gb200", "fp4", 3, 64, 16, 1024, 1024),
    ("gb200", "fp4", 0, 64, 32, 1024, 1024),
)
HASHED = (
    "lib/tokenfactory/methods/decode.py",
    "lib/tokenfactory/methods/architecture.py",
    "data/kernels_attention.csv",
)
HASHED += ("data/kernels_experts.csv", "data/kernels_all_to_all.csv", "data/model_architectures.csv")


def code_sha256() -> str:
    """One hash of the code and tables that a prediction follows from."""
    return hashlib.sha256(b"".join((PROJECT / name).read_bytes() for name in HASHED)).hexdigest()


def predict(db, point: tuple) -> dict:
    """A row of `predictions`, without its day."""
    gpu, precision, depth, ep, batch, isl, osl = point
    names = ("kernels_attention", "kernels_experts", "kernels_all_to_all")
    tables = decode.KernelTables.from_rows(*(db.query(f"FROM {name} ORDER BY ALL").rows() for name in names))
    row = db.query("FROM model_architectures WHERE model = $model ORDER BY model", model=MODEL).rows(named=True)[0]
    acceptance, low, high = ACCEPTANCE[depth]
    context = decode.mean_context_tok(isl_tok=isl, osl_tok=osl)
    ask = dict(tables=tables, architecture=Architecture.from_row(row), gpu=gpu, precision=precision)
    ask |= {"step": decode.Step(ep, batch, context, depth + 1)}
    usual, fastest = decode.kernel_sum(**ask), decode.kernel_sum(**ask, is_fastest=True)
    step, quick = float(usual.step_ms), float(fastest.step_ms)
    speed, tput = decode.tok_per_s(step_ms=step, acceptance=acceptance, batch=batch)
    stand_ins = "; ".join(usual.stand_ins)
    return {
        "prediction_id": f"{gpu}-{precision}-mtp{depth}-ep{ep}-b{batch}-{isl}-{osl}", "code_sha256": code_sha256(),
        "status": "PROSPECTIVE", "model": MODEL, "gpu": gpu, "precision": precision,
        "spec_decoding": "mtp" if depth else "none", "depth": depth, "acceptance_length": acceptance,
        "acceptance_low": low, "acceptance_high": high, "ep": ep, "batch": batch, "isl": isl, "osl": osl,
        "interactivity_tok_per_s_per_user": round(speed, 1), "interactivity_low": round(1000 * low / step, 1),
        "interactivity_high": round(1000 * high / quick, 1), "output_tok_per_s_per_decode_gpu": round(tput),
        "stand_ins": stand_ins,
    }  # fmt: skip


def register(path: Path, day: str) -> int:
    """Append what is not registered yet, and say how many rows that were."""
    columns = list(TABLES["predictions"].columns)
    there = list(csv.DictReader(path.open(encoding="utf-8"))) if path.exists() else []
    known, db = {row["prediction_id"] for row in there}, warehouse.connect()
    new = [row for row in (predict(db, point) for point in POINTS) if row["prediction_id"] not in known]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(there + [row | {"registered_on": day} for row in new])
    return len(new)


if __name__ == "__main__":
    print(register(PROJECT / "data" / "predictions.csv", sys.argv[1]), "registered")
