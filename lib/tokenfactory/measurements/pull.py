"""Bring the current rows of chosen models from the public InferenceX API into a dated, immutable snapshot.

The only module that uses the network, and only when it is asked to. Answers are kept as they came in a hidden
folder beside the snapshots, with what is needed to ask "has it changed?" next time:

    .pulling/   answers of a pull that is under way or was interrupted; the next pull goes on from there
    .pulled/    the newest answer to each question, and a manifest for each snapshot that a pull made

A pull stores a snapshot of all its models or none.
"""

import hashlib
import http.client
import json
import random
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from reportkit import atomic
from tokenfactory import __version__
from tokenfactory.errors import ParameterError, PullError
from tokenfactory.measurements.ingest import ATTRIBUTION, IngestReport, ingest
from tokenfactory.measurements.normalise import model as our_name
from tokenfactory.measurements.normalise import shown, slug

BASE_URL = "https://inferencex.semianalysis.com/api"
LARGEST_ANSWER = 512 << 20  # bytes
RESUME_WITHIN = timedelta(hours=6)  # an older answer of an interrupted pull is no longer a current one

# The API's names of models, each with the short keys of the releases it stands for.
MODELS = {
    "DeepSeek-R1-0528": ("dsr1",),
    "DeepSeek-V4-Pro": ("dsv4",),
    "DeepSeek-V4.1-Flash": ("dsv41flash",),
    "GLM-5": ("glm5", "glm5.1"),
    "GLM-5.2": ("glm5.2", "glm5.3"),
    "Kimi-K2.5": ("kimik2.5", "kimik2.6", "kimik2.7-code"),
    "Kimi-K3": ("kimik3",),
    "Llama-3.3-70B-Instruct-FP8": ("llama70b",),
    "MiniMax-M2.5": ("minimaxm2.5", "minimaxm2.7"),
    "MiniMax-M3": ("minimaxm3",),
    "Qwen-3.5-397B-A17B": ("qwen3.5",),
    "gpt-oss-120b": ("gptoss120b",),
}

# A field that no row has in its type has been renamed or has another meaning now. One bad row is no reason to
# refuse the others: ingest excludes it by name.
_TEXTS = ("hardware", "framework", "model", "precision", "spec_method", "date", "run_url")
_COUNTS = ("conc", "prefill_tp", "decode_tp", "num_prefill_gpu", "num_decode_gpu")
_NEEDED: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(_TEXTS, (str,)),
    **dict.fromkeys(("disagg", "is_multinode"), (bool,)),
    **dict.fromkeys(_COUNTS, (int,)),
    **dict.fromkeys(("isl", "osl"), (int, type(None))),
    "metrics": (dict,),
}
_NEEDED_METRICS = ("tput_per_gpu",)
_TRY_AGAIN = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Patience:
    """How long a pull waits for the API, and how often it asks again."""

    attempts: int = 5
    first_wait_s: float = 1.0  # doubled before every further attempt
    longest_wait_s: float = 60.0
    timeout_s: float = 30.0  # of the server's silence
    longest_answer_s: float = 600.0


@dataclass(frozen=True)
class Answer:
    """One answer of the API, as it lies on the disk."""

    url: str
    model: str
    file: str
    sha256: str
    num_rows: int
    num_bytes: int
    retrieved_at: str  # when the bytes came
    checked_at: str  # when the API last said that they are the current ones
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class PullReport:
    """What a pull brought."""

    answers: list[Answer]
    ingested: IngestReport

    @property
    def exit_code(self) -> int:
        return self.ingested.exit_code

    def text(self) -> str:
        """The summary in words."""
        lines = [f"{a.model}: {a.num_rows} rows, retrieved {a.retrieved_at[:16]} UTC" for a in self.answers]
        return "\n".join([*lines, self.ingested.text(), ATTRIBUTION["InferenceX"]])


