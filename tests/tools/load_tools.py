"""Run the real load-test tools against a server on loopback and keep what they write: the fixtures of the adapters.

    python tests/tools/load_tools.py [TOOL ...]

Each tool is installed in an environment of its own in a temporary folder, which is removed afterwards; this
downloads up to a gigabyte a tool. Tools may not reach a model hub, so they get a small tokenizer from here:
one token is one word, as the server counts too.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from openai_server import MODEL, openai_server

FIXTURES = Path(__file__).parents[1] / "fixtures" / "load_tools"
TTFT_S, ITL_S = 0.05, 0.01  # the server's pace, which every tool must find
ISL, OSL, NUM_REQUESTS = 64, 16, 16
CONCURRENCIES = (2, 4)
RATE = 8  # requests per second
LONGEST_S = 900  # for one command


class CannotRunError(Exception):
    """Why a tool cannot be run on this machine."""


@dataclass(frozen=True)
class Place:
    """Where a tool runs: a folder of its own with its environment in it, and the server to measure."""

    folder: Path
    url: str

    def command(self, *words: str | Path, offline: bool = True) -> None:
        """Run a command in the folder, with the tool's own programs first in line."""
        own = {"PATH": f"{self.folder / 'env' / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(self.folder)}
        own |= {"HF_HUB_OFFLINE": "1"} if offline else {}
        done = subprocess.run(
            [str(word) for word in words],
            cwd=self.folder,
            env=os.environ | own,
            timeout=LONGEST_S,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise CannotRunError(f"{words[0]} ended with {done.returncode}: {(done.stderr or done.stdout)[-800:]}")

    def install(self, *requirements: str, python: str = sys.executable) -> None:
        subprocess.run([python, "-m", "venv", self.folder / "env"], check=True, timeout=LONGEST_S)
        subprocess.run(
            [self.folder / "env" / "bin" / "pip", "install", "--quiet", *requirements],
            check=True,
            timeout=LONGEST_S,
            capture_output=True,
        )

    def version(self, package: str) -> str:
        line = f"import importlib.metadata as m; print(m.version({package!r}))"
        python = self.folder / "env" / "bin" / "python"
        return subprocess.run([python, "-c", line], check=True, capture_output=True, text=True).stdout.strip()


def write_tokenizer(folder: Path) -> None:
    """A tokenizer with one token for each word, in the files that transformers reads."""
    folder.mkdir()
    vocabulary = {word: number for number, word in enumerate(["</s>", "word", *(f"w{i}" for i in range(1000))])}
    end = {"id": 0, "content": "</s>", "special": True, "normalized": False}
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [end | {"single_word": False, "lstrip": False, "rstrip": False}],
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        # An unknown word is "word", so that the text of any prompt has as many words as tokens.
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "word"},
    }
    (folder / "tokenizer.json").write_text(json.dumps(content))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>", "pad_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": 100_000}))


def python_from(minor: int) -> str:
    """A Python 3 of at least this minor version."""
    places = [sys.executable, *(shutil.which(f"python3.{n}") or "" for n in range(minor, 15))]
    places += sorted(map(str, Path.home().glob(".pyenv/versions/3.*/bin/python3")))
    for place in filter(None, places):
        told = subprocess.run([place, "-c", "import sys; print(sys.version_info[1])"], capture_output=True, text=True)
        if told.returncode == 0 and int(told.stdout) >= minor:
            return place
    raise CannotRunError(f"it needs Python 3.{minor}, which is not on this machine")


# ---- the tools: each runs, and gives the content of its fixtures by their names -------------------------


