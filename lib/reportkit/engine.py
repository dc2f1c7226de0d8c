"""Execute one notebook: in this process with the kernel's own shell, or on a real kernel.

Libraries take a second to import and a kernel another to start. So the fast engine imports once and
forks a child for each notebook, which runs the cells in the shell class that kernels use; only the
sockets to it are replaced. Everything around the cells is papermill's either way, so that both
engines leave the same outputs. The parent must only import: thread pools do not survive a fork.
"""

import contextlib
import gc
import importlib
import io
import logging
import os
import re
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat
import papermill
from ipykernel.compiler import XCachingCompiler
from ipykernel.zmqshell import ZMQInteractiveShell
from jupyter_client.session import Session
from nbformat.v4.rwbase import rejoin_lines
from nbformat.validator import get_validator
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from traitlets import Instance
from traitlets.config import Config

from reportkit import outputs

# What executing and report pages import, directly or at first use, beside what notebooks do.
LIBRARIES = ("IPython.core.completer", "reportkit.index", "reportkit.xlsx")

# The injected cell has a random id, and a kernel names the file of a cell after its process.
INJECTED = "injected-parameters"
CELL_FILE = re.compile(r"(?<!\S)\S*/ipykernel_\d+/\d+\.py")  # from where a word begins, or long ones took for ever

WIDGET = "application/vnd.jupyter.widget-view+json"

logging.getLogger("papermill").setLevel(logging.ERROR)


def import_libraries(of_notebooks: Iterable[str]) -> None:
    """Import what notebooks import, before they are forked."""
    gc.disable()  # hundreds of thousands of objects that all stay: looking for garbage takes a tenth of the time
    try:
        for name in (*LIBRARIES, *of_notebooks):
            importlib.import_module(name)
        get_validator(4, 5)  # compiled at first use
    finally:
        gc.enable()


# The fast engine


class _Wire(Session):
    """A session without sockets: a message sent is a message received, after the same round trip through JSON."""

    inbox = Instance(deque, ())

    def send(self, stream, msg_or_type, content=None, parent=None, ident=None, **_):
        message = msg_or_type if isinstance(msg_or_type, dict) else self.msg(msg_or_type, content, parent)
        self.inbox.append(self.unpack(self.pack(message)))
        return message


class _Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of a cell, sent when something is displayed and when the cell ends."""

    encoding = "UTF-8"

    def __init__(self, name: str, wire: _Wire, shell: ZMQInteractiveShell):
        self.name, self._wire, self._shell, self._written = name, wire, shell, []

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        self._written.append(text)
        return len(text)

    def flush(self):
        if self._written:
            text, self._written = "".join(self._written), []
            self._wire.send(None, "stream", {"name": self.name, "text": text}, self._shell.get_parent())


class _Channel(deque):
    async def get_msg(self, timeout=None):
        return self.popleft()


class _Kernel:
    """What nbclient sees of a kernel: the shell is in this process, and `execute` returns when all is answered."""

    def __init__(self):
        self.iopub_channel, self.shell_channel = _Channel(), _Channel()
        self._wire = _Wire(inbox=self.iopub_channel)
        no_history = Config({"HistoryManager": {"enabled": False}})
        self._shell = ZMQInteractiveShell.instance(compiler_class=XCachingCompiler, config=no_history)
        self._shell.displayhook.session = self._shell.display_pub.session = self._wire
        self.stdout = _Stream("stdout", self._wire, self._shell)
        self.stderr = _Stream("stderr", self._wire, self._shell)
        sys.path.insert(0, "")  # as a kernel has it: modules beside the notebook

    async def execute(self, source: str, **_) -> str:
        request = self._wire.msg("execute_request")
        self._shell.set_parent(request)
        count = self._shell.execution_count
        self._wire.send(None, "execute_input", {"code": source, "execution_count": count}, request)
        result = await self._run(source)
        self.stdout.flush()
        self.stderr.flush()
        self._wire.send(None, "status", {"execution_state": "idle"}, request)
        error = result.error_before_exec or result.error_in_exec
        is_ok = result.success and not getattr(self._shell, "_last_traceback_during_displayhook", False)
        reply = {"status": "ok" if is_ok else "error", "ename": type(error).__name__, "evalue": str(error)}
        self.shell_channel.append(self._wire.msg("execute_reply", reply | {"traceback": []}, request))
        return request["header"]["msg_id"]

    async def _run(self, source: str):
        shell = self._shell
        try:
            transformed = shell.transform_cell(source)
        except Exception:
            return shell.run_cell(source, store_history=True)  # it fails again, and shows its traceback
        result = await shell.run_cell_async(source, store_history=True, transformed_cell=transformed)
        shell.events.trigger("post_execute")
        shell.events.trigger("post_run_cell", result)
        return result

    def forget(self) -> None:
        """Let go of what the cells made: their page is made in this process, beside it."""
        self._shell.reset(new_session=False)
        gc.collect()


class _Client(PapermillNotebookClient):
    def execute(self, **_):
        self.reset_execution_trackers()
        self.kc = kernel = _Kernel()
        with contextlib.redirect_stdout(kernel.stdout), contextlib.redirect_stderr(kernel.stderr):
            self.papermill_execute_cells()
        kernel.forget()
        return self.nb


class InProcessEngine(Engine):
    """Runs the cells in the calling process, once in its life: the caller is a fork made for this notebook."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, *, on_cell_start, coalesce_streams, record_timing, **_):
        options = {"coalesce_streams": coalesce_streams, "record_timing": record_timing}
        _Client(nb_man, on_cell_start=on_cell_start, **options).execute()