def pull(
    models: Iterable[str],
    snapshots_dir: str | Path,
    *,
    base_url: str = BASE_URL,
    patience: Patience | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> PullReport:
    """Ask the API for the current rows of `models` and make a snapshot of them under `snapshots_dir`.

    Parameters
    ----------
    models : names of models: the API's, its short keys, or ours; a name that is none of these goes to the API as it is
    snapshots_dir : folder of the snapshots, made when it is not there
    base_url : address of the API
    patience : waits and attempts
    progress : called with each line about what is going on

    Raises
    ------
    PullError : the API cannot be reached, does not know a model, has no rows, or changed its schema
    ParameterError : no model is named, or `base_url` is not an address
    DataError : no row of the answers could be used
    """
    names = list(dict.fromkeys(api_name(model) for model in models))
    if not names:
        raise ParameterError(f"name at least one model to pull, for example one of {', '.join(MODELS)}")
    if not re.fullmatch(r"https?://[\w.-]+(:\d{1,5})?(/[\w./~-]*)?", base_url, re.ASCII):
        raise ParameterError(f"'{shown(base_url)}' is not an address of an API, such as {BASE_URL}")
    snapshots = Path(snapshots_dir)
    working, finished = snapshots / ".pulling", snapshots / ".pulled"
    for folder in (working, finished):
        folder.mkdir(parents=True, exist_ok=True)
    with atomic.alone(working / "lock", waiting=_refuse_a_second):
        atomic.remove_leftovers(working)
        answers = [_current(name, base_url, working, finished, patience or Patience(), progress) for name in names]
        try:
            ingested = ingest([working / a.file for a in answers], snapshots)
        except Exception:  # what cannot be read today would be taken over by the next pull
            _forget(answers, working)
            raise
        _finish(answers, ingested, working, finished)
    return PullReport(answers, ingested)


def api_name(model: str) -> str:
    """The API's name of a model.

    >>> api_name("dsr1"), api_name("kimi-k2.6"), api_name("Brand-New-1T")
    ('DeepSeek-R1-0528', 'Kimi-K2.5', 'Brand-New-1T')
    """
    wanted = model.strip().lower()
    for name, keys in MODELS.items():
        if wanted in (name.lower(), *keys, *(our_name(key, None)[0] for key in keys)):
            return name
    return model.strip()


# ---- one model ----------------------------------------------------------------------------------


def _current(
    model: str, base_url: str, working: Path, finished: Path, patience: Patience, progress: Callable[[str], None]
) -> Answer:
    """The current answer for a model, in the folder `working`."""
    url = f"{base_url.rstrip('/')}/v1/benchmarks?" + urllib.parse.urlencode({"model": model})
    # Two addresses never share a file, whatever the names are: what is kept under this name answers this question.
    file = f"inferencex-{slug(model)[:60]}-{hashlib.sha256(url.encode()).hexdigest()[:8]}.json"
    kept = _kept(working, file)
    if kept and datetime.now(UTC) - datetime.fromisoformat(kept.checked_at) < RESUME_WITHIN:
        progress(f"{model}: {kept.num_rows} rows, taken over from a pull that was interrupted")
        return kept
    known, folder = (kept, working) if kept else (_kept(finished, file), finished)
    content, headers = _ask(url, model, known, patience, progress)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    if content is None:
        content = (folder / file).read_bytes()
        answer = Answer(**asdict(known) | {"checked_at": now})
        progress(f"{model}: {answer.num_rows} rows, unchanged since {answer.retrieved_at[:16]} UTC")
    else:
        answer = Answer(
            url=url,
            model=model,
            file=file,
            sha256=hashlib.sha256(content).hexdigest(),
            num_rows=_checked(json.loads(content), model),
            num_bytes=len(content),
            retrieved_at=now,
            checked_at=now,
            etag=headers.get("ETag"),
            last_modified=headers.get("Last-Modified"),
        )
        progress(f"{model}: {answer.num_rows} rows, {len(content) / 1e6:.1f} MB")
    # The description last: an answer without one does not count.
    atomic.write(working / file, content)
    atomic.write(_description(working / file), json.dumps(asdict(answer), indent=1).encode())
    return answer


def _kept(folder: Path, file: str) -> Answer | None:
    """The answer kept in a folder, None where there is none or it is not whole."""
    try:
        answer = Answer(**json.loads(_description(folder / file).read_text()))
        with (folder / file).open("rb") as stream:
            is_whole = hashlib.file_digest(stream, "sha256").hexdigest() == answer.sha256
    except (OSError, ValueError, TypeError):
        return None
    return answer if is_whole else None


def _checked(rows: Any, model: str) -> int:
    """Number of rows of an answer. Raises PullError for one that cannot be used."""
    if not isinstance(rows, list):
        raise PullError(f"the API's schema changed: the answer for '{model}' is not a list of rows; nothing was stored")
    if not rows:
        raise PullError(f"the API has no rows for '{model}'; nothing was stored")
    objects = [row for row in rows if isinstance(row, dict)]
    for name, types in _NEEDED.items():
        if not any(name in row and type(row[name]) in types for row in objects):
            raise PullError(_changed(model, name, "/".join(t.__name__ for t in types)))
    for name in _NEEDED_METRICS:
        numbers = (row["metrics"].get(name) for row in objects if isinstance(row.get("metrics"), dict))
        if not any(type(number) in (int, float) for number in numbers):
            raise PullError(_changed(model, f"metrics.{name}", "number"))
    return len(rows)


def _changed(model: str, field: str, kind: str) -> str:
    return (
        f"the API's schema changed: no row for '{model}' has the field '{field}' ({kind}); nothing was stored;"
        " a newer version of this program may read it"
    )


# ---- one question -------------------------------------------------------------------------------


class _TryAgainError(Exception):
    """A fault that may pass; `wait_s` is how long the API asks to wait."""

    def __init__(self, reason: str, wait_s: float | None = None):
        self.reason, self.wait_s = reason, wait_s
        super().__init__(reason)


def _ask(
    url: str, model: str, known: Answer | None, patience: Patience, progress: Callable[[str], None]
) -> tuple[bytes | None, Any]:
    """Content and headers of the answer; the content is None where it is still the one we know."""
    headers = {"User-Agent": f"token-factory/{__version__}", "Accept": "application/json"}
    if known and known.etag:
        headers["If-None-Match"] = known.etag
    if known and known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    request = urllib.request.Request(url, headers=headers)
    for attempt in range(1, patience.attempts + 1):
        try:
            return _ask_once(request, model, known, patience)
        except _TryAgainError as fault:
            if attempt == patience.attempts:
                raise PullError(
                    f"{request.host}: {fault.reason}, {attempt} times in a row; nothing was stored,"
                    " and the next pull goes on from here"
                ) from None
            wait_s = _wait_s(fault, attempt, patience, request.host)
            progress(f"{model}: {fault.reason}; attempt {attempt + 1} of {patience.attempts} in {wait_s:.1f} s")
            time.sleep(wait_s)
    raise ParameterError("patience must allow at least one attempt")


def _wait_s(fault: _TryAgainError, attempt: int, patience: Patience, host: str) -> float:
    """How long to wait: what the API asks for, otherwise twice as long each time, less a random part of half."""
    if fault.wait_s is None:
        backed_off_s = min(patience.first_wait_s * 2 ** (attempt - 1), patience.longest_wait_s)
        return backed_off_s * random.uniform(0.5, 1.0)
    if fault.wait_s > patience.longest_wait_s:
        raise PullError(f"{host} asks to wait {fault.wait_s:.0f} s; nothing was stored, try again after that")
    return fault.wait_s


def _ask_once(
    request: urllib.request.Request, model: str, known: Answer | None, patience: Patience
) -> tuple[bytes | None, Any]:
    try:
        with urllib.request.urlopen(request, timeout=patience.timeout_s) as response:
            content = _read(response, patience)
            json.loads(content)
            return content, response.headers
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 304 and known:
                return None, error.headers
            if error.code in _TRY_AGAIN:
                raise _TryAgainError(f"answered {error.code}", _retry_after_s(error.headers)) from None
            if error.code == 400:
                raise PullError(
                    f"the API does not know the model '{shown(model)}'; it knew {', '.join(MODELS)}"
                ) from None
            raise PullError(f"{request.host} answered {error.code} ({error.reason}); nothing was stored") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _too_slow(patience) from None
        if isinstance(error.reason, ConnectionResetError):
            raise _TryAgainError("broke off") from None
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise PullError(
            f"cannot reach {request.host} ({reason}); a pull needs the network, without it the data here stays in use"
        ) from None
    except TimeoutError:
        raise _too_slow(patience) from None
    except (http.client.HTTPException, OSError):
        raise _TryAgainError("broke off") from None
    except (ValueError, RecursionError):
        raise _TryAgainError("sent an answer that is not complete JSON") from None


def _too_slow(patience: Patience) -> _TryAgainError:
    return _TryAgainError(f"did not answer within {patience.timeout_s:g} s")


def _read(response: http.client.HTTPResponse, patience: Patience) -> bytes:
    """The whole answer, as long as it is neither endless nor dripping."""
    parts, size, end = [], 0, time.monotonic() + patience.longest_answer_s
    while part := response.read1(1 << 16):
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER:
            raise PullError(f"the answer is larger than {LARGEST_ANSWER >> 20} MB; nothing was stored")
        if time.monotonic() > end:
            raise _TryAgainError(f"took longer than {patience.longest_answer_s:g} s for its answer")
    if size < int(response.headers.get("Content-Length") or 0):
        raise _TryAgainError("broke off")
    return b"".join(parts)


def _retry_after_s(headers: Any) -> float | None:
    """The wait that `Retry-After` asks for: seconds, or a date; None where it asks for none."""
    said = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", said):
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


# ---- files --------------------------------------------------------------------------------------


def _description(answer: Path) -> Path:
    return answer.with_suffix(".about")


def _finish(answers: list[Answer], ingested: IngestReport, working: Path, finished: Path) -> None:
    """Keep the answers for the next pull, and what this one was beside them."""
    for answer in answers:
        for path in (working / answer.file, _description(working / answer.file)):
            path.replace(finished / path.name)
    manifest = {
        "snapshot": ingested.snapshot.name,
        "attribution": ATTRIBUTION["InferenceX"],
        "answers": [asdict(answer) for answer in answers],
    }
    atomic.write(finished / f"{ingested.snapshot.name}.json", json.dumps(manifest, indent=1).encode())


def _forget(answers: list[Answer], working: Path) -> None:
    for answer in answers:
        (working / answer.file).unlink()
        _description(working / answer.file).unlink()


def _refuse_a_second() -> None:
    raise PullError("another pull is under way for the same snapshots; wait for it to end")
