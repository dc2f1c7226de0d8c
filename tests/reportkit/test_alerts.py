"""What a scheduled run tells: the reasons, the file, and a webhook that may be slow, broken or gone."""

import json
import os
import signal
import time

import pytest
import webhook

from reportkit import alerts, runner
from reportkit.errors import Failure, ReportFailed
from tokenfactory import errors
from tokenfactory.source import Project


@pytest.fixture
def said():
    return []


def watch(tmp_path, said, url=None):
    return alerts.Watch(Project(tmp_path), url, said.append)


def written(tmp_path):
    return [json.loads(path.read_text()) for path in sorted((tmp_path / "reports" / "alerts").glob("*.json"))]


def result(before=(), after=(), stale=()):
    return runner.Result(
        None, [], [], True, 1.0, stale_prices=list(stale), before=dict(before), after=dict(after)
    )  # fmt: skip


def headline(value, label="Cost"):
    return {"label": label, "value": value, "unit": "usd_per_mtok"}


# What moved


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (2.0, 2.19, None),
        (2.0, 2.21, "Cost: was 2, is 2.21 usd_per_mtok (+10.5%)"),
        (2.0, 1.0, "Cost: was 2, is 1 usd_per_mtok (-50.0%)"),
        (-2.0, -3.0, "Cost: was -2, is -3 usd_per_mtok (-50.0%)"),
        (0.0, 0.001, "Cost: was 0, is 0.001 usd_per_mtok"),
        (None, None, None),
        (None, 1.0, "Cost: was nothing, is 1 usd_per_mtok"),
        (1.0, None, "Cost: was 1, is nothing usd_per_mtok"),
    ],
)
def test_a_headline_that_moved_is_told(old, new, sentence):
    found = alerts.moved({"02_cost a": headline(old)}, {"02_cost a": headline(new)}, 0.1)
    assert [reason["sentence"] for reason in found] == ([sentence] if sentence else [])


def test_a_headline_that_is_gone_is_told_unless_its_notebook_is_no_part_of_the_site():
    before = {"02_cost a": headline(1.0), "03_power a": headline(1.0)}
    (found,) = alerts.moved(before, {"02_cost b": headline(9.0)}, 0.1)
    assert found == {
        "kind": "headline_moved",
        "label": "02_cost a",
        "sentence": "Cost: was 1 usd_per_mtok, and is no longer a headline",
    }


# What a run that succeeds tells


def test_a_run_with_nothing_to_tell_tells_nothing(tmp_path, said):
    with webhook.serving() as hook:
        watched = watch(tmp_path, said, hook.url)
        with watched.failures():
            pass
        watched.look_at(result({"02_cost a": headline(1.0)}, {"02_cost a": headline(1.05)}), 0.1)
    assert (written(tmp_path), hook.received, said) == ([], [], [])


def test_all_that_a_run_tells_is_one_alert(tmp_path, said):
    with webhook.serving() as hook:
        made = result({"02_cost a": headline(1.0)}, {"02_cost a": headline(2.0)}, stale=["the price of h200 is old"])
        watch(tmp_path, said, hook.url).look_at(made, 0.1)
    (alert,) = written(tmp_path)
    assert hook.received == [alert]
    assert [reason["kind"] for reason in alert["reasons"]] == ["stale_prices", "headline_moved"]
    assert alert["text"].splitlines() == [
        "Token Factory: look at this report",
        "- report: the price of h200 is old",
        "- 02_cost a: Cost: was 1, is 2 usd_per_mtok (+100.0%)",
    ]
    assert len(said) == 1 and said[0].startswith("alert: ")


# What a run that fails tells


@pytest.mark.parametrize(
    ("error", "reasons"),
    [
        (errors.DataError("price_book.csv", "no", row=2), [("failed", "report", "price_book.csv, row 2: no")]),
        (errors.StalePricesError(["A", "B"]), [("stale_prices", "report", "A"), ("stale_prices", "report", "B")]),
        (OSError(28, "No space left on device", "x"), [("failed", "report", "x: No space left on device")]),
        (ZeroDivisionError("of ours"), [("failed", "report", "ZeroDivisionError: of ours")]),
        (KeyboardInterrupt(), [("failed", "report", "the run was interrupted")]),
        (
            ReportFailed([Failure(n, f"{n} broke", None, None, False) for n in ("01_a", "02_b")]),
            [("failed", "01_a", "01_a broke"), ("failed", "02_b", "02_b broke")],
        ),
    ],
)
def test_whatever_ends_a_run_is_told_and_ends_it_all_the_same(tmp_path, said, error, reasons):
    with pytest.raises(type(error)), watch(tmp_path, said).failures():
        raise error
    (alert,) = written(tmp_path)
    assert [tuple(reason.values()) for reason in alert["reasons"]] == reasons
    assert alert["text"].startswith("Token Factory: no new report\n- ")


