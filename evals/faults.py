"""Faults sown into a working engine on purpose, to prove that the metrics see them.

`python -m evals.faults` runs each over a set and prints which metrics caught it.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rich.console import Console
from rich.table import Table

from essayqa import Answer, EssayQA, Passage, Turn

from . import baseline
from .cases import SETS, Case, load
from .quoting import quote_passages, sentences_of, with_sentences
from .results import Results
from .run import Engine, TextDocument, run
from .terminal import bar

SEED = 7
# The passages a dump shows, and those random retrieval finds.
DUMPED = 10
# More than the corpus has, so that a search lists them all.
ALL = 1000

_NUMBER = re.compile(r"(?<![\[\d])\d+(?![\]\d])")
_MARKER = re.compile(r"(?<!\\)\[(\d+)\]")


class Remembered:
    """An engine that answers each question once and then from memory, as every fault asks
    the same."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._answers: dict[tuple[str, tuple[Turn, ...]], Answer] = {}
        self._found: dict[tuple[str, int], list[Passage]] = {}

    @property
    def documents(self) -> Sequence[TextDocument]:
        return self._engine.documents

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        key = (question, tuple(history))
        if key not in self._answers:
            self._answers[key] = self._engine.ask(question, history)
        return self._answers[key]

    def search(self, query: str, k: int = 10) -> list[Passage]:
        if (query, k) not in self._found:
            self._found[query, k] = self._engine.search(query, k)
        return self._found[query, k]


class Faulty:
    """An engine with a fault: each method is replaced by one that is given what the
    working engine says."""

    def __init__(
        self,
        engine: Engine,
        answer: Callable[[Answer], Answer] | None = None,
        found: Callable[[list[Passage]], list[Passage]] | None = None,
    ) -> None:
        self._engine, self._answer, self._found = engine, answer, found

    @property
    def documents(self) -> Sequence[TextDocument]:
        return self._engine.documents

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        answer = self._engine.ask(question, history)
        return self._answer(answer) if self._answer else answer

    def search(self, query: str, k: int = 10) -> list[Passage]:
        passages = self._engine.search(query, k)
        return self._found(passages) if self._found else passages


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to break an engine, and the metrics that must each get worse for it."""

    name: str
    sow: Callable[[Engine], Engine]
    caught_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the suite made of a fault; `regressed` are all the metrics that got worse."""

    fault: Fault
    regressed: tuple[str, ...]
    unscored: int

    @property
    def caught(self) -> bool:
        """Whether each of the metrics it should be caught by got worse."""
        seen = {*self.regressed, *(["unscored"] if self.unscored else [])}
        return set(self.fault.caught_by) <= seen


def shuffled_citations(engine: Engine) -> Engine:
    """Each number stands for what the next one should, as when a list is off by one."""

    def shuffle(answer: Answer) -> Answer:
        shifted = answer.citations[1:] + answer.citations[:1]
        citations = tuple(replace(c, number=n) for n, c in enumerate(shifted, start=1))
        return replace(answer, citations=citations)

    return Faulty(engine, shuffle)


def changed_number(engine: Engine) -> Engine:
    """The first number of each sentence is another; what it cites is left alone."""

    def change(answer: Answer) -> Answer:
        sentences = tuple(replace(s, text=_other_number(s.text)) for s in answer.sentences)
        return with_sentences(answer, sentences, answer.citations)

    return Faulty(engine, change)


def changed_quote(engine: Engine) -> Engine:
    """The first number is another in sentence and quote alike, so that they agree."""

    def change(answer: Answer) -> Answer:
        sentences = tuple(replace(s, text=_other_number(s.text)) for s in answer.sentences)
        citations = tuple(replace(c, quote=_other_number(c.quote)) for c in answer.citations)
        return with_sentences(answer, sentences, citations)

    return Faulty(engine, change)


def random_chunks(engine: Engine) -> Engine:
    """Retrieval finds passages by lot, and the answer is drawn from them."""
    rng = random.Random(SEED)
    everything = _everything(engine)

    def answer(answer: Answer) -> Answer:
        passages = rng.sample(everything, DUMPED)
        count = len(answer.sentences) or 1
        return quote_passages(answer, [p for p in passages if sentences_of(p)][:count], each=1)

    return Faulty(engine, answer, lambda passages: rng.sample(everything, len(passages)))


def always_decline(engine: Engine) -> Engine:
    """Nothing is in the corpus."""
    return Faulty(
        engine,
        lambda answer: replace(
            answer,
            status="declined",
            reason="not_in_corpus",
            text="The sources do not answer this.",
            sentences=(),
            citations=(),
        ),
    )


