"""Pulling from the API: what a person gets when it answers, and in which words it fails when it does not."""

import http.server
import json
import random
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from tokenfactory.errors import DataError, ParameterError, TokenFactoryError
from tokenfactory.measurements import ingest
from tokenfactory.measurements.pull import MODELS, Patience, PullError, api_name, pull

MODEL = "DeepSeek-R1-0528"
PATIENCE = Patience(attempts=3, first_wait_s=0.02, longest_wait_s=2, timeout_s=0.5, longest_answer_s=2)


def row(**other):
    """A row as the API gives it: H200, TP8; 757.25 + 94.65 = 851.9 tok/s/GPU, 1000 / 40.16 ms = 24.9004 tok/s."""
    same = {f"{role}_{name}": value for role in ("prefill", "decode") for name, value in (("tp", 8), ("ep", 1))}
    return {
        **{"hardware": "h200", "framework": "vllm", "model": "dsr1", "precision": "fp8", "spec_method": "none"},
        **{"disagg": False, "is_multinode": False, **same, "prefill_dp_attention": False, "prefill_num_workers": 0},
        **{"decode_dp_attention": False, "decode_num_workers": 0, "num_prefill_gpu": 8, "num_decode_gpu": 8},
        **{"isl": 8192, "osl": 1024, "conc": 64, "image": "vllm/vllm-openai:v0.11.2", "workers": None},
        "metrics": {
            **{"tput_per_gpu": 851.9, "output_tput_per_gpu": 94.65, "input_tput_per_gpu": 757.25},
            **{"median_tpot": 0.04016, "median_intvty": 24.9004},
        },
        **{"date": "2026-05-20", "run_url": "https://github.com/acme/demo/actions/runs/20200037154/attempts/1"},
    } | other


class Api(http.server.ThreadingHTTPServer):
    """A stand-in for the API: every question takes the next of its scripted answers, the last one again and again."""

    daemon_threads = True

    def __init__(self, *answers):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.asked = list(answers), []

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.server_port}/api"


class _Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        answer = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        answer(self)


def answers(content, status=200, **headers):
    """Answer with JSON, or with bytes as they are."""
    content = content if isinstance(content, bytes) else json.dumps(content).encode()

    def send(handler):
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return send


def is_silent(handler):
    time.sleep(1)  # longer than the client waits


