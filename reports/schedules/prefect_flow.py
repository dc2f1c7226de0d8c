"""The report as a Prefect flow: `python prefect_flow.py` serves it every night, with the state of each run in Prefect.

Prefect lives in an environment of its own (prefect.lock); the report is made by the checkout's. Alerts are the report's
own, so a run that Prefect tries again tells of each attempt.
"""

import json
import subprocess
from pathlib import Path

from prefect import flow, get_run_logger, task

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [str(ROOT / ".venv" / "bin" / "tokenfactory"), "report", "--scheduled", "--json"]


@task(retries=1, retry_delay_seconds=600, retry_condition_fn=lambda task, run, state: "code 1" in state.message)
def report(scenario: str) -> dict:
    """The JSON summary of a report that was made."""
    done = subprocess.run([*COMMAND, "--scenario", scenario], cwd=ROOT, capture_output=True, text=True)
    get_run_logger().info(done.stderr)
    if done.returncode:
        raise RuntimeError(f"tokenfactory report left with code {done.returncode}: {done.stdout.strip()}")
    return json.loads(done.stdout)


@flow(name="token-factory-report")
def nightly(scenario: str = "all") -> dict:
    return report(scenario)


if __name__ == "__main__":
    nightly.serve(name="nightly", cron="17 3 * * *")
