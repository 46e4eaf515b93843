"""A language model by name, and its reply as it comes. LlamaIndex and the integrations are
imported when a model is loaded."""

from __future__ import annotations

import importlib
import os
import queue
import re
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ConfigError, ModelError

if TYPE_CHECKING:
    import httpx
    from llama_index.core.llms import LLM

# Role and text of each message.
Messages = Sequence[tuple[str, str]]

KINDS = ("openai", "anthropic", "ollama", "openai-like", "gguf")
# More than any answer needs: a model that never stops is stopped here.
MOST_TOKENS = 500
MOST_CHARACTERS = 4000
CONTEXT = 4096

_SPEC = re.compile(r"(?P<kind>[a-z-]+):(?P<model>.+)")
_SERVED = re.compile(r"(?P<model>.+)@(?P<url>https?://\S+)")
# The integration of each kind: its module, class and package, and the variable of its key.
_INTEGRATIONS = {
    "openai": ("llama_index.llms.openai", "OpenAI", "llama-index-llms-openai", "OPENAI_API_KEY"),
    "anthropic": (
        *("llama_index.llms.anthropic", "Anthropic", "llama-index-llms-anthropic"),
        "ANTHROPIC_API_KEY",
    ),
    "ollama": ("llama_index.llms.ollama", "Ollama", "llama-index-llms-ollama", ""),
    "openai-like": (
        *("llama_index.llms.openai_like", "OpenAILike", "llama-index-llms-openai-like"),
        "ESSAYQA_LLM_KEY",
    ),
    "gguf": ("xllamacpp", "Server", "xllamacpp", ""),
}