def never_decline(engine: Engine) -> Engine:
    """What should be declined is answered with the passage that comes nearest."""

    def insist(answer: Answer) -> Answer:
        if answer.status != "declined":
            return answer
        return quote_passages(answer, engine.search(answer.standalone_question, 1), each=2)

    return Faulty(engine, insist)


def dump_everything(engine: Engine) -> Engine:
    """Every sentence of every passage found is the answer."""

    def dump(answer: Answer) -> Answer:
        passages = engine.search(answer.standalone_question, DUMPED)
        return quote_passages(answer, passages)

    return Faulty(engine, dump)


def opinions_as_facts(engine: Engine) -> Engine:
    """Every view is the author's own."""

    def assert_all(answer: Answer) -> Answer:
        sentences = tuple(replace(s, voice="author") for s in answer.sentences)
        return replace(answer, sentences=sentences)

    return Faulty(engine, assert_all)


def dangling_markers(engine: Engine) -> Engine:
    """The text's markers are numbered from where the retrieved passages ended."""

    def renumber(answer: Answer) -> Answer:
        text = _MARKER.sub(lambda m: f"[{int(m[1]) + DUMPED}]", answer.text)
        return replace(answer, text=text)

    return Faulty(engine, renumber)


def raising(engine: Engine) -> Engine:
    """The call fails for some of the questions."""

    def fail(answer: Answer) -> Answer:
        if len(answer.question) % 3 == 0:
            raise ConnectionError("the server is away")
        return answer

    return Faulty(engine, fail)


FAULTS = (
    Fault("citations shuffled by one", shuffled_citations, ("citation_recall",)),
    Fault("a number changed in the sentence", changed_number, ("citation_recall",)),
    Fault("a number changed in sentence and quote", changed_quote, ("verbatim",)),
    Fault("retrieval returns random chunks", random_chunks, ("recall@10", "evidence_recall")),
    Fault("always declines", always_decline, ("answered_right",)),
    Fault("never declines", never_decline, ("declined_right",)),
    Fault("dumps everything", dump_everything, ("citation_precision", "answer_words")),
    Fault("opinions shown as facts", opinions_as_facts, ("opinion_as_fact",)),
    Fault("markers point at nothing", dangling_markers, ("markers",)),
    Fault("calls fail", raising, ("unscored",)),
)
HEALTHY = Fault("none", lambda engine: engine, ())


def examine(
    engine: Engine,
    cases: Sequence[Case],
    faults: Sequence[Fault] = FAULTS,
    progress: Callable[[int, int], None] | None = None,
) -> list[Verdict]:
    """Each fault's verdict against the engine as it is."""
    remembered = Remembered(engine)
    before = baseline.values(run(remembered, cases, progress))
    return [_verdict(fault, run(fault.sow(remembered), cases), before) for fault in faults]


def table(verdicts: Sequence[Verdict]) -> Table:
    """Which metric caught which fault."""
    made = Table(title="Seeded faults", title_justify="left")
    for column in ("fault", "caught", "by", "also worse"):
        made.add_column(column)
    for verdict in verdicts:
        named = verdict.fault.caught_by
        others = [name for name in verdict.regressed if name not in named]
        caught = "[green]yes[/]" if verdict.caught else "[red]no[/]"
        made.add_row(verdict.fault.name, caught, ", ".join(named), ", ".join(others))
    return made


def _verdict(fault: Fault, results: Results, before: baseline.Baseline) -> Verdict:
    compared = baseline.compare(results, before)
    regressed = tuple(comparison.name for comparison in compared if comparison.regressed)
    return Verdict(fault, regressed, len(results.unscored))


def _everything(engine: Engine) -> list[Passage]:
    return engine.search("the", ALL)


def _other_number(text: str) -> str:
    return _NUMBER.sub(lambda m: str(int(m[0]) + 7), text, count=1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; exit 1 when a fault goes unseen."""
    parser = argparse.ArgumentParser(prog="python -m evals.faults", description=__doc__)
    parser.add_argument("--set", default="fast", choices=sorted(SETS), help="which cases")
    options = parser.parse_args(arguments)
    with bar("Asking", Console(stderr=True)) as progress:
        verdicts = examine(EssayQA(), load(options.set), (HEALTHY, *FAULTS), progress)
    Console().print(table(verdicts))
    return int(not all(verdict.caught for verdict in verdicts) or bool(verdicts[0].regressed))


if __name__ == "__main__":
    sys.exit(main())
