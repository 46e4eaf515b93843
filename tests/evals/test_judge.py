"""A judge beside the scorers: a scripted model, a server, and none at all."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from llama_index.core.base.llms.types import CompletionResponse, LLMMetadata
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.callbacks import llm_completion_callback
from rich.console import Console

from essayqa import EssayQA
from evals import report
from evals.__main__ import main
from evals.judge import KEY, JudgeError, connect, judge_cases
from evals.results import Agreement, CaseResult, Results, Score
from evals.run import summarise
from evals.terminal import print_results

FAITHFULNESS = "Please tell if a given piece of information"
CORRECTNESS = "You are an expert evaluation system"
SUPPORTED, RIGHT = "YES", "5.0\nIt has every fact."
UNSUPPORTED, WRONG = "NO", "2\nIt lacks a fact."


class Script(CustomLLM):
    """Replies by what it is asked and the answer asked about; raises replies that are errors.

    `scripted` maps a case's id to its replies about faithfulness and correctness.
    """

    scripted: dict[str, tuple[Any, Any]]
    name: str = "scripted"
    prompts: list[str] = []  # noqa: RUF012 (pydantic copies it)

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name=self.name)

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        self.prompts.append(prompt)
        found = re.search(r"answer of (\w+)", prompt)
        assert found
        reply = self.scripted[found[1]][CORRECTNESS in prompt]
        if isinstance(reply, Exception):
            raise reply
        return CompletionResponse(text=reply)

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError


def case(case_id: str, *, facts: bool = True, declined: bool = False, **wrong: float) -> CaseResult:
    """A case whose scores are 1 but for those given."""
    values = {"citation_recall": 1.0, "verbatim": 1.0, "fully_correct": 1.0, **wrong}
    stated = ["first fact", "second fact"] if facts else []
    sentence = {"text": f"answer of {case_id}", "citations": [1]}
    question = f"question of {case_id}"
    return CaseResult(
        case={
            "id": case_id,
            "kind": "fact",
            "question": question,
            "answerable": facts,
            "facts": [{"statement": fact} for fact in stated],
            "gold_quotes": [],
            "voice": None,
            "history": [{"question": "earlier question", "answer": ""}],
        },
        answer={
            "question": question,
            "standalone_question": question,
            "status": "declined" if declined else "answered",
            "text": "",
            "sentences": [] if declined else [{**sentence, "support": "verbatim", "voice": "v"}],
            "citations": [] if declined else [{"number": 1, "quote": f"quote of {case_id}"}],
        },
        error=None,
        latency_ms=1.0,
        scores={name: Score(name, value, "") for name, value in values.items()},
    )


def run(*cases: CaseResult) -> Results:
    return summarise("tune", cases)


def judged(scripted: dict[str, tuple[Any, Any]], *cases: CaseResult) -> dict[str, Agreement]:
    """Each agreement, by scorer."""
    judgement = judge_cases(Script(scripted=scripted), run(*cases))
    return {agreement.scorer: agreement for agreement in judgement.agreements}


def test_a_judge_that_says_what_the_scorers_say_agrees_fully() -> None:
    found = judged(
        {"a": (SUPPORTED, RIGHT), "b": (UNSUPPORTED, WRONG)},
        case("a"),
        case("b", citation_recall=0.5, verbatim=0.0, fully_correct=0.0),
    )
    for scorer, judge in {
        "citation_recall": "faithfulness",
        "verbatim": "faithfulness",
        "fully_correct": "correctness",
    }.items():
        assert found[scorer] == Agreement(judge, scorer, 2, 1.0, 1.0, 0)


def test_disagreement_is_counted_and_set_against_chance() -> None:
    # Each says "right" of two, and they share one: half agree, as chance would have it.
    scripted = dict.fromkeys("ac", (SUPPORTED, RIGHT)) | dict.fromkeys("bd", (SUPPORTED, WRONG))
    wrong = [case(case_id, fully_correct=0.0) for case_id in "bc"]
    found = judged(scripted, case("a"), case("d"), *wrong)
    assert found["fully_correct"] == Agreement("correctness", "fully_correct", 4, 0.5, 0.0, 0)
    # Three in four agree, of which chance makes two: kappa is one of the two others.
    found = judged({**scripted, "d": (SUPPORTED, RIGHT)}, case("a"), case("d"), *wrong)
    assert found["fully_correct"].share == 0.75
    assert found["fully_correct"].kappa == pytest.approx(0.5)


def test_no_kappa_where_all_verdicts_are_the_same() -> None:
    found = judged({"a": (SUPPORTED, RIGHT)}, case("a"))
    assert (found["verbatim"].share, found["verbatim"].kappa) == (1.0, None)
    # Constant on one side only, kappa is defined and nil.
    found = judged({"a": (UNSUPPORTED, RIGHT)}, case("a"))
    assert (found["verbatim"].share, found["verbatim"].kappa) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("score", "passed"), [("4", True), ("3.9\nNearly.", False), (" 5.0 \nAll.", True), ("1", False)]
)
def test_a_score_of_four_or_more_passes(score: str, passed: bool) -> None:
    judgement = judge_cases(Script(scripted={"a": (SUPPORTED, score)}), run(case("a")))
    assert [v.passed for v in judgement.verdicts if v.judge == "correctness"] == [passed]


@pytest.mark.parametrize(
    ("reply", "passed"),
    [
        ("**YES**", True),
        ("No, there is no context that says yes.", False),
        ("NO\nNot there", False),
    ],
)
def test_the_first_word_says_whether_it_is_supported(reply: str, passed: bool) -> None:
    judgement = judge_cases(Script(scripted={"a": (reply, RIGHT)}), run(case("a")))
    assert [v.passed for v in judgement.verdicts if v.judge == "faithfulness"] == [passed]


@pytest.mark.parametrize("faithful", ["", "It was so yesterday.", "No idea", "Nothing", "maybe"])
@pytest.mark.parametrize("correct", ["", "Very good!", "six\nout of ten", "45\nx", "nan\nx", "-1"])
def test_garbage_is_unscored_and_no_disagreement(faithful: str, correct: str) -> None:
    found = judged({"a": (SUPPORTED, RIGHT), "b": (faithful, correct)}, case("a"), case("b"))
    assert {(a.n, a.share, a.unscored) for a in found.values()} == {(1, 1.0, 1)}


# LlamaIndex itself turns the latter into an answer of "Empty Response".
@pytest.mark.parametrize("error", [RuntimeError("out of memory"), ValueError("bad JSON")])
def test_a_model_that_raises_is_unscored_and_the_rest_goes_on(error: Exception) -> None:
    results = run(case("a"), case("b"))
    seen: list[tuple[int, int]] = []
    judgement = judge_cases(
        Script(scripted={"a": (error, error), "b": (SUPPORTED, RIGHT)}),
        results,
        lambda done, total: seen.append((done, total)),
    )
    assert {(a.n, a.share, a.unscored) for a in judgement.agreements} == {(1, 1.0, 1)}
    assert {verdict.case_id for verdict in judgement.unscored} == {"a"}
    assert judgement.unscored[1].reason == f"{type(error).__name__}: {error}"
    assert seen == [(1, 2), (2, 2)]


def test_a_judge_that_never_answers_agrees_with_nothing() -> None:
    error = RuntimeError("no model")
    found = judged({"a": (error, error)}, case("a"))
    assert found["verbatim"] == Agreement("faithfulness", "verbatim", 0, None, None, 1)


def test_declined_and_failed_answers_are_left_out() -> None:
    failed = replace(case("f"), answer=None, error="RuntimeError: x", scores={})
    model = Script(scripted={"a": (SUPPORTED, RIGHT)})
    judgement = judge_cases(model, run(case("d", declined=True), failed, case("a")))
    assert {verdict.case_id for verdict in judgement.verdicts} == {"a"}
    assert len(model.prompts) == 2
    nothing = judge_cases(Script(scripted={}), run(case("d", declined=True)))
    assert (nothing.verdicts, nothing.agreements[0].n) == ((), 0)


def test_an_answer_to_a_question_without_one_is_only_judged_for_faithfulness() -> None:
    found = judged({"a": (SUPPORTED, RIGHT)}, case("a", facts=False))
    assert found["citation_recall"].n == 1
    assert (found["fully_correct"].n, found["fully_correct"].unscored) == (0, 0)


# LlamaIndex has a template of its own for the second, whose blanks it does not fill.
@pytest.mark.parametrize("name", ["scripted", "llama3:8b"])
def test_the_model_is_shown_the_answer_the_quotes_the_question_and_the_facts(name: str) -> None:
    model = Script(scripted={"a": (SUPPORTED, RIGHT)}, name=name)
    assert judge_cases(model, run(case("a"))).model == name
    faithfulness, correctness = model.prompts
    assert FAITHFULNESS in faithfulness
    for part in ("Information: answer of a", "quote of a"):
        assert part in faithfulness
    for part in ("earlier question\nquestion of a", "first fact second fact", "answer of a"):
        assert part in correctness


def test_the_agreement_is_in_every_report(tmp_path: Path) -> None:
    hostile = "<script>[b](x)"
    model = Script(scripted={"a": (SUPPORTED, WRONG), "b": (RuntimeError(hostile), RIGHT)})
    results = run(case("a"), case("b"))
    results = replace(results, judgement=judge_cases(model, results))
    report.write(results, tmp_path)
    data = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert Results.from_dict(data) == results
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "## Judge: scripted" in text
    assert r"| correctness | fully\_correct | 0.50 | 0.00 | 2 | 0 |" in text
    assert r"| faithfulness | verbatim | 1.00 | – | 1 | 1 |" in text
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<td>fully_correct</td><td>0.50</td><td>0.00</td><td>2</td><td>0</td>" in page
    console = Console(width=200, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    print_results(results, (), console)
    printed = console.export_text()
    assert "Judge: scripted" in printed
    for shown in (text.replace("\\", ""), printed):
        assert f"failed 1 of 4 times, first at b, faithfulness: RuntimeError: {hostile}" in shown
    assert "<script>" not in page + text


def test_a_run_without_a_judge_says_nothing_of_one(tmp_path: Path) -> None:
    report.write(run(case("a")), tmp_path)
    for name in ("report.md", "report.html"):
        assert "judge" not in (tmp_path / name).read_text(encoding="utf-8").lower()


# What is needed, and what is not.


def python(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    """`code` in a fresh interpreter."""
    command = [sys.executable, "-c", code, *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=100)


def test_without_its_package_the_command_names_it_and_asks_nothing() -> None:
    code = """
