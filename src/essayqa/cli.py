"""The `essayqa` command. Answers go to standard output, progress and errors to standard error."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from .config import Config
from .errors import EssayQAError, InputError
from .progress import Bar
from .types import Answer, Turn

if TYPE_CHECKING:
    from .engine import EssayQA

app = typer.Typer(
    help="Ask one essay, and be shown the exact words that answer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Corpus = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of .md and .txt files to use instead of the essay."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show a traceback if something fails.")]
EssayOnly = Annotated[bool, typer.Option("--essay-only", help="Leave background sources out.")]

_state = {"debug": False}


@app.command(
    epilog='essayqa ask "Why won\'t it work?"  ·  '
    "essayqa ask --batch questions.jsonl --out answers.jsonl"
)
def ask(
    question: Annotated[list[str] | None, typer.Argument(help="The question.")] = None,
    batch: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='Answer a file of lines {"id", "question", "history": [{"question", "answer"}]}.',
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where a batch's answers go, as JSON lines.")
    ] = None,
    essay_only: EssayOnly = False,
    as_json: Json = False,
    corpus: Corpus = None,
    debug: Debug = False,
) -> None:
    """Answer a question, with the sentences that say so."""
    _state["debug"] = debug
    if bool(question) == bool(batch):
        raise typer.BadParameter("give a question, or --batch FILE")
    if out and not batch:
        raise typer.BadParameter("--out goes with --batch; for one question use --json")
    config = Config.from_env(corpus=corpus)
    if batch:
        _answer_batch(config, batch, out, essay_only)
        return
    from .render import to_json, to_text

    answer = _engine(config).ask(" ".join(question or []), essay_only=essay_only)
    typer.echo(to_json(answer) if as_json else to_text(answer))


@app.command(epilog="essayqa search malacca -k 3")
def search(
    query: Annotated[list[str], typer.Argument(help="Words to look for.")],
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many passages.")] = 10,
    essay_only: EssayOnly = False,
    as_json: Json = False,
    corpus: Corpus = None,
    debug: Debug = False,
) -> None:
    """List the passages nearest to a query, best first."""
    _state["debug"] = debug
    passages = _engine(Config.from_env(corpus=corpus)).search(
        " ".join(query), k, essay_only=essay_only
    )
    if as_json:
        _print_json([passage.to_dict() for passage in passages])
        return
    from .render import passage_text

    for passage in passages:
        typer.echo(passage_text(passage))


@app.command(epilog="essayqa chat")
def chat(essay_only: EssayOnly = False, corpus: Corpus = None, debug: Debug = False) -> None:
    """Ask one question after another; an empty line ends it."""
    _state["debug"] = debug
    from .render import to_text

    engine = _engine(Config.from_env(corpus=corpus))
    turns: list[Turn] = []
    print("Ask about the essay; an empty line ends it.", file=sys.stderr)
    while question := _ask_line():
        try:
            answer = engine.ask(question, turns, essay_only=essay_only)
        except InputError as error:
            print(f"essayqa: {error}", file=sys.stderr)
            continue
        typer.echo(to_text(answer))
        turns.append(Turn(question, answer.text))


def _ask_line() -> str:
    print("> ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


@app.command(epilog="essayqa verify --batch pairs.jsonl --out checked.jsonl")
def verify(
    batch: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help='Pairs to check, lines of {"claim", "evidence"}; evidence is a text or a list.',
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the findings go, as JSON lines.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Check whether evidence bears out claims: {"supported", "score"} for each pair."""
    _state["debug"] = debug
    from .engine import load_support

    check = load_support(Config.from_env())
    pairs = [_pair(*line) for line in _read_lines(batch)]

    def write(file: TextIO) -> None:
        with Bar("Checking") as bar:
            for done, (known, claim, evidence) in enumerate(pairs, start=1):
                score = check.score(claim, evidence)
                found = {**known, "supported": score >= 0.5, "score": round(score, 4)}
                file.write(json.dumps(found, ensure_ascii=False) + "\n")
                bar(done, len(pairs))

    _write_whole(out, write)