papermill_engines.register("fork", InProcessEngine)


# Either engine


def execute(source: Path, parameters: Mapping, output: Path, *, engine: str, on_cell_start) -> nbformat.NotebookNode:
    """Execute `source` in its own folder, in this process ("fork") or on a "kernel", and return it with outputs.

    What failed is in `output` all the same. `on_cell_start` is called with keywords `cell` and `cell_index`.
    """
    # Nobody's personal start-up files take part.
    with tempfile.TemporaryDirectory(prefix="tf-") as folder:
        os.environ["IPYTHONDIR"] = folder
        options = {"on_cell_start": on_cell_start, "coalesce_streams": True, "record_timing": False}
        if engine == "kernel":
            # Sockets in a folder: no port to race for and no warning about unencrypted ones.
            config = Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})
            options |= {"config": config, "shutdown_kernel": "immediate"}
        notebook = nbformat.read(source, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = []  # papermill empties them too, but writes and reads them before
        with contextlib.suppress(papermill.PapermillExecutionError):
            papermill.execute_notebook(
                notebook,
                _as_template(output),
                dict(parameters),
                engine_name="fork" if engine == "fork" else None,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                request_save_on_cell_execute=False,
                cwd=str(source.parent),
                **options,
            )
    return clean(nbformat.read(output, as_version=4))


def _as_template(path: Path) -> str:
    """Papermill formats the names of files with the parameters."""
    return str(path).replace("{", "{{").replace("}", "}}")


def before_saving(model: Mapping, path: str, contents_manager, **_) -> None:
    """Let Jupyter write a notebook as `clean` has it, and leave alone what it says already (a pre_save_hook).

    JupyterLab adds pictures of the charts it draws, and writes 75.0 as 75.
    """
    if model["type"] != "notebook" or not model.get("content"):
        return
    file = Path(contents_manager.root_dir) / path.strip("/")
    kept = {cell.get("id"): cell for cell in nbformat.read(file, as_version=4).cells} if file.is_file() else {}
    made = rejoin_lines(clean(nbformat.from_dict(model["content"])))
    for cell in made.cells:
        for output in cell.get("outputs", ()):
            if outputs.chart_of(output.get("data", {})):
                output["data"].pop("image/png", None)
        if cell.get("outputs") and cell.outputs == kept.get(cell.get("id"), {}).get("outputs"):
            cell["outputs"] = kept[cell.id].outputs
    model["content"] = made


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove what differs between two runs of the same notebook, or names this machine."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if not cell.metadata.get("tags", True):  # papermill gives every cell a list of tags
            del cell.metadata["tags"]
        if INJECTED in cell.metadata.get("tags", ()):
            cell["id"] = INJECTED
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(WIDGET, None)  # it is nothing without its kernel, and has a random name
            if output.output_type == "stream":
                output.text = CELL_FILE.sub("cell", output.text)
    return notebook


def failure(notebook: nbformat.NotebookNode) -> tuple[str, nbformat.NotebookNode] | None:
    """Source and error output of the cell that raised, if one did."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                return cell.source, output
    return None
