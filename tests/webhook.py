"""A webhook on this machine that keeps what it is sent."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Webhook:
    """`answer` is a status code, or "nothing" for a server that accepts and stays silent."""

    def __init__(self, answer):
        self.answer, self.received = answer, []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/secret-token"


@contextmanager
def serving(answer=200):
    hook = Webhook(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            hook.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if hook.answer == "nothing":
                time.sleep(60)
            self.send_response(hook.answer)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    hook.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
