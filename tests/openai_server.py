"""A small OpenAI-compatible server on loopback, for the load-test tools to measure: it answers with words.

Answers are made of the words "tok0 tok1 ..." at a fixed pace, one word a token, so what a tool must find is known:
time to first token, time between tokens, and as many output tokens as it asked for. A prompt counts one token a word.
"""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "acme/demo-model"
DEFAULT_TOKENS = 16


def _words(value) -> int:
    """The number of words in a prompt: a text, a list of token ids, or a list of chat messages or parts."""
    if isinstance(value, str):
        return len(value.split())
    if isinstance(value, dict):
        return _words(value.get("content") or value.get("text") or "")
    return sum(1 if isinstance(item, int) else _words(item) for item in value)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # otherwise the kernel joins tokens and the pace a client sees is not ours

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path.startswith("/v1/models"):
            self._answer({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "acme"}]})
        elif self.path.startswith(("/health", "/ping")):
            self._answer({"status": "ok"})
        else:
            self.send_error(404)

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/chat/completions"):
            chat, prompt = True, asked["messages"]
        elif self.path.endswith("/completions"):
            chat, prompt = False, asked["prompt"]
        else:
            self.send_error(404)
            return
        num_tokens = asked.get("max_completion_tokens") or asked.get("max_tokens") or DEFAULT_TOKENS
        num_prompt = _words(prompt)
        usage = {
            "prompt_tokens": num_prompt,
            "completion_tokens": num_tokens,
            "total_tokens": num_prompt + num_tokens,
        }
        if asked.get("stream"):
            self._stream(chat, num_tokens, usage, (asked.get("stream_options") or {}).get("include_usage"))
        else:
            time.sleep(self.server.ttft_s + (num_tokens - 1) * self.server.itl_s)
            text = " ".join(f"tok{i}" for i in range(num_tokens))
            self._answer(self._body(chat, {"role": "assistant", "content": text} if chat else text, "length", usage))

    def _answer(self, body: dict):
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _body(self, chat, part, finish, usage=None, key="message") -> dict:
        kind = "text_completion" if not chat else "chat.completion" + (".chunk" if key == "delta" else "")
        choice = {"index": 0, "finish_reason": finish} | ({key: part} if chat else {"text": part})
        body = {"id": "cmpl-0", "object": kind, "created": int(time.time()), "model": MODEL, "choices": [choice]}
        return body | ({"usage": usage} if usage else {})

    def _stream(self, chat, num_tokens, usage, has_usage):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        start = time.perf_counter()
        for i in range(num_tokens):
            # Against the clock of the first byte, so that the pace does not drift with the work in between.
            due = start + self.server.ttft_s + i * self.server.itl_s
            time.sleep(max(0.0, due - time.perf_counter()))
            part = {"content": f"tok{i} "} if chat else f"tok{i} "
            self._event(self._body(chat, part, "length" if i == num_tokens - 1 else None, key="delta"))
        if has_usage:
            self._event(self._body(chat, {}, None, usage, key="delta") | {"choices": []})
        self._event("[DONE]")
        self._chunk(b"")

    def _event(self, body):
        self._chunk(f"data: {body if isinstance(body, str) else json.dumps(body)}\n\n".encode())

    def _chunk(self, content: bytes):
        self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        """A client that hangs up is a normal end of a load test."""


@contextmanager
def openai_server(*, ttft_s: float = 0.05, itl_s: float = 0.01):
    """Run the server for the length of a `with` block; gives its address, http://127.0.0.1:PORT."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.ttft_s, server.itl_s = ttft_s, itl_s
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