def drips(handler):
    """One byte now and then: never silent for long, and never at its end."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100):
        time.sleep(0.05)
        handler.wfile.write(b" ")


def hangs_up(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def api(*scripted):
    server = Api(*scripted)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def pulled(server, folder, models=(MODEL,), **other):
    return pull(models, folder, base_url=server.base_url, patience=PATIENCE, **other)


def snapshots(folder):
    return sorted(path.name for path in folder.glob("[!.]*"))


def test_a_pull_makes_a_snapshot_and_says_where_it_is_from(tmp_path):
    lines = []
    with api(answers([row(), row(conc=32)])) as server:
        report = pulled(server, tmp_path, progress=lines.append)
    assert snapshots(tmp_path) == [report.ingested.snapshot.name]
    assert [a.num_rows for a in report.answers] == [2]
    assert report.exit_code == 0
    assert lines == [f"{MODEL}: 2 rows, 0.0 MB"]
    assert "InferenceX data (c) SemiAnalysis LLC" in report.text()
    (path, headers) = server.asked[0]
    assert path == "/api/v1/benchmarks?model=DeepSeek-R1-0528"
    assert headers["User-Agent"].startswith("token-factory/")
    assert sum(f.num_points for f in report.ingested.files) == 2


def test_a_loop_of_redirects_ends_in_one_sentence_and_stores_nothing(tmp_path):
    again = answers(b"", status=302, Location="/api/v1/benchmarks?model=DeepSeek-R1-0528")
    with api(again) as server, pytest.raises(PullError, match=r"answered 302 .*nothing was stored") as refused:
        pulled(server, tmp_path)
    assert "\n" not in str(refused.value) and 1 < len(server.asked) <= 20
    assert snapshots(tmp_path) == []


_KILLED = """
import sys
from tokenfactory.measurements.pull import pull
print("ready", flush=True)
pull(["DeepSeek-R1-0528"], sys.argv[1], base_url=sys.argv[2])
"""


@pytest.mark.parametrize("num_kills", [3, pytest.param(40, marks=pytest.mark.soak)])
def test_a_pull_killed_at_any_moment_leaves_old_or_new_and_the_next_succeeds(tmp_path, num_kills):
    draw, num_killed = random.Random(20261129 + num_kills), 0
    with api(answers([row()])) as server:
        command = [sys.executable, "-c", _KILLED, str(tmp_path), server.base_url]
        made, whole_s = pulled(server, tmp_path).ingested.snapshot, 0.5
        for attempt in range(num_kills):
            server.answers = [answers([row(conc=conc) for conc in range(1, 300 + attempt)])]
            before = set(snapshots(tmp_path))
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout.readline() == "ready\n"
                with suppress(subprocess.TimeoutExpired):
                    process.wait(draw.uniform(0, 1.2 * whole_s))
                num_killed += process.poll() is None
                process.kill()
            for name in snapshots(tmp_path):
                ingest._verify(tmp_path / name)
            assert ingest.newest(tmp_path) == made or set(snapshots(tmp_path)) - before
            started = time.monotonic()
            report = pulled(server, tmp_path).ingested  # the next succeeds, and is in use
            whole_s = time.monotonic() - started if report.is_new else whole_s
            made = report.snapshot
            assert ingest.newest(tmp_path) == made and sum(f.num_points for f in report.files) == 299 + attempt
    assert num_killed
    assert sorted(path.name for path in tmp_path.glob(".*")) == [".known_files.json", ".lock", ".pulled", ".pulling"]
    assert [path.name for path in (tmp_path / ".pulling").iterdir()] == ["lock"]


def test_the_manifest_of_a_pull_names_address_time_hash_and_rows(tmp_path):
    with api(answers([row()], ETag='"v1"', Last_Modified="Wed, 20 May 2026 10:00:00 GMT")) as server:
        report = pulled(server, tmp_path)
    manifest = json.loads((tmp_path / ".pulled" / f"{report.ingested.snapshot.name}.json").read_text())
    (answer,) = manifest["answers"]
    assert answer["url"] == f"{server.base_url}/v1/benchmarks?model=DeepSeek-R1-0528"
    assert (answer["etag"], answer["last_modified"]) == ('"v1"', "Wed, 20 May 2026 10:00:00 GMT")
    assert answer["num_rows"] == 1
    assert manifest["attribution"] == ingest.ATTRIBUTION["InferenceX"]
    (file,) = ingest.read_manifest(report.ingested.snapshot)["files"]
    assert file["file_sha256"] == answer["sha256"]
    assert datetime.now(UTC) - datetime.fromisoformat(answer["retrieved_at"]) < timedelta(minutes=1)


def test_several_models_are_one_snapshot_and_a_model_named_twice_is_asked_once(tmp_path):
    with api(answers([row()]), answers([row(model="dsv4")])) as server:
        report = pulled(server, tmp_path, ["dsr1", "DeepSeek-V4-Pro", MODEL])
    assert [a.model for a in report.answers] == [MODEL, "DeepSeek-V4-Pro"]
    assert len(server.asked) == 2
    assert len(snapshots(tmp_path)) == 1


# ---- has it changed? ----


def test_an_unchanged_answer_is_not_sent_again_and_makes_no_snapshot(tmp_path):
    stamp = "Wed, 20 May 2026 10:00:00 GMT"
    with api(answers([row()], ETag='"v1"', Last_Modified=stamp), answers(b"", 304)) as server:
        first = pulled(server, tmp_path)
        lines = []
        second = pulled(server, tmp_path, progress=lines.append)
    asked = server.asked[1][1]
    assert (asked["If-None-Match"], asked["If-Modified-Since"]) == ('"v1"', stamp)
    assert "If-None-Match" not in server.asked[0][1]
    assert second.ingested.snapshot == first.ingested.snapshot
    assert not second.ingested.is_new
    assert "unchanged since" in lines[0]


def test_a_changed_answer_is_a_second_snapshot_and_the_first_stays(tmp_path):
    with api(answers([row()], ETag='"v1"'), answers([row(conc=32)], ETag='"v2"'), answers(b"", 304)) as server:
        first, second, third = (pulled(server, tmp_path) for _ in range(3))
    assert first.ingested.snapshot != second.ingested.snapshot == third.ingested.snapshot
    assert len(snapshots(tmp_path)) == 2
    assert ingest.newest(tmp_path) == second.ingested.snapshot
    assert server.asked[2][1]["If-None-Match"] == '"v2"'


def test_another_address_or_a_spoilt_copy_is_asked_in_full(tmp_path):
    with api(answers([row()], ETag='"v1"')) as server, api(answers([row(conc=8)])) as other:
        report = pulled(server, tmp_path)
        pulled(other, tmp_path)
        assert "If-None-Match" not in other.asked[0][1]
        (tmp_path / ".pulled" / report.answers[0].file).write_text("[]")
        pulled(server, tmp_path)
    assert "If-None-Match" not in server.asked[1][1]


def test_304_to_a_question_without_a_condition_is_an_error(tmp_path):
    with api(answers(b"", 304)) as server, pytest.raises(PullError, match="answered 304"):
        pulled(server, tmp_path)


# ---- faults that pass ----


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (answers(b"", 500), "answered 500"),
        (answers(b"", 503), "answered 503"),
        (answers(b"", 429), "answered 429"),
        (is_silent, "did not answer within 0.5 s"),
        (drips, "took longer than 2 s for its answer"),
        (hangs_up, "broke off"),
        (answers(b"[", **{"Content-Length": "100"}), "broke off"),
        (answers(json.dumps([row()]).encode()[:-9]), "not complete JSON"),
        (answers(b"\xff\xfe"), "not complete JSON"),
        (answers(b"[" * 100_000), "not complete JSON"),
    ],
)
def test_a_fault_that_passes_is_waited_out(tmp_path, fault, words):
    lines = []
    with api(fault, answers([row()])) as server:
        report = pulled(server, tmp_path, progress=lines.append)
    assert len(server.asked) == 2
    assert words in lines[0] and "attempt 2 of 3 in 0.0 s" in lines[0]
    assert report.answers[0].num_rows == 1


def test_a_fault_that_stays_ends_in_one_sentence_and_stores_nothing(tmp_path):
    with api(answers(b"", 500)) as server, pytest.raises(PullError) as error:
        pulled(server, tmp_path)
    assert len(server.asked) == PATIENCE.attempts
    assert str(error.value) == (
        f"127.0.0.1:{server.server_port}: answered 500, 3 times in a row; nothing was stored,"
        " and the next pull goes on from here"
    )
    assert snapshots(tmp_path) == []
    assert isinstance(error.value, TokenFactoryError) and error.value.exit_code == 2


def test_the_waits_grow(tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr("tokenfactory.measurements.pull.time.sleep", waits.append)
    patience = Patience(attempts=6, first_wait_s=1, longest_wait_s=5, timeout_s=5)
    with api(answers(b"", 500)) as server, pytest.raises(PullError):
        pull([MODEL], tmp_path, base_url=server.base_url, patience=patience)
    # 1, 2, 4, then 5 at most; a random part of half is taken off.
    assert len(waits) == 5
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, (1, 2, 4, 5, 5), strict=True))


@pytest.mark.parametrize("kind", ["seconds", "date"])
def test_retry_after_is_honoured(tmp_path, kind):
    # A date has whole seconds, so two of them ahead are a wait of more than one.
    after = "1" if kind == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    start = time.monotonic()
    with api(answers(b"", 429, Retry_After=after), answers([row()])) as server:
        pulled(server, tmp_path)
    assert time.monotonic() - start > 0.95


def test_a_long_retry_after_is_told_instead_of_waited(tmp_path):
    start = time.monotonic()
    with api(answers(b"", 429, Retry_After="3600")) as server, pytest.raises(PullError, match="asks to wait 3600 s"):
        pulled(server, tmp_path)
    assert time.monotonic() - start < 1


# ---- faults that stay ----


def test_offline_is_said_in_one_sentence_at_once(tmp_path):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # nobody listens here
        port = held.getsockname()[1]
        start = time.monotonic()
        with pytest.raises(PullError) as error:
            pull([MODEL], tmp_path, base_url=f"http://127.0.0.1:{port}/api")
    assert str(error.value) == (
        f"cannot reach 127.0.0.1:{port} (Connection refused); a pull needs the network,"
        " without it the data here stays in use"
    )
    assert time.monotonic() - start < 1


def test_a_name_that_does_not_resolve_is_offline_too(tmp_path, monkeypatch):
    def fails(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(PullError, match=r"cannot reach inferencex\.semianalysis\.com \(Name or service not known\)"):
        pull([MODEL], tmp_path)


def test_an_unknown_model_is_named(tmp_path):
    with api(answers({"error": "unknown model"}, 400)) as server, pytest.raises(PullError) as error:
        pulled(server, tmp_path, ["Brand-New-1T"])
    assert "does not know the model 'Brand-New-1T'" in str(error.value)
    assert "DeepSeek-R1-0528" in str(error.value)
    assert len(server.asked) == 1


def test_other_refusals_are_told_with_their_number(tmp_path):
    with api(answers(b"", 403)) as server, pytest.raises(PullError, match=r"answered 403 \(Forbidden\)"):
        pulled(server, tmp_path)
    assert len(server.asked) == 1


def test_an_empty_answer_is_said_and_not_stored(tmp_path):
    with api(answers([])) as server, pytest.raises(PullError, match=f"has no rows for '{MODEL}'"):
        pulled(server, tmp_path)
    assert snapshots(tmp_path) == []
    assert not list((tmp_path / ".pulling").glob("*.json"))


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda r: r.pop("hardware"), "'hardware' (str)"),
        (lambda r: r.update(conc="64"), "'conc' (int)"),
        (lambda r: r.update(disagg="false"), "'disagg' (bool)"),
        (lambda r: r.pop("isl"), "'isl' (int/NoneType)"),
        (lambda r: r.update(metrics=[851.9]), "'metrics' (dict)"),
        (lambda r: r["metrics"].pop("tput_per_gpu"), "'metrics.tput_per_gpu' (number)"),
        (lambda r: r["metrics"].update(tput_per_gpu={"value": 851.9}), "'metrics.tput_per_gpu' (number)"),
    ],
)
def test_a_changed_schema_is_refused_with_the_field_named(tmp_path, spoil, field):
    changed = row()
    spoil(changed)
    with api(answers([changed, changed])) as server, pytest.raises(PullError, match="schema changed") as error:
        pulled(server, tmp_path)
    assert field in str(error.value)
    assert snapshots(tmp_path) == []


@pytest.mark.parametrize("content", [{"data": []}, "rows", 7, None])
def test_an_answer_that_is_no_list_is_refused(tmp_path, content):
    with api(answers(content)) as server, pytest.raises(PullError, match="not a list of rows"):
        pulled(server, tmp_path)


def test_a_list_of_something_else_is_refused(tmp_path):
    with api(answers([1, "two", None])) as server, pytest.raises(PullError, match="'hardware'"):
        pulled(server, tmp_path)


def test_one_bad_row_costs_that_row(tmp_path):
    with api(answers([row(), row(conc=None)])) as server:
        report = pulled(server, tmp_path)
    (file,) = report.ingested.files
    assert (file.num_rows, file.num_points, file.num_excluded) == (2, 1, 1)


def test_an_answer_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tokenfactory.measurements.pull.LARGEST_ANSWER", 1 << 20)
    with api(answers(b" " * (2 << 20))) as server, pytest.raises(PullError, match="larger than 1 MB"):
        pulled(server, tmp_path)


# ---- going on ----


def test_an_interrupted_pull_goes_on_where_it_stopped(tmp_path):
    with api(answers([row()]), answers(b"", 500), answers(b"", 500), answers(b"", 500)) as server:
        with pytest.raises(PullError):
            pulled(server, tmp_path, ["dsr1", "dsv4"])
        assert snapshots(tmp_path) == []
        server.answers[:] = [answers([row(model="dsv4")])]
        num_asked, lines = len(server.asked), []
        report = pulled(server, tmp_path, ["dsr1", "dsv4"], progress=lines.append)
    assert len(server.asked) == num_asked + 1
    assert "taken over from a pull that was interrupted" in lines[0]
    assert [a.num_rows for a in report.answers] == [1, 1]
    assert sum(f.num_points for f in report.ingested.files) == 2


@pytest.mark.parametrize("spoil", ["old", "half"])
def test_what_is_old_or_half_written_is_asked_again(tmp_path, spoil):
    with api(
        answers([row()], ETag='"v1"'), answers(b"", 400), answers([row()]), answers([row(model="dsv4")])
    ) as server:
        with pytest.raises(PullError):
            pulled(server, tmp_path, ["dsr1", "dsv4"])
        (about,) = (tmp_path / ".pulling").glob("*.about")
        if spoil == "old":
            then = (datetime.now(UTC) - timedelta(hours=25)).isoformat(timespec="seconds")
            about.write_text(json.dumps(json.loads(about.read_text()) | {"checked_at": then}))
        else:
            about.with_suffix(".json").write_text("[{")
        pulled(server, tmp_path, ["dsr1", "dsv4"])
    assert [path.split("=")[1] for path, _ in server.asked] == [MODEL, "DeepSeek-V4-Pro"] * 2
    # An old answer is good enough to ask whether it has changed.
    assert ("If-None-Match" in server.asked[2][1]) == (spoil == "old")


def test_answers_that_ingest_refuses_are_not_taken_over(tmp_path, monkeypatch):
    def refuses(*_):
        raise DataError("answer.json", "cannot be used")

    with api(answers([row()])) as server:
        with monkeypatch.context() as patch, pytest.raises(DataError):
            patch.setattr("tokenfactory.measurements.pull.ingest", refuses)
            pulled(server, tmp_path)
        pulled(server, tmp_path)
    assert len(server.asked) == 2


def test_two_pulls_at_once_do_not_disturb_each_other(tmp_path):
    with api(is_silent, answers([row()])) as server:
        first = threading.Thread(target=pulled, args=(server, tmp_path))
        first.start()
        while not server.asked:
            time.sleep(0.01)
        with pytest.raises(PullError, match="another pull is under way"):
            pulled(server, tmp_path)
        first.join()
    assert len(snapshots(tmp_path)) == 1


# ---- names and addresses ----


def test_a_model_goes_by_the_apis_name_a_short_key_or_ours():
    for name, keys in MODELS.items():
        assert {api_name(name), api_name(name.upper()), *map(api_name, keys)} == {name}
    assert api_name("llama-3.3-70b") == "Llama-3.3-70B-Instruct-FP8"
    assert api_name(" New&Model ") == "New&Model"


def test_a_name_cannot_leave_the_question_or_the_folder(tmp_path):
    name = "../../x&date=2020-01-01 /é"
    with api(answers([row()])) as server:
        report = pulled(server, tmp_path, [name])
    assert parse_qs(urlsplit(server.asked[0][0]).query) == {"model": [name]}
    assert (tmp_path / ".pulled" / report.answers[0].file).is_file()


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/api", "", "http://", "http://a b/"])
def test_an_address_must_be_one(tmp_path, address):
    with pytest.raises(ParameterError, match="not an address"):
        pull([MODEL], tmp_path, base_url=address)


def test_a_pull_needs_a_model(tmp_path):
    with pytest.raises(ParameterError, match="at least one model"):
        pull([], tmp_path)


def test_the_captured_answers_pass_the_check_of_the_schema(shared, tmp_path):
    captured = (shared / "inferencex-api" / "benchmarks.json").read_bytes()
    with api(answers(captured)) as server:
        report = pulled(server, tmp_path)
    assert report.answers[0].num_rows == 435