class LanguageModel:
    """The model that `spec` names ("openai:MODEL", "anthropic:MODEL", "ollama:MODEL",
    "openai-like:MODEL@http://host:port/v1", "gguf:/path/model.gguf"), loaded on first use.

    `limit_s` is how long one reply may take, in seconds. Raises `ConfigError` for a spec
    that is none, `ModelError` when the model cannot be loaded.
    """

    def __init__(self, spec: str, limit_s: float) -> None:
        match = _SPEC.fullmatch(spec)
        if not match or match["kind"] not in KINDS:
            raise ConfigError(
                f"the language model {spec!r} is not one of openai:MODEL, anthropic:MODEL, "
                "ollama:MODEL, openai-like:MODEL@http://host:port/v1, gguf:/path/model.gguf"
            )
        self._kind, self._model = match["kind"], match["model"]
        if self._kind == "openai-like" and not _SERVED.fullmatch(self._model):
            raise ConfigError(
                f"the language model {spec!r} names no server; write it as "
                "openai-like:MODEL@http://host:port/v1"
            )
        self.limit_s = limit_s
        self._lock = threading.Lock()
        self._server: Any = None

    @property
    def id(self) -> str:
        """Its kind and name, without its address."""
        return f"{self._kind}:{Path(self._model.partition('@')[0]).name}"

    def reply(self, messages: Messages, cancelled: threading.Event | None = None) -> Iterator[str]:
        """The reply to a conversation, in pieces as the model writes them.

        Ends early when `cancelled` is set, or after `MOST_CHARACTERS`. Raises `ModelError`
        when the model is out of reach, refuses, breaks off or takes longer than the limit.
        """
        deadline = time.monotonic() + self.limit_s
        pieces: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()
        stop = threading.Event()
        # The model is read in a thread of its own, so that waiting for it can be given up.
        worker = threading.Thread(
            target=self._read, args=(messages, pieces, stop), name="essayqa-llm", daemon=True
        )
        worker.start()
        length = 0
        try:
            while length < MOST_CHARACTERS and not (cancelled and cancelled.is_set()):
                if time.monotonic() > deadline:
                    raise ModelError(
                        f"{self.id} took longer than {self.limit_s:g} s; "
                        "ESSAYQA_LLM_SECONDS allows more"
                    )
                try:
                    # In short waits, to notice that the reader has gone.
                    piece = pieces.get(timeout=0.05)
                except queue.Empty:
                    continue
                if piece is None:
                    return
                if isinstance(piece, BaseException):
                    raise self._failure(piece)
                length += len(piece)
                yield piece
        finally:
            stop.set()

    def _read(
        self,
        messages: Messages,
        pieces: queue.SimpleQueue[str | BaseException | None],
        stop: threading.Event,
    ) -> None:
        import httpx

        # A client of its own: closing LlamaIndex's stream leaves the connection open, and the
        # model at work, until that is garbage.
        try:
            with httpx.Client(timeout=self.limit_s) as http:
                for part in self._connect(http).stream_chat(_chat(messages)):
                    if stop.is_set():
                        return
                    if part.delta:
                        pieces.put(part.delta)
            pieces.put(None)
        except BaseException as error:
            pieces.put(error)

    def _failure(self, error: BaseException) -> ModelError:
        if isinstance(error, ModelError):
            return error
        # The class says what went wrong ("APIConnectionError"); the text may hold a key.
        status = getattr(error, "status_code", None)
        what = {
            401: "did not accept its key",
            403: "refused access",
            404: "does not know this model",
            429: "has too many requests; try again later",
        }.get(status or 0, f"failed ({type(error).__name__})")
        if status == 400 and re.search("context|exceed", str(error), re.IGNORECASE):
            what = "cannot read this much at once"
        return ModelError(f"the language model {self.id} {what}")

    def _connect(self, http: httpx.Client) -> LLM:
        """The model, which speaks through `http` if it speaks OpenAI's protocol."""
        module, name, package, key = _INTEGRATIONS[self._kind]
        try:
            integration = getattr(importlib.import_module(module), name)
        except ImportError:
            raise ModelError(
                f"{self.id} needs the package {package}: pip install {package}"
            ) from None
        common: dict[str, Any] = {
            "temperature": 0.0,
            "max_tokens": MOST_TOKENS,
            "timeout": self.limit_s,
        }
        if self._kind == "gguf":
            return self._like(*self._serve_file(integration), {**common, "http_client": http})
        if self._kind == "ollama":
            return integration(  # type: ignore[no-any-return]
                model=self._model,
                request_timeout=self.limit_s,
                temperature=0.0,
                context_window=CONTEXT,
                additional_kwargs={"num_predict": MOST_TOKENS},
            )
        if self._kind == "openai-like":
            served = _SERVED.fullmatch(self._model)
            assert served
            return self._like(served["model"], served["url"], {**common, "http_client": http})
        secret = os.environ.get(key)
        if not secret:
            raise ModelError(f"{self.id} needs a key in {key}")
        if self._kind == "openai":
            common["http_client"] = http
        return integration(model=self._model, api_key=secret, max_retries=0, **common)  # type: ignore[no-any-return]

    @staticmethod
    def _like(model: str, url: str, settings: dict[str, Any]) -> LLM:
        integration = importlib.import_module("llama_index.llms.openai_like").OpenAILike
        return integration(  # type: ignore[no-any-return]
            model=model,
            api_base=url,
            # Without one, LlamaIndex would send this server the key in OPENAI_API_KEY.
            api_key=os.environ.get("ESSAYQA_LLM_KEY") or "none",
            is_chat_model=True,
            context_window=CONTEXT,
            # LlamaIndex and its client both retry, so that more of them multiply.
            max_retries=0,
            **settings,
        )

    def _serve_file(self, server: Any) -> tuple[str, str]:
        """A model file's name, and where it is served: in this process, on the loopback."""
        path = Path(self._model).expanduser()
        if not path.is_file():
            raise ModelError(f"the model file {str(path)!r} does not exist")
        with self._lock:
            if self._server is None:
                settings = importlib.import_module("xllamacpp").CommonParams()
                settings.model.path = str(path)
                settings.n_ctx, settings.n_parallel = CONTEXT, 1
                # More threads than processors wait for one another.
                settings.cpuparams.n_threads = max(1, (os.cpu_count() or 2) // 2)
                settings.cpuparams_batch.n_threads = os.cpu_count() or 2
                settings.cache_ram_mib, settings.verbosity = 0, 2
                self._server = server(settings)
        return path.stem, f"{self._server.listening_address}/v1"


def _chat(messages: Messages) -> list[Any]:
    from llama_index.core.llms import ChatMessage

    return [ChatMessage(role=role, content=text) for role, text in messages]