def guidellm(place: Place) -> dict[str, object]:
    # This release of torch may lie on a machine as a small file without GPU libraries.
    place.install("guidellm", "torch==2.13.0")
    loads = {
        "concurrent": ["kind=concurrent", "--override", "profile.streams", ",".join(map(str, CONCURRENCIES))],
        "rate": [f"kind=constant,rate={RATE}"],
    }
    for name, load in loads.items():
        place.command(
            *("guidellm", "run", "--disable-console", "--profile", *load),
            *("--backend", f"kind=openai_http,target={place.url},model={MODEL}"),
            *("--constraint", f"kind=max_requests,count={NUM_REQUESTS}"),
            *("--tokenizer", "kind=huggingface_auto,model=tokenizer"),
            *("--data", f"kind=synthetic_text,prompt_tokens={ISL},output_tokens={OSL}"),
            *("--output", f"kind=json,path={name}.json"),
        )
    return {f"guidellm_{name}.json": _without_requests(_json(place, f"{name}.json")) for name in loads}


def _without_requests(report: dict) -> dict:
    """The report without its single requests, and with those metrics alone that are about text and succeeded."""
    for benchmark in report["benchmarks"]:
        benchmark["requests"] = {"successful": [], "errored": [], "incomplete": [], "total": None}
        for name, metric in list(benchmark["metrics"].items()):
            if name in ("text", "image", "video", "audio", "tool_call"):
                del benchmark["metrics"][name]
            elif isinstance(metric, dict) and isinstance(metric.get("successful"), dict):
                benchmark["metrics"][name] = {"successful": metric["successful"]}
    return report


def aiperf(place: Place) -> dict[str, object]:
    place.install("aiperf")
    loads = {f"concurrency_{n}": ["--concurrency", str(n)] for n in CONCURRENCIES}
    loads["rate"] = ["--request-rate", str(RATE)]
    for name, load in loads.items():
        place.command(
            *("aiperf", "profile", "--model", MODEL, "--url", place.url, "--endpoint-type", "chat", "--streaming"),
            *("--tokenizer", "./tokenizer", "--request-count", str(NUM_REQUESTS), "--isl", str(ISL), "--osl", str(OSL)),
            *("--no-gpu-telemetry", "--no-server-metrics", "--ui", "none", "--export-level", "summary"),
            *("--artifact-dir", name, *load),
            offline=False,  # its offline mode knows no tokenizer in a folder
        )
    return {f"aiperf_{name}.json": _json(place, f"{name}/profile_export_aiperf.json") for name in loads}


