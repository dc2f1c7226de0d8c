"""The same tasks on the workers of a Dask cluster, which need no file system in common: bytes go and come.

A task is a function of its notebook, its parameters, the data and the environment. A worker of another environment
refuses. The data go to a worker when it first says that it lacks them. A worker's threads must not fork, so a server of
its own does it for them, which has imported the libraries. It ends with its worker, and a child with it.
"""

import concurrent.futures
import contextlib
import functools
import io
import json
import multiprocessing
import os
import pickle
import shutil
import tempfile
import time
import zipfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path

from reportkit import cache, errors, pdf, workers
from reportkit.source import Source, given

FINISHED = "warehouse.duckdb"  # the name of a finished warehouse among the data
CALL, LEFT = "call.pickle", "left"  # within the folder of a task on a worker
PATIENCE_S = 30  # for a scheduler to answer, a first worker to come, and a worker to come back when all are gone
POLL_S = 2


class ClusterError(errors.InputError):
    """A cluster that cannot run the plan; says what it lacks."""


# On a worker, and in its children


def work(order: dict) -> dict:
    """Run one task. `order` and what is returned are made of plain values, whatever versions meet here."""
    from distributed import get_worker

    from reportkit import engine

    source: Source = pickle.loads(order["source"])
    if difference := _difference(order["environment"], cache.environment(source.packages)):
        return {"refused": difference}
    scratch = Path(get_worker().local_directory)
    data = scratch / f"data-{order['data']}"
    if "content" in order:
        _unpack(order["content"], data)
    elif not data.is_dir():
        return {"lacks": "data"}
    folder = Path(tempfile.mkdtemp(prefix="task-", dir=scratch))
    left, log = folder / LEFT, folder / LEFT / "log"
    try:
        left.mkdir()
        (folder / CALL).write_bytes(order["call"])
        multiprocessing.current_process().daemon = False  # Dask says it is one, and those may have no children
        multiprocessing.get_context("forkserver").set_forkserver_preload([*engine.LIBRARIES, *source.imports])
        call = {"folder": folder, "data": data, "cache": scratch / "cache"}
        ended = workers.run(_call, call, log=log, timeout_s=order["timeout_s"], method="forkserver")
        content = {p.relative_to(left).as_posix(): p.read_bytes() for p in left.rglob("*") if p.is_file()}
        return {"seconds": ended.seconds, "problem": ended.problem, "files": content}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _difference(there: dict, here: dict) -> str | None:
    """How the environment of a worker differs from the one that asks, or None."""
    for name in sorted(there.keys() | here.keys(), key=lambda name: (name == "code", name)):  # versions first
        if there.get(name) != here.get(name):
            if name == "code":
                return "has other code of this library; bring it to the same commit"
            return f"has {name} {here.get(name)} in place of {there.get(name)}; install the same requirements.lock"
    return None


def _unpack(content: bytes, data: Path) -> None:
    new = Path(tempfile.mkdtemp(prefix="new-", dir=data.parent))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(new)
    with contextlib.suppress(OSError):  # another thread was faster
        new.rename(data)
    shutil.rmtree(new, ignore_errors=True)


def _call(order: dict) -> None:
    """In a child: the task of an order, in the folders of this machine."""
    folder, data = order["folder"], order["data"]
    call: _Call = pickle.loads((folder / CALL).read_bytes())
    names_of = call.task.source.variables
    os.environ |= {names_of.data: str(data), names_of.cache: str(order["cache"])}
    os.environ.pop(names_of.built, None)
    notebook = call.task.job.notebook
    path, finished, here = folder / notebook.path.name, data / FINISHED, {}
    if getattr(call.task, "browser", None):  # that of the other machine
        here["browser"] = pdf.find_browser()
        if not here["browser"]:
            raise ClusterError(f"a worker cannot print: none of {', '.join(pdf.BROWSERS)} is on its path")
    path.write_text(json.dumps(notebook.document), encoding="utf-8")
    for name, content in call.given.items():
        here[name] = folder / f"given-{name}"
        here[name].write_bytes(content)
    task = replace(
        call.task,
        folder=folder / LEFT,
        job=replace(call.task.job, notebook=replace(notebook, path=path)),
        **here,
        built=finished if finished.exists() else call.task.source.build(data),
    )
    call.function(task)


# Where the report is made


@dataclass(frozen=True)
class _Call:
    function: Callable
    task: object  # a runner.Task
    given: dict[str, bytes]  # the content of the files that its fields name


