"""The command as a shell user or a script meets it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

import pytest
from conftest import MakeCorpus

import essayqa
from essayqa import EssayQA

ANSWER_KEYS = {
    "question",
    "standalone_question",
    "status",
    "reason",
    "text",
    "sentences",
    "citations",
    "nearest",
    "model",
    "timings_ms",
}
Done = subprocess.CompletedProcess[str]


class Run(Protocol):
    def __call__(self, *args: str | Path, stdin: str = "", **environ: str) -> Done: ...


@pytest.fixture
def run(engine: EssayQA, tmp_path: Path) -> Run:
    """Runs the command in an empty folder, over the index of the whole test run."""

    def run(*args: str | Path, stdin: str = "", **environ: str) -> Done:
        return subprocess.run(
            [sys.executable, "-m", "essayqa", *map(str, args)],
            env={**os.environ, "ESSAYQA_DATA": str(engine.config.data_dir), **environ},
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=100,
        )

    return run


@pytest.fixture
def bells(make_corpus: MakeCorpus) -> Path:
    """A corpus that is indexed in no time."""
    return make_corpus({"bells.md": "# Bells\n\nThe bell rings at seven.\n"})


def one_line(done: Done) -> str:
    """The error of a failed run: nothing on standard output, one line, no traceback."""
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("essayqa: ")
    return line


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def jsonl(path: Path, *lines: Any) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def read_jsonl(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_ask_prints_the_answer_and_its_sources(run: Run) -> None:
    done = run("ask", "How much is trade between Moscow and Beijing worth?")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "Trade between Moscow and Beijing now tops $200bn. [" in done.stdout
    assert "Sources" in done.stdout


def test_ask_json_is_exactly_the_answer(run: Run, engine: EssayQA) -> None:
    done = run("ask", "Why", "won't", "it", "work?", "--json")  # quotes are optional
    assert done.returncode == 0
    assert done.stderr == ""
    data = json.loads(done.stdout)
    assert set(data) == ANSWER_KEYS
    texts = {d.id: d.text for d in engine.documents}
    assert data["citations"]
    for citation in data["citations"]:
        assert set(citation) == {
            "number",
            "document_id",
            "title",
            "kind",
            "heading",
            "start",
            "end",
            "quote",
            "url",
        }
        span = texts[citation["document_id"]][citation["start"] : citation["end"]]
        assert span == citation["quote"]
    for sentence in data["sentences"]:
        assert set(sentence) == {"text", "citations", "support", "voice", "claim"}
    del data["timings_ms"]
    expected = engine.ask("Why won't it work?").to_dict()
    del expected["timings_ms"]
    assert data == expected


def test_essay_only_reaches_the_answer(run: Run) -> None:
    done = run("ask", "--json", "--essay-only", "How much of Russia's reserves was frozen?")
    data = json.loads(done.stdout)
    assert {c["kind"] for c in data["citations"] + data["nearest"]} <= {"essay"}


def test_a_batch_keeps_ids_order_and_history(run: Run, bells: Path, tmp_path: Path) -> None:
    batch = jsonl(
        tmp_path / "in.jsonl",
        {"id": "first", "question": "When does the bell ring?"},
        {"question": "Who painted the Mona Lisa?"},
        {"id": None, "question": "hello", "history": None, "extra": 1},
        {"id": {"n": 4}, "question": "why?", "history": [{"question": "When does it ring?"}]},
        {
            "id": 5,
            "question": "When?",
            "history": [{"question": "Does the bell ring?", "answer": "Yes"}],
        },
    )
    batch.write_text(batch.read_text().replace("\n", "\r\n", 1) + "\n  \n")
    out = tmp_path / "out.jsonl"
    done = run("ask", "--batch", batch, "--out", out, "--corpus", bells)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    answers = read_jsonl(out.read_text())
    assert all(set(a) == ANSWER_KEYS | {"id"} for a in answers)
    assert [a["id"] for a in answers] == ["first", 2, None, {"n": 4}, 5]
    assert [a["status"] for a in answers[:3]] == ["answered", "declined", "declined"]
    assert answers[2]["reason"] == "not_a_question"
    assert answers[3]["standalone_question"] == "When does it ring? why?"
    assert "bell ring" in answers[4]["standalone_question"]
    assert answers[4]["question"] == "When?"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["corpus", "in.jsonl", "out.jsonl"]


def test_a_batch_goes_from_standard_input_to_standard_output(run: Run, bells: Path) -> None:
    line = json.dumps({"id": 1, "question": "When does the bell ring?"})
    done = run("ask", "--batch", "-", "--corpus", bells, stdin=line)
    assert done.returncode == 0
    (answer,) = read_jsonl(done.stdout)
    assert answer["citations"][0]["quote"] == "The bell rings at seven."


def test_an_empty_batch_gives_an_empty_file(run: Run, bells: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    done = run("ask", "--batch", jsonl(tmp_path / "in.jsonl"), "--out", out, "--corpus", bells)
    assert done.returncode == 0
    assert out.read_text() == ""


@pytest.mark.parametrize(
    "bad",
    [
        "{not json",
        '"just text"',
        "{}",
        '{"question": ""}',
        '{"question": 7}',
        '{"question": "Why?", "history": "none"}',
        '{"question": "Why?", "history": [{"answer": "Yes."}]}',
        '{"question": "Why?", "history": [{"question": "Who?", "answer": 1}]}',
        json.dumps({"question": "why " * 600}),
        json.dumps({"question": "half a \ud800 character"}),
    ],
)
def test_a_bad_batch_line_is_named_and_the_output_is_untouched(
    run: Run, tmp_path: Path, bad: str
) -> None:
    batch, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    batch.write_text('{"question": "Why?"}\n\n' + bad + "\n")
    out.write_text("yesterday's")
    done = run("ask", "--batch", batch, "--out", out)
    assert done.returncode == 2
    line = one_line(done)
    assert "in.jsonl" in line
    assert "line 3" in line
    assert out.read_text() == "yesterday's"
    assert {p.name for p in tmp_path.iterdir()} == {"in.jsonl", "out.jsonl"}


def test_a_failure_midway_leaves_the_old_output_and_no_litter(
    run: Run, bells: Path, tmp_path: Path
) -> None:
    batch = jsonl(tmp_path / "in.jsonl", {"question": "When does the bell ring?"})
    out = tmp_path / "out.jsonl"
    out.write_text("yesterday's")
    url = f"http://127.0.0.1:{closed_port()}"
    done = run("ask", "--batch", batch, "--out", out, "--corpus", bells, ESSAYQA_CHROMA_URL=url)
    assert done.returncode == 1
    assert url in one_line(done)
    assert out.read_text() == "yesterday's"
    assert {p.name for p in tmp_path.iterdir()} == {"corpus", "in.jsonl", "out.jsonl"}


@pytest.mark.parametrize(
    "args",
    [
        ("ask", ""),
        ("search", ""),
        ("ask", "Why?", "--corpus", "no-such-folder"),
        ("search", "why", "--corpus", "no-such-folder"),
        ("sources", "--corpus", "no-such-folder"),
        ("index", "--corpus", "no-such-folder"),
        ("ask", "--batch", "no-such-file.jsonl"),
        ("ask", "--batch", "."),
    ],
)
def test_bad_input_is_exit_2_in_one_line(run: Run, args: tuple[str, ...]) -> None:
    done = run(*args)
    assert done.returncode == 2
    line = one_line(done)
    if "no-such" in args[-1]:
        assert args[-1] in line


@pytest.mark.parametrize(
    "args",
    [
        ("ask",),
        ("ask", "Why?", "--batch", "x.jsonl"),
        ("ask", "Why?", "--out", "x.jsonl"),
        ("search", "x", "-k", "0"),
        ("serve", "--port", "70000"),
        ("nonsense",),
        ("ask", "Why?", "--nonsense"),
    ],
)
def test_bad_usage_is_exit_2_without_a_traceback(run: Run, args: tuple[str, ...]) -> None:
    done = run(*args)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value"), [("ESSAYQA_THREADS", "many"), ("ESSAYQA_CHROMA_URL", "localhost:8000")]
)
def test_a_bad_setting_is_exit_2_and_named(run: Run, name: str, value: str) -> None:
    done = run("ask", "Why?", **{name: value})
    assert done.returncode == 2
    assert value in one_line(done)


def test_a_chroma_server_that_is_down_is_exit_1_in_one_line(run: Run) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    done = run("ask", "Why won't it work?", ESSAYQA_CHROMA_URL=url)
    assert done.returncode == 1
    assert url in one_line(done)
    debug = run("ask", "Why won't it work?", "--debug", ESSAYQA_CHROMA_URL=url)
    assert debug.returncode == 1
    assert "Traceback" in debug.stderr
    assert debug.stderr.splitlines()[-1].startswith("essayqa: ")
    assert debug.stdout == ""


def test_a_question_that_is_not_utf8_is_no_unexpected_error(run: Run) -> None:
    # A shell in another encoding, or a paste cut within a character.
    done = run("ask", b"caf\xe9 why not?".decode("utf-8", "surrogateescape"))
    assert "unexpected" not in done.stderr
    assert done.returncode in (0, 2)


def test_search_json_points_into_the_documents(run: Run, engine: EssayQA) -> None:
    done = run("search", "malacca", "-k", "3", "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    passages = json.loads(done.stdout)
    assert len(passages) == 3
    texts = {d.id: d.text for d in engine.documents}
    for p in passages:
        keys = {"document_id", "title", "kind", "heading", "start", "end", "text", "score"}
        assert set(p) == keys
        assert texts[p["document_id"]][p["start"] : p["end"]] == p["text"]
        assert 0 <= p["score"] <= 1


def test_index_says_whether_it_built_and_progress_is_not_on_stdout(
    run: Run, bells: Path, tmp_path: Path
) -> None:
    env = {"ESSAYQA_DATA": str(tmp_path / "data"), "ESSAYQA_CORPUS": str(bells)}
    for args, said in (((), "built"), ((), "up to date"), (("--rebuild",), "built")):
        done = run("index", *args, **env)
        assert done.returncode == 0, done.stderr
        (line,) = done.stdout.splitlines()
        assert line.startswith(said)
        assert "1 chunks of 1 documents" in line
        assert str(tmp_path / "data") in line
    assert "Building" in done.stderr


def test_a_first_question_builds_with_clean_standard_output(
    run: Run, bells: Path, tmp_path: Path
) -> None:
    done = run(
        "ask",
        "--json",
        "When does the bell ring?",
        "--corpus",
        bells,
        ESSAYQA_DATA=str(tmp_path / "new"),
    )
    assert json.loads(done.stdout)["status"] == "answered"
    assert "Building the index" in done.stderr


def test_index_rebuild_mends_a_damaged_store(run: Run, bells: Path, tmp_path: Path) -> None:
    env = {"ESSAYQA_DATA": str(tmp_path / "data"), "ESSAYQA_CORPUS": str(bells)}
    run("index", **env)
    (tmp_path / "data" / "chroma" / "chroma.sqlite3").write_bytes(b"garbage" * 1000)
    failed = run("ask", "When does the bell ring?", **env)
    assert failed.returncode == 1
    assert "essayqa index --rebuild" in one_line(failed)
    done = run("index", "--rebuild", **env)
    assert done.returncode == 0, done.stderr
    assert run("ask", "When does the bell ring?", **env).returncode == 0


def test_sources_lists_the_corpus(run: Run, engine: EssayQA) -> None:
    listed = json.loads(run("sources", "--json").stdout)
    assert [d["id"] for d in listed] == [d.id for d in engine.documents]
    assert listed[0]["kind"] == "essay"
    text = run("sources").stdout
    assert all(d.title in text for d in engine.documents)


def test_a_chat_remembers_what_was_asked(run: Run) -> None:
    asked = "What is trade between Moscow and Beijing worth?\nAnd why?\n\n"
    done = run("chat", stdin=asked)
    assert done.returncode == 0
    assert "tops $200bn" in done.stdout
    assert "Read as: What is trade between Moscow and Beijing worth? And why?" in done.stdout
    assert run("chat", stdin="").stdout == ""


def test_verify_checks_a_batch_of_pairs(run: Run, tmp_path: Path) -> None:
    evidence = "Trade between Moscow and Beijing now tops $200bn."
    pairs = [
        {"id": "same", "claim": evidence, "evidence": evidence},
        {"claim": "Trade between Moscow and Beijing now tops $900bn.", "evidence": [evidence]},
        {"claim": "Trade between Moscow and Beijing now tops $200bn.", "evidence": []},
    ]
    (tmp_path / "pairs.jsonl").write_text("\n".join(json.dumps(pair) for pair in pairs))
    done = run("verify", "--batch", tmp_path / "pairs.jsonl", "--out", tmp_path / "out.jsonl")
    assert (done.returncode, done.stdout) == (0, "")
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["supported"] for line in found] == [True, False, False]
    assert [set(line) for line in found] == [
        {"id", "supported", "score"},
        *[{"supported", "score"}] * 2,
    ]
    assert all(0 <= line["score"] <= 1 for line in found)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"claim": "x"}',
        '{"claim": "...", "evidence": "x"}',
        '{"claim": "x", "evidence": 1}',
    ],
)
def test_a_pair_that_cannot_be_checked_is_named(run: Run, tmp_path: Path, line: str) -> None:
    good = '{"claim": "It rains.", "evidence": "It rains."}'
    (tmp_path / "pairs.jsonl").write_text(f"{good}\n{line}\n")
    done = run("verify", "--batch", tmp_path / "pairs.jsonl", "--out", tmp_path / "out.jsonl")
    assert done.returncode == 2
    assert "line 2" in done.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_claims_lists_the_ledger(run: Run, engine: EssayQA) -> None:
    listed = json.loads(run("claims", "--json").stdout)
    assert listed == [claim.to_dict() for claim in engine.claims()]
    texts = {d.id: d.text for d in engine.documents}
    for claim in listed:
        for quote in (claim["quote"], *claim["given"], *claim["support"], *claim["against"]):
            assert texts[quote["document_id"]][quote["start"] : quote["end"]] == quote["quote"]
    text = run("claims").stdout
    assert all(claim.id in text for claim in engine.claims())


def test_a_corpus_without_a_ledger_says_how_to_begin_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("The pier is long. The pier will close.")
    done = run("claims", "--corpus", tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "--draft" in done.stderr
    drafted = run("claims", "--draft", "--corpus", tmp_path).stdout
    (tmp_path / "claims.yaml").write_text(drafted)
    assert "The pier will close." in run("claims", "--corpus", tmp_path).stdout


def test_doctor_passes_a_healthy_set_up(run: Run, tmp_path: Path) -> None:
    done = run("doctor")
    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout
    assert "up to date" in done.stdout
    # It looks and changes nothing.
    empty = run("doctor", ESSAYQA_DATA=str(tmp_path / "none"))
    assert empty.returncode == 0
    assert "not built yet" in empty.stdout
    assert list(tmp_path.iterdir()) == []


def test_doctor_names_the_part_that_fails_and_exits_1(
    run: Run, bells: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    (data / "chroma").mkdir(parents=True)
    (data / "chroma" / "chroma.sqlite3").write_bytes(b"garbage" * 1000)
    done = run("doctor", "--corpus", bells, ESSAYQA_DATA=str(data))
    assert done.returncode == 1
    failed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert failed == ["index:"]
    assert "Traceback" not in done.stderr
    done = run("doctor", "--corpus", tmp_path / "none")
    assert done.returncode == 1
    assert "FAIL  corpus" in done.stdout
    assert "ok    embedder" in done.stdout


@pytest.mark.parametrize("command", ["", "ask", "search", "index", "sources", "doctor", "serve"])
def test_help_exits_0(run: Run, command: str) -> None:
    done = run(*command.split(), "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_control_characters_in_a_document_do_not_reach_the_terminal(
    run: Run, make_corpus: MakeCorpus
) -> None:
    corpus = make_corpus({"a.md": "The bell rings \x1b[2Jat seven \x07o'clock.\n"})
    for args in (("ask", "When does the bell ring?"), ("search", "bell")):
        done = run(*args, "--corpus", corpus)
        assert done.returncode == 0
        assert "\x1b" not in done.stdout
        assert "\x07" not in done.stdout


def test_a_closed_pipe_is_no_traceback(engine: EssayQA, bells: Path) -> None:
    # `essayqa sources | head -1`
    shell = shutil.which("bash")
    if not shell:
        pytest.skip("needs bash")
    done = subprocess.run(
        [shell, "-c", f"'{sys.executable}' -m essayqa sources --json | head -c 1"],
        env={**os.environ, "ESSAYQA_DATA": str(engine.config.data_dir)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr


def test_the_module_and_the_script_are_one_command() -> None:
    script = Path(sys.executable).with_name("essayqa")
    done = subprocess.run([script, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert Path(essayqa.__file__).is_file()
