import os
import signal
import sys
import threading
import time

import pytest

from reportkit import workers


def do(what: str) -> None:
    """A child's work. Nothing here or above needs more than the standard library, so forking is safe."""
    if what == "print":
        print("on stdout")
        os.write(2, b"on descriptor 2\n")
    elif what == "exit":
        os._exit(3)
    elif what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "raise":
        raise MemoryError("too much")
    elif what.startswith("sleep"):
        time.sleep(float(what.split()[1]))
    elif what.startswith("knows"):
        print(what.split()[1] in sys.modules)


def run(tmp_path, *whats, **options):
    options = dict(log=lambda what: tmp_path / what, num_jobs=2, timeout_s=60) | options
    return {ended.argument: ended for ended in workers.each(do, whats, **options)}


FORKED = pytest.param("fork", marks=pytest.mark.skipif(not workers.IS_FORK_SAFE, reason="forks on Linux only"))


@pytest.mark.parametrize("method", [FORKED, "spawn", "forkserver"])
def test_how_a_child_ended_is_told(tmp_path, method):
    ended = run(tmp_path, "print", "exit", "die", "raise", method=method)
    assert {what: e.problem for what, e in ended.items()} == {
        "print": None,
        "exit": "ended with exit code 3",
        "die": "was killed by SIGKILL",
        "raise": "ended with exit code 1",
    }
    assert (tmp_path / "print").read_text() == "on stdout\non descriptor 2\n"
    assert "MemoryError: too much" in (tmp_path / "raise").read_text()


@pytest.mark.skipif(not workers.IS_FORK_SAFE, reason="forks on Linux only")
def test_what_is_imported_while_the_first_child_runs_the_next_one_has(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "slow_module.py").write_text("")
    before = workers.num_threads()
    run(tmp_path, "sleep 0.1", "knows slow_module", num_jobs=1, imports=["slow_module"], threads_after_imports=before)
    monkeypatch.delitem(sys.modules, "slow_module")
    assert (tmp_path / "knows slow_module").read_text() == "True\n"


def test_a_child_that_hangs_is_stopped_and_the_others_are_not(tmp_path):
    before = time.monotonic()
    ended = run(tmp_path, "sleep 60", "sleep 0.1", "print", timeout_s=0.6)
    assert time.monotonic() - before < 10
    assert ended["sleep 60"].problem == "was stopped after 0.6 s"
    assert ended["sleep 0.1"].problem is None and ended["print"].problem is None


def test_workers_run_at_the_same_time_up_to_a_limit(tmp_path):
    def seconds(num_jobs):
        before = time.monotonic()
        run(tmp_path, "sleep 1", "sleep 1.01", num_jobs=num_jobs)
        return time.monotonic() - before

    assert seconds(1) >= 2.01 > seconds(2)


def test_a_stopped_parent_stops_its_workers(tmp_path):
    ends = workers.each(do, ["print", "sleep 61"], log=lambda what: tmp_path / what, num_jobs=2, timeout_s=60)
    assert next(ends).argument == "print"
    before = time.monotonic()
    ends.close()
    assert time.monotonic() - before < 5


def test_a_fork_after_work_on_threads_is_refused(tmp_path):
    threads = workers.num_threads()
    stay = threading.Event()
    thread = threading.Thread(target=stay.wait)
    thread.start()
    try:
        with pytest.raises(RuntimeError, match=f"{threads + 1} threads before a fork; after the imports {threads}"):
            run(tmp_path, "print", threads_after_imports=threads)
    finally:
        stay.set()
        thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux only")
def test_a_killed_parent_leaves_no_child(tmp_path):
    middle = workers.start(parent_of_a_sleeper, tmp_path, log=tmp_path / "log", method="fork")
    deadline = time.monotonic() + 20
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    sleeper = int((tmp_path / "pid").read_text())
    os.kill(middle.pid, signal.SIGKILL)
    middle.join()
    while is_running(sleeper):
        assert time.monotonic() < deadline, "the child outlives its parent"
        time.sleep(0.02)


def parent_of_a_sleeper(folder):
    child = workers.start(do, "sleep 62", log=folder / "log", method="fork")
    (folder / "pid").write_text(str(child.pid))
    child.join()


def is_running(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_stop_while_a_child_starts_leaves_no_child(tmp_path, monkeypatch):
    started, real = [], workers.start

    def start_and_be_stopped(*arguments, **options):
        started.append(real(*arguments, **options))
        os.kill(os.getpid(), signal.SIGTERM)
        return started[0]

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "start", start_and_be_stopped)
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            list(workers.each(time.sleep, [300], log=lambda _: tmp_path / "log", num_jobs=1, timeout_s=60))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not started[0].is_alive()


def test_a_child_does_not_outlive_its_block(tmp_path):
    with pytest.raises(KeyboardInterrupt), workers.child(do, "sleep 60", log=tmp_path / "log") as process:
        assert process.is_alive()
        raise KeyboardInterrupt
    assert not process.is_alive()


def test_a_child_that_leaves_early_did_not_come_to_its_end(tmp_path):
    with workers.child(os._exit, 0, log=tmp_path / "log") as process:
        process.join(30)
        assert workers.problem(process) == "ended with exit code 0"
    with workers.child(len, "done", log=tmp_path / "log") as process:
        process.join(30)
        assert workers.problem(process) is None