@contextmanager
def client(scheduler: str, num_jobs: int | None = None):
    """A client of the cluster of this address; `local` starts one on this machine, which ends with it."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise ClusterError("a cluster needs the package distributed: install it, or the extra 'cluster'") from None
    with contextlib.ExitStack() as stack:
        address = scheduler
        if scheduler == "local":
            options = dict(threads_per_worker=1, host="127.0.0.1", dashboard_address=None)
            address = stack.enter_context(LocalCluster(n_workers=num_jobs or workers.num_cores(), **options))
        try:
            connected = stack.enter_context(Client(address, timeout=PATIENCE_S, set_as_default=False))
            connected.wait_for_workers(1, timeout=PATIENCE_S)
        except TimeoutError:
            raise ClusterError(f"the scheduler {scheduler} has no workers") from None
        except OSError:
            raise ClusterError(f"the scheduler {scheduler} cannot be reached") from None
        yield connected


def calls(dask, scheduler: str) -> Callable[..., list]:
    """A function that calls another on the workers, once for each row of its further arguments, and returns all."""
    from distributed import KilledWorker

    def run(function: Callable, *columns: Sequence) -> list:
        try:
            return dask.gather(dask.map(function, *columns, pure=False))
        except KilledWorker:
            raise ClusterError(f"a worker of {scheduler} was lost again and again; it may lack memory") from None
        except ImportError as error:
            raise ClusterError(f"a worker of {scheduler} lacks this library: {error}") from None

    return run


def _pack(source: Source, data_key: str) -> bytes:
    """The data that the warehouse is built from, or the finished warehouse in their place."""
    content, finished = io.BytesIO(), given(source)
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        if finished:
            archive.write(finished, FINISHED)
        else:
            if source.fingerprint() != data_key:
                raise ClusterError("the data changed while the report was made; make it again")
            for place, path in source.files().items():
                archive.write(path, place)
    return content.getvalue()


def _pickled(function: Callable, task) -> bytes:
    named = {field.name: getattr(task, field.name) for field in fields(task) if field.name != "folder"}
    read = {name: path.read_bytes() for name, path in named.items() if isinstance(path, Path) and name != "built"}
    return pickle.dumps(_Call(function, task, read))


def each(function: Callable, tasks: Sequence, how, source: Source, data_key: str) -> Iterator[workers.Ended]:
    """Run `function` on the tasks on a cluster; yields them as they end, with what they left in their folders.

    A task whose worker is lost is run again by the scheduler, a few times.
    """
    is_limited = how.num_jobs and how.scheduler != "local"  # where it is the number of workers
    waiting, running, packed = deque(tasks), {}, functools.cache(partial(_pack, source, data_key))
    same = {"environment": cache.environment(source.packages), "source": pickle.dumps(source)}
    same |= {"data": data_key, "timeout_s": how.timeout_s}
    with client(how.scheduler, how.num_jobs) as dask:
        executor, seen = dask.get_executor(pure=False), time.monotonic()
        try:
            while waiting or running:
                connected = dask.scheduler_info(n_workers=-1)["workers"].values()
                seen = time.monotonic() if connected else seen
                if time.monotonic() - seen > PATIENCE_S:
                    raise ClusterError(f"the scheduler {how.scheduler} has lost all of its workers")
                # Enough for none to wait, and no more: what is sent takes memory here and in the scheduler.
                most = how.num_jobs if is_limited else 2 * sum(worker["nthreads"] for worker in connected)
                while waiting and len(running) < most:
                    task = waiting.popleft()
                    order = same | {"call": _pickled(function, task)}
                    running[executor.submit(work, order)] = task, order
                ready, _ = concurrent.futures.wait(running, POLL_S, concurrent.futures.FIRST_COMPLETED)
                for future in ready:
                    task, order = running.pop(future)
                    answer = _answer(future, how.scheduler)
                    if "lacks" in answer:
                        running[executor.submit(work, order | {"content": packed()})] = task, order
                        continue
                    for name, content in answer["files"].items():
                        (task.folder / name).parent.mkdir(parents=True, exist_ok=True)
                        (task.folder / name).write_bytes(content)
                    yield workers.Ended(task, answer["seconds"], answer["problem"])
        finally:
            executor.shutdown(wait=False)


def _lost(how: str) -> dict:
    return {"seconds": 0.0, "problem": f"was lost {how}", "files": {}}


def _answer(future: concurrent.futures.Future, scheduler: str) -> dict:
    """What `work` returned, or what became of it instead."""
    from distributed import KilledWorker

    try:
        answer = future.result()
    except concurrent.futures.CancelledError:
        raise ClusterError(f"the scheduler {scheduler} was lost") from None
    except KilledWorker as error:
        return _lost(f"with its worker {error.allowed_failures + 1} times")
    except Exception as error:
        if isinstance(error, ImportError) or isinstance(error.__cause__, ImportError):
            missing = error if isinstance(error, ImportError) else error.__cause__
            raise ClusterError(f"the scheduler {scheduler} or a worker lacks this library: {missing}") from None
        return _lost(f"on its worker by {type(error).__name__}: {error}")
    if "refused" in answer:
        raise ClusterError(f"a worker of {scheduler} {answer['refused']}")
    return answer
