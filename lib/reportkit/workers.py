"""Functions in child processes: several at once, a time limit for each, and none that outlives us.

A child that dies of a signal, calls `os._exit` or hangs is a result like another, not our end.
"""

import ctypes
import faulthandler
import gc
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

IS_FORK_SAFE = sys.platform == "linux"
METHOD = "fork" if IS_FORK_SAFE else "spawn"
PR_SET_PDEATHSIG = 1  # linux/prctl.h
DONE = 93  # the exit code of a child that came to the end of its work: `os._exit(0)` in a notebook is none


def num_threads() -> int:
    """Threads of this process, which must not fork with more than one."""
    return len(os.listdir("/proc/self/task"))


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def _unstopped() -> Iterator[None]:
    """Who stops us waits for the end of the block: a child that nobody knows of yet would be waited for at exit."""
    if threading.current_thread() is not threading.main_thread():  # only that one is stopped by signals
        yield
        return
    came = []
    before = {kind: signal.signal(kind, lambda kind, _: came.append(kind)) for kind in STOPPING}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
        for kind in came:
            signal.raise_signal(kind)


def _enter(function: Callable, argument, log: Path, method: str) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()  # so that what the child starts ends with it
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # nor does it outlive a killed parent
        parent = multiprocessing.parent_process()  # may have been killed before that was said
        if not (parent.is_alive() if method == "forkserver" else os.getppid() == parent.pid):
            os._exit(1)
    sys.stdout = sys.stderr = log.open("a", buffering=1)
    os.dup2(sys.stdout.fileno(), 1)
    os.dup2(sys.stderr.fileno(), 2)
    faulthandler.enable()
    gc.freeze()  # what a fork inherits stays: no garbage is to be found there
    function(argument)
    sys.exit(DONE)


def start(function: Callable, argument, *, log: Path, method: str = METHOD) -> BaseProcess:
    """Start `function(argument)` in a child whose standard output and errors go to `log`."""
    process = multiprocessing.get_context(method).Process(target=_enter, args=(function, argument, log, method))
    process.start()
    return process


def stop(process: BaseProcess) -> None:
    """End a child that still runs, with what it started."""
    if process.is_alive():
        with suppress(ProcessLookupError, PermissionError):  # it may not have called setsid yet
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join()


@contextmanager
def child(function: Callable, argument, *, log: Path, method: str = METHOD) -> Iterator[BaseProcess]:
    """`function(argument)` in a child that does not outlive the block."""
    process = None
    try:
        with _unstopped():
            process = start(function, argument, log=log, method=method)
        yield process
    finally:
        if process:
            stop(process)


def problem(process: BaseProcess) -> str | None:
    """How a child that has ended failed, or None; follows on "the process"."""
    if process.exitcode < 0:
        return f"was killed by {signal.Signals(-process.exitcode).name}"
    return None if process.exitcode == DONE else f"ended with exit code {process.exitcode}"


@dataclass(frozen=True)
class Ended:
    """A task that ended, and how."""

    argument: object
    seconds: float
    problem: str | None


def run(function: Callable, argument, *, timeout_s: float, meanwhile: Callable | None = None, **how) -> Ended:
    """Run `function(argument)` in a child, and `meanwhile` here; `how` is that of `child`."""
    started = time.monotonic()
    with child(function, argument, **how) as process:
        if meanwhile:
            meanwhile()
        process.join(timeout_s)
        told = f"was stopped after {timeout_s:g} s" if process.exitcode is None else problem(process)
    return Ended(argument, time.monotonic() - started, told)


def each(
    function: Callable,
    arguments: Iterable,
    *,
    log: Callable[[object], Path],
    num_jobs: int,
    timeout_s: float,
    method: str = METHOD,
    threads_after_imports: int | None = None,
    imports: Iterable[str] = (),
) -> Iterator[Ended]:
    """Run `function` on each argument in a child of its own, `num_jobs` at a time; yields them as they end.

    `log` gives the log file of an argument. Forked children have this process's imports, so it must have done
    nothing but import: a thread pool that has been used hangs in the child. More threads than after the
    imports are a sign of that, and refused. `imports` are made while the first children run, for those that follow.
    """
    waiting, running, imports = deque(arguments), {}, deque(imports)
    try:
        while waiting or running:
            while waiting and len(running) < num_jobs:
                if threads_after_imports is not None and num_threads() > threads_after_imports:
                    raise RuntimeError(
                        f"{num_threads()} threads before a fork; after the imports {threads_after_imports}"
                    )
                argument = waiting.popleft()
                with _unstopped():
                    process = start(function, argument, log=log(argument), method=method)
                    running[process.sentinel] = (process, argument, time.monotonic())
            if imports and waiting:
                importlib.import_module(imports.popleft())
                if threads_after_imports is not None:
                    threads_after_imports = num_threads()
                until = 0.0
            else:
                until = timeout_s + min(started for _, _, started in running.values())
            ready = wait(running, timeout=max(0, until - time.monotonic()))
            for sentinel in list(running):
                process, argument, started = running[sentinel]
                seconds = time.monotonic() - started
                if sentinel in ready:
                    process.join()
                    del running[sentinel]
                    yield Ended(argument, seconds, problem(process))
                elif seconds >= timeout_s:
                    stop(process)
                    del running[sentinel]
                    yield Ended(argument, seconds, f"was stopped after {timeout_s:g} s")
    finally:
        for process, _, _ in running.values():
            stop(process)