import sys
sys.modules["llama_index.llms.openai_like"] = None
from evals.__main__ import main
sys.exit(main(["--judge", "m@http://127.0.0.1:1/v1"]))
"""
    done = python(code)
    assert done.returncode == 2
    assert "pip install llama-index-llms-openai-like" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_suite_imports_no_llamaindex_by_itself() -> None:
    done = python("import sys, evals.__main__, evals.judge; print('llama_index' in sys.modules)")
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize("spec", ["", "model", "@http://host/v1", "m@host:80", "m@http://"])
def test_a_judge_that_is_none_is_refused(spec: str) -> None:
    with pytest.raises(JudgeError, match="MODEL@http"):
        connect(spec)


# Over HTTP.


class Server(ThreadingHTTPServer):
    """OpenAI's chat completions, as far as a judge needs them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, str | None, dict[str, Any]]] = []
        self.refuses = False


class Handler(BaseHTTPRequestHandler):
    # Connections stay open, as those of real servers do.
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers.get("Authorization")
        self.server.requests.append((self.path, key, body))
        reply = SUPPORTED if FAITHFULNESS in json.dumps(body["messages"]) else RIGHT
        message = {"role": "assistant", "content": reply}
        data: dict[str, Any] = {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        }
        if self.server.refuses:
            data = {"error": {"message": f"unknown key {key}"}}
        payload = json.dumps(data).encode()
        self.send_response(401 if self.server.refuses else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    pytest.importorskip("llama_index.llms.openai_like")
    monkeypatch.setenv("NO_PROXY", "*")
    with serving() as server:
        yield server


def test_a_server_is_asked_about_every_answer(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "sk-secret")
    model = connect(f"@org/some-model:7b@http://127.0.0.1:{server.server_port}/v1")
    judgement = judge_cases(model, run(*(case(case_id) for case_id in "abc")))
    assert judgement.model == "@org/some-model:7b"
    assert {(a.n, a.share, a.unscored) for a in judgement.agreements} == {(3, 1.0, 0)}
    assert len(server.requests) == 6
    for path, key, body in server.requests:
        assert (path, key) == ("/v1/chat/completions", "Bearer sk-secret")
        assert (body["model"], body["temperature"]) == ("@org/some-model:7b", 0)


def test_the_key_for_openai_goes_nowhere_else(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    judge_cases(connect(f"m@http://127.0.0.1:{server.server_port}/v1"), run(case("a")))
    assert {key for _, key, _ in server.requests} == {"Bearer none"}


def test_a_key_that_an_error_quotes_is_not_reported(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "sk-secret")
    server.refuses = True
    model = connect(f"m@http://127.0.0.1:{server.server_port}/v1")
    judgement = judge_cases(model, run(case("a")))
    assert len(judgement.unscored) == 2
    assert "unknown key Bearer ***" in judgement.unscored[0].reason
    assert "sk-secret" not in repr(judgement)


def test_the_command_judges_and_reports(
    server: Server, engine: EssayQA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESSAYQA_DATA", str(engine.config.data_dir))
    spec = f"m@http://127.0.0.1:{server.server_port}/v1"
    paths = ["--out", str(tmp_path), "--baseline", str(tmp_path / "baseline.json")]
    assert main(["--quick", "--limit", "2", *paths, "--judge", spec]) == 0
    data = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert data["judgement"]["model"] == "m"
    assert len(data["judgement"]["verdicts"]) == len(server.requests) > 0


def test_a_server_that_is_away_leaves_all_unscored(server: Server) -> None:
    port = server.server_port
    server.server_close()
    judgement = judge_cases(connect(f"m@http://127.0.0.1:{port}/v1"), run(case("a")))
    assert [verdict.passed for verdict in judgement.verdicts] == [None, None]
    assert "Connection" in judgement.unscored[0].reason