def inference_perf(place: Place) -> dict[str, object]:
    place.install("inference-perf", python=python_from(12))
    loads = {
        "concurrent": [{"concurrency_level": n, "num_requests": NUM_REQUESTS} for n in CONCURRENCIES],
        "constant": [{"rate": RATE, "duration": NUM_REQUESTS // RATE}],
    }
    for kind, stages in loads.items():
        total = len(stages) * NUM_REQUESTS
        spread = [{"min": n, "max": n, "mean": n, "std_dev": 0, "total_count": total} for n in (ISL, OSL)]
        settings = {
            "api": {"type": "completion", "streaming": True},
            "server": {"type": "vllm", "model_name": MODEL, "base_url": place.url, "ignore_eos": True},
            "tokenizer": {"pretrained_model_name_or_path": "tokenizer"},
            "data": {"type": "random", "input_distribution": spread[0], "output_distribution": spread[1]},
            "load": {"type": kind, "stages": stages, "num_workers": 1},
            "storage": {"local_storage": {"path": kind}},
        }
        # JSON is YAML.
        (place.folder / f"{kind}.yaml").write_text(json.dumps(settings))
        place.command("inference-perf", "-c", f"{kind}.yaml")
    return {
        "inference_perf_stage_0.json": _json(place, "concurrent/stage_0_lifecycle_metrics.json"),
        "inference_perf_stage_1.json": _json(place, "concurrent/stage_1_lifecycle_metrics.json"),
        "inference_perf_summary.json": _json(place, "concurrent/summary_lifecycle_metrics.json"),
        "inference_perf_rate.json": _json(place, "constant/stage_0_lifecycle_metrics.json"),
    }


def sglang_serving(place: Place) -> dict[str, object]:
    # The benchmark alone: the package itself brings an engine of many gigabytes.
    place.install(
        *[
            "aiohttp",
            "msgspec",
            "numpy",
            "orjson",
            "requests",
            "tqdm",
            "transformers",
            "datasets",
            "psutil",
            "pyzmq",
            "pillow",
            "pybase64",
        ]
    )
    pip = place.folder / "env" / "bin" / "pip"
    subprocess.run([pip, "download", "--quiet", "--no-deps", "--dest", place.folder, "sglang"], check=True)
    (wheel,) = place.folder.glob("sglang-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = [n for n in archive.namelist() if n.startswith("sglang/benchmark/")]
        archive.extractall(place.folder, [*inside, "sglang/srt/utils/network.py"])
    # In place of the engine's modules, which import the whole of it, what the benchmark wants from them.
    for module in ("", "srt/", "srt/utils/", "srt/disaggregation/"):
        (place.folder / "sglang" / module).mkdir(parents=True, exist_ok=True)
        (place.folder / "sglang" / module / "__init__.py").touch()
    (place.folder / "sglang/srt/disaggregation/utils.py").write_text('FAKE_BOOTSTRAP_HOST = "2.2.2.2"\n')
    loads = [["--random-range-ratio", "1", "--max-concurrency", str(n)] for n in CONCURRENCIES]
    loads += [["--random-range-ratio", "0.8", "--request-rate", str(RATE)]]
    loads += [["--random-range-ratio", "0.1", "--max-concurrency", "2"]]
    for load in loads:
        place.command(
            *("python", "-m", "sglang.benchmark.serving", "--backend", "sglang-oai", "--base-url", place.url),
            *("--model", MODEL, "--tokenizer", "tokenizer", "--num-prompts", str(NUM_REQUESTS)),
            *("--dataset-name", "random-ids", "--random-input-len", str(ISL), "--random-output-len", str(OSL)),
            *("--output-file", "out.jsonl", *load),
        )
    return {"sglang_serving.jsonl": (place.folder / "out.jsonl").read_text()}


@dataclass(frozen=True)
class Tool:
    package: str
    run: Callable[[Place], dict[str, object]]


TOOLS = {
    "guidellm": Tool("guidellm", guidellm),
    "aiperf": Tool("aiperf", aiperf),
    "inference_perf": Tool("inference-perf", inference_perf),
    "sglang_serving": Tool("sglang", sglang_serving),
}


def outputs(name: str) -> tuple[str, dict[str, str]]:
    """Version of a tool, and its fixtures by name, made by running it. Raises CannotRunError."""
    # The short name of a folder in which sockets may lie.
    with tempfile.TemporaryDirectory(prefix="lt-") as folder, openai_server(ttft_s=TTFT_S, itl_s=ITL_S) as url:
        place = Place(Path(folder), url)
        write_tokenizer(place.folder / "tokenizer")
        made = TOOLS[name].run(place)
        wheels = list(place.folder.glob("sglang-*.whl"))
        version = wheels[0].name.split("-")[1] if wheels else place.version(TOOLS[name].package)
        texts = {
            file: content if isinstance(content, str) else json.dumps(content, indent=1) + "\n"
            for file, content in made.items()
        }
        return version, {file: _without_machine(text, place) for file, text in texts.items()}


def _without_machine(text: str, place: Place) -> str:
    """The text without what it says about the machine it was made on."""
    text = text.replace(str(place.folder) + "/", "").replace(place.url, "http://127.0.0.1:8000")
    text = re.sub(r'"platform": "[^"]*"', '"platform": "Linux"', text)
    return re.sub(r" object at 0x[0-9a-f]+", " object", text)


def _json(place: Place, file: str) -> dict:
    return json.loads((place.folder / file).read_text())


def main(names: list[str]) -> None:
    FIXTURES.mkdir(parents=True, exist_ok=True)
    versions = FIXTURES / "versions.json"
    known = json.loads(versions.read_text()) if versions.exists() else {}
    for name in names or TOOLS:
        try:
            known[name], files = outputs(name)
        except CannotRunError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        for file, text in files.items():
            (FIXTURES / file).write_text(text)
        print(f"{name} {known[name]}: {', '.join(files)}")
    versions.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
