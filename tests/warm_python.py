"""A Python that has loaded the big libraries and forks for each program: cold, a second of every short run is imports.

What runs is a process of its own all the same, with its own environment, folder, arguments and exit code; the code of
the project is imported by each, from wherever its PYTHONPATH leads.
"""

import atexit
import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

LIBRARIES = ("altair", "duckdb", "jinja2", "nbclient", "numpy", "pandas", "papermill.execute", "polars", "pyarrow.fs")


class WarmPython:
    """Runs programs like `subprocess.run([sys.executable, program, ...], capture_output=True, text=True)`."""

    def __init__(self):
        self._lock, self._server = threading.Lock(), None

    def run(self, command: list[str], *, env: dict[str, str], cwd: Path, timeout: float) -> subprocess.CompletedProcess:
        """Run a program (a path or -c and code, and its arguments); cold where another one is running."""
        if not self._lock.acquire(blocking=False):
            return subprocess.run(
                [sys.executable, *command], env=env, cwd=cwd, timeout=timeout, capture_output=True, text=True
            )
        try:
            return self._forked(command, env, cwd, timeout)
        finally:
            self._lock.release()

    def _forked(self, command, env, cwd, timeout) -> subprocess.CompletedProcess:
        if not self._server or self._server.poll() is not None:
            self._server = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            asked = {"command": command, "env": dict(env), "cwd": str(cwd), "out": out.name, "err": err.name}
            killer = threading.Timer(timeout, self._server.kill)
            killer.start()
            self._server.stdin.write(json.dumps(asked) + "\n")
            self._server.stdin.flush()
            answer = self._server.stdout.readline()
            killer.cancel()
            if not answer:
                raise subprocess.TimeoutExpired(command, timeout)
            said = (Path(file.name).read_text() for file in (out, err))
            return subprocess.CompletedProcess(command, int(answer), *said)


def serve() -> None:
    """Fork for every line of JSON on the standard input, and answer with the exit code."""
    for name in LIBRARIES:
        __import__(name)
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        if not (child := os.fork()):
            os._exit(exit_code_of(lambda asked=asked: become(**asked)))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def exit_code_of(program: Callable[[], None]) -> int:
    """Run a program to its end, as the interpreter would, but for taking the libraries down, which takes long."""
    try:
        program()
        code = 0
    except SystemExit as ended:
        code = ended.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


def become(command: list[str], env: dict[str, str], cwd: str, out: str, err: str) -> None:
    """Turn this process into one that runs a program."""
    for target, path, flags in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY), (2, err, os.O_WRONLY)):
        os.dup2(os.open(path, flags), target)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    program, sys.argv = command[0], command
    text, folder = (command[1], "") if program == "-c" else (Path(program).read_text(), str(Path(program).parent))
    sys.argv = ["-c", *command[2:]] if program == "-c" else command
    sys.path[:1] = [folder, *filter(None, env.get("PYTHONPATH", "").split(os.pathsep))]
    main = sys.modules["__main__"].__dict__
    main["__file__"] = program
    exec(compile(text, program, "exec"), main)


if __name__ == "__main__":
    serve()
    os._exit(0)