def _pair(number: int, data: Any, where: str) -> tuple[dict[str, Any], str, list[str]]:
    """A line's id if it has one, its claim and its evidence."""
    claim, evidence = (
        data.get(key) if isinstance(data, dict) else None for key in ("claim", "evidence")
    )
    evidence = [evidence] if isinstance(evidence, str) else evidence
    if (
        not isinstance(claim, str)
        or not any(c.isalnum() for c in claim)
        or not isinstance(evidence, list)
        or not all(isinstance(text, str) for text in evidence)
    ):
        raise InputError(f'{where}: a line needs a text "claim" and "evidence", a text or a list')
    return ({"id": data["id"]} if "id" in data else {}), claim, evidence


@app.command(epilog="essayqa index --rebuild")
def index(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build it anew, also when it looks fine.")
    ] = False,
    corpus: Corpus = None,
    debug: Debug = False,
) -> None:
    """Build the index, or say that it is up to date."""
    _state["debug"] = debug
    config = Config.from_env(corpus=corpus)
    from .index import where

    built: list[int] = []
    with Bar("Building the index") as bar:

        def progress(done: int, total: int) -> None:
            built.append(done)
            bar(done, total)

        engine = _new_engine(config, progress)
        started = time.perf_counter()
        if rebuild:
            engine.rebuild()
        else:
            engine.open()
    seconds = time.perf_counter() - started
    done = f"built in {seconds:.1f} s" if built else "up to date"
    typer.echo(
        f"{done}: {len(engine.index.chunks)} chunks of {len(engine.documents)} documents, "
        f"{engine.index.name} in {where(config)}"
    )


@app.command(epilog="essayqa sources --json")
def sources(as_json: Json = False, corpus: Corpus = None, debug: Debug = False) -> None:
    """List the documents that answers are drawn from."""
    _state["debug"] = debug
    from .corpus import load_corpus
    from .render import document_text

    documents = load_corpus(Config.from_env(corpus=corpus).corpus)
    if as_json:
        _print_json([document.to_dict() for document in documents])
        return
    for document in documents:
        typer.echo(document_text(document))


@app.command(
    epilog="essayqa claims --json  ·  essayqa claims --draft --corpus DIR > DIR/claims.yaml"
)
def claims(
    draft: Annotated[
        bool,
        typer.Option("--draft", help="Propose a claims.yaml for a person to review, and print it."),
    ] = False,
    as_json: Json = False,
    corpus: Corpus = None,
    debug: Debug = False,
) -> None:
    """List what the essay claims, and what other sources say of each claim."""
    _state["debug"] = debug
    engine = _engine(Config.from_env(corpus=corpus))
    if draft:
        typer.echo(engine.draft_claims(), nl=False)
        return
    found = engine.claims()
    if as_json:
        _print_json([claim.to_dict() for claim in found])
        return
    from .render import claim_text

    if not found:
        print("this corpus has no claims.yaml; --draft proposes one", file=sys.stderr)
    for claim in found:
        typer.echo(claim_text(claim))


@app.command(epilog="essayqa doctor")
def doctor(corpus: Corpus = None, debug: Debug = False) -> None:
    """Check the corpus, the models and the index, and say how to mend what is wrong."""
    _state["debug"] = debug
    from .doctor import examine

    healthy = True
    for check in examine(Config.from_env(corpus=corpus)):
        typer.echo(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.detail}")
        healthy = healthy and check.ok
    if not healthy:
        raise typer.Exit(1)


@app.command(epilog="essayqa serve --port 7861")
def serve(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port; 7860 or the next free one.")
    ] = None,
    browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    corpus: Corpus = None,
    debug: Debug = False,
) -> None:
    """Open the chat page on this machine."""
    _state["debug"] = debug
    from .ui import serve as serve_page

    serve_page(_engine(Config.from_env(corpus=corpus)), port=port, open_browser=browser)


