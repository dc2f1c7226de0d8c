"""Small files, ingested: what tests of the loader have in common."""

import json
from pathlib import Path

import duckdb

from tokenfactory.measurements.ingest import IngestReport, ingest
from tokenfactory.warehouse.attach import attach

FIXTURES = Path(__file__).parents[1] / "fixtures"

# One row of an aggregated file: H200, TP8, 851.9 tok/s/GPU in and out; consistent in every identity.
AGG = {
    "hw": "h200-cw",
    "conc": 64,
    "image": "vllm#vllm-openai:v0.11.2",
    "model": "acme/demo",
    "infmax_model_prefix": "dsr1",
    "framework": "vllm",
    "precision": "fp8",
    "spec_decoding": "none",
    "disagg": False,
    "isl": 8192,
    "osl": 1024,
    "is_multinode": False,
    "tp": 8,
    "ep": 1,
    "dp_attention": "false",
    "tput_per_gpu": 851.9,
    "output_tput_per_gpu": 94.65,
    "input_tput_per_gpu": 757.25,
    "median_tpot": 0.04016,
    "median_intvty": 24.9004,
}
# The same measurement as the API gives it, with its day and run.
API = {
    "hardware": "h200",
    "framework": "vllm",
    "model": "dsr1",
    "precision": "fp8",
    "spec_method": "none",
    "disagg": False,
    "is_multinode": False,
    **{f"{role}_{key}": value for role in ("prefill", "decode") for key, value in (("tp", 8), ("ep", 1))},
    "prefill_dp_attention": False,
    "decode_dp_attention": False,
    "prefill_num_workers": 0,
    "decode_num_workers": 0,
    "num_prefill_gpu": 8,
    "num_decode_gpu": 8,
    "isl": 8192,
    "osl": 1024,
    "conc": 64,
    "image": "vllm/vllm-openai:v0.11.2",
    "metrics": {
        "tput_per_gpu": 851.9,
        "output_tput_per_gpu": 94.65,
        "input_tput_per_gpu": 757.25,
        "median_tpot": 0.04016,
        "median_intvty": 24.9004,
    },
    "date": "2026-05-20",
    "run_url": "https://github.com/SemiAnalysisAI/InferenceX/actions/runs/20200037154/attempts/2",
}


class Loaded:
    """What came of some files: the report, and the tables as lists of dicts."""

    def __init__(self, report: IngestReport):
        self.report = report
        self.connection = duckdb.connect()
        attach(self.connection, report.snapshot)

    def table(self, query: str) -> list[dict]:
        query = query if " " in query else f"SELECT * FROM {query}"
        result = self.connection.execute(query)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    @property
    def points(self) -> list[dict]:
        return self.table("SELECT * FROM measured_points ORDER BY row_index, file_sha256")

    @property
    def excluded(self) -> list[tuple]:
        """Index, field and reason of every excluded row."""
        return [(r["row_index"], r["field"], r["reason"]) for r in self.table("excluded_rows")]


def write(folder: Path, **files) -> Path:
    """Files in a folder; `__` in a keyword is a dot. What is no text or bytes is written as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def load(tmp_path: Path, *, facts: dict | None = None, **files) -> Loaded:
    """Ingest some files together."""
    return Loaded(ingest([write(tmp_path / "in", **files)], tmp_path / "snapshots", facts=facts, needs_points=False))
