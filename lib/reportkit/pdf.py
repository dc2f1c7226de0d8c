"""Pages on paper, by the browser of this machine: what a reader gets who prints, without the reader.

The browser writes the time into the file; it is replaced by the day of making, so that the same page of the same
browser gives the same bytes. Another version of it gives others.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TIMEOUT_S = 120
OPTIONS = (
    "--headless",
    "--no-sandbox",  # the page is our own, allows no other script and no request, and a container has no sandbox
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
# A link within the site would lead to a folder of this machine; on paper it is text.
LINK = re.compile(r'(<a\b[^>]*?) href="(?!https?://|#)[^"]*"')
DATE = re.compile(rb"/(CreationDate|ModDate) \(D:\d{14}")


def find_browser() -> str | None:
    """The path of a browser that prints, where there is one."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def print_page(page: str, target: Path, *, browser: str, made_on: str) -> None:
    """Write a page as a PDF that carries the day of its making; RuntimeError tells what a failing browser says."""
    with tempfile.TemporaryDirectory(prefix="tf-") as folder:
        source, printed = Path(folder, "page.html"), Path(folder, "page.pdf")
        source.write_text(LINK.sub(r"\1", page), encoding="utf-8")
        command = [browser, *OPTIONS, f"--user-data-dir={folder}/profile", f"--print-to-pdf={printed}", source.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
        if not printed.exists():
            raise RuntimeError(f"{Path(browser).name} printed nothing: {done.stderr.strip()[-500:]}")
        day = made_on.replace("-", "").encode() + b"000000"
        target.write_bytes(DATE.sub(rb"/\1 (D:" + day, printed.read_bytes()))