@app.command(
    "eval",
    epilog="essayqa eval --set fast",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def evaluate(context: typer.Context) -> None:
    """Ask the eval cases and report how good the answers are; --help lists the options."""
    import importlib

    checkout = Path(__file__).parents[2]
    if not (checkout / "evals" / "__main__.py").is_file():
        raise InputError("the evals come with the source, not the package: run it in a checkout")
    sys.path.insert(0, str(checkout))
    raise typer.Exit(importlib.import_module("evals.__main__").main(context.args))


def main() -> None:
    """Run the command; an error becomes one line and an exit code, 2 for bad input and 1
    for anything else."""
    try:
        app()
    except EssayQAError as error:
        _fail(str(error), error.exit_code)
    except Exception as error:  # the last resort, so that no user meets a traceback
        _fail(f"unexpected {type(error).__name__}: {error}; --debug shows where", 1)


def _fail(message: str, code: int) -> None:
    if _state["debug"]:
        import traceback

        traceback.print_exc()
    print(f"essayqa: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


def _new_engine(config: Config, progress: Any) -> EssayQA:
    from .engine import EssayQA

    return EssayQA(config, progress=progress)


def _engine(config: Config) -> EssayQA:
    """An opened engine, its index built under a progress bar if there was none."""
    with Bar("Building the index") as bar:
        return _new_engine(config, bar).open()


def _print_json(data: Any) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False))


def _answer_batch(config: Config, batch: Path, out: Path | None, essay_only: bool) -> None:
    # The whole file is checked before the first answer, so bad input costs nothing.
    items = _read_batch(batch)
    _write_whole(out, lambda file: _write_answers(config, items, essay_only, file))


def _write_whole(out: Path | None, write: Callable[[TextIO], None]) -> None:
    """Writes to `out`, which changes only once all is there, or to standard output."""
    if out is None:
        write(sys.stdout)
        return
    part = out.with_name(out.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            write(file)
        os.replace(part, out)
    except OSError as error:
        raise InputError(f"{str(out)!r} cannot be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def _write_answers(
    config: Config, items: list[tuple[Any, str, list[Turn]]], essay_only: bool, file: TextIO
) -> None:
    engine = _engine(config)
    with Bar("Answering") as bar:
        for done, (item_id, question, history) in enumerate(items, start=1):
            answer: Answer = engine.ask(question, history, essay_only=essay_only)
            line = {"id": item_id, **answer.to_dict()}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            bar(done, len(items))


def _read_batch(path: Path) -> list[tuple[Any, str, list[Turn]]]:
    """The lines of a batch as (id, question, history); a line without an id gets its
    number. Raises `InputError` naming the first line that cannot be used."""
    from .question import understand

    items = []
    for number, data, where in _read_lines(path):
        try:
            item = _batch_item(data, number)
            understand(item[1], item[2])
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        items.append(item)
    return items


def _read_lines(path: Path) -> Iterator[tuple[int, Any, str]]:
    """The number and JSON of each line of a file, "-" for standard input, and how to name
    the line in an error."""
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{str(path)!r} is not UTF-8") from None
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{str(path)!r}, line {number}"
        try:
            yield number, json.loads(line), where
        except ValueError as error:
            raise InputError(f"{where}: {error}") from None


def _batch_item(data: Any, number: int) -> tuple[Any, str, list[Turn]]:
    if not isinstance(data, dict) or not isinstance(data.get("question"), str):
        raise InputError('a line must be an object with a text "question"')
    history = data.get("history") or []
    if not isinstance(history, list):
        raise InputError('"history" must be a list of {"question", "answer"}')
    turns = []
    for turn in history:
        if not isinstance(turn, dict) or not isinstance(turn.get("question"), str):
            raise InputError('each turn of "history" needs a text "question"')
        answer = turn.get("answer")
        if not isinstance(answer, str | None):
            raise InputError('the "answer" of a turn must be text')
        turns.append(Turn(turn["question"], answer or ""))
    return data.get("id", number), data["question"], turns


if __name__ == "__main__":
    main()