def test_a_service_that_is_stopped_tells_of_it(tmp_path, said):
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), watch(tmp_path, said).failures():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    assert written(tmp_path)[0]["reasons"][0]["sentence"] == "the run was interrupted"
    assert signal.getsignal(signal.SIGTERM) is before


def test_text_of_the_data_is_no_markup_in_a_chat(tmp_path, said):
    with pytest.raises(errors.ParameterError), watch(tmp_path, said).failures():
        raise errors.ParameterError("<!channel> <script>alert(1)</script> & co")
    (alert,) = written(tmp_path)
    assert "&lt;!channel&gt; &lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in alert["text"]
    assert alert["reasons"][0]["sentence"] == "<!channel> <script>alert(1)</script> & co"  # data stay as they are


def test_a_long_list_is_cut_in_the_text_only(tmp_path, said):
    with pytest.raises(errors.StalePricesError), watch(tmp_path, said).failures():
        raise errors.StalePricesError([f"price {n}" for n in range(25)])
    (alert,) = written(tmp_path)
    assert len(alert["reasons"]) == 25 and alert["text"].endswith("\n- report: price 19\n- and 5 more")


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("the disk of the reports: No space left on device", "the disk is full; once there is room"),
        ("the process was killed by SIGKILL", "most often because the machine ran out of memory"),
    ],
)
def test_what_befell_all_is_one_line_with_what_it_means(tmp_path, said, sentence, words):
    failures = [Failure(name, sentence, None, None, False) for name in ("01_a", "02_b", "other/01_a")]
    with pytest.raises(ReportFailed), watch(tmp_path, said).failures():
        raise ReportFailed(failures)
    (alert,) = written(tmp_path)
    (_, line) = alert["text"].splitlines()
    assert line.startswith(f"- 01_a, 02_b, other/01_a: {sentence} (") and words in line
    assert len(alert["reasons"]) == 3


# Where it goes


def test_only_the_newest_alerts_are_kept(tmp_path, said, monkeypatch):
    monkeypatch.setattr(alerts, "MOST_ALERTS", 2)
    for n in range(4):
        watch(tmp_path, said).look_at(result(stale=[f"price {n}"]), 0.1)
    assert [alert["reasons"][0]["sentence"] for alert in written(tmp_path)] == ["price 2", "price 3"]


@pytest.mark.parametrize(
    ("answer", "num_received", "problem"),
    [
        (500, 3, "it answered 500"),
        (429, 3, "it answered 429"),
        (404, 1, "it answered 404"),
        ("nothing", 1, "no answer"),
    ],
)
def test_a_webhook_that_does_not_take_it_fails_nothing(tmp_path, said, monkeypatch, answer, num_received, problem):
    monkeypatch.setattr(alerts, "PATIENCE_S", 4 if answer != "nothing" else 0.5)
    started = time.monotonic()
    with webhook.serving(answer) as hook:
        watch(tmp_path, said, hook.url).look_at(result(stale=["A"]), 0.1)
    assert time.monotonic() - started < 9
    assert len(hook.received) == num_received and len(written(tmp_path)) == 1
    assert said[-1].startswith("the alert was not posted to 127.0.0.1: ")
    assert (problem in said[-1] or "timed out" in said[-1]) and "secret" not in "".join(said)


def test_a_webhook_that_is_gone_fails_nothing(tmp_path, said):
    with webhook.serving() as hook:
        pass
    watch(tmp_path, said, hook.url).look_at(result(stale=["A"]), 0.1)
    assert "not posted to 127.0.0.1: Connection refused" in said[-1] and len(written(tmp_path)) == 1


def test_a_folder_that_cannot_be_written_does_not_keep_the_alert_from_the_webhook(tmp_path, said):
    (tmp_path / "reports").write_text("a file in the way")
    with webhook.serving() as hook:
        watch(tmp_path, said, hook.url).look_at(result(stale=["A"]), 0.1)
    assert len(hook.received) == 1
    assert said == ["the alert cannot be written: Not a directory"]


@pytest.mark.parametrize(
    "address",
    ["http://[secret", "http://h/secret place", "https:secret", "ftp://h/secret", "http://h:99999/secret", "secret",
     "http://h/secret\n", "http://h/s\u00e9cret", "http://", "http:///secret"],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_not_told(tmp_path, said, address):
    with pytest.raises(errors.ParameterError) as refused:
        watch(tmp_path, said, address)
    assert str(refused.value) == "the webhook is no address that begins with http:// or https://" and not said


def test_no_part_of_an_address_but_its_host_is_told_whatever_the_error_says(tmp_path, said, monkeypatch):
    def fail(request, **_):
        raise ValueError(f"cannot open {request.full_url}")

    monkeypatch.setattr(alerts.urllib.request, "urlopen", fail)
    monkeypatch.setattr(alerts.time, "sleep", lambda _: None)
    watch(tmp_path, said, "https://user:secret@example.org/hooks/secret?token=secret").look_at(result(stale=["A"]), 0.1)
    assert said[-1] == "the alert was not posted to example.org: ValueError"
