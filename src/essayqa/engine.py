"""EssayQA: owns the corpus, the index and the models, and composes the stages."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from .chunks import CHUNKER_VERSION, chunk_document
from .claims import load_claims
from .compose import compose, compose_whole, likely
from .config import Config
from .corpus import load_corpus
from .drafting import draft_ledger
from .errors import ModelError
from .evidence import Evidence, drop_evidence, open_evidence
from .generate import faithful, messages, proposed, restating, sources_of
from .index import Index, drop_index, index_name, open_index
from .ledger import consult
from .llms import LanguageModel
from .models import (
    OnnxAligner,
    OnnxEmbedder,
    OnnxReranker,
    load_check,
    load_embedder,
    load_reranker,
)
from .progress import Bar
from .question import understand
from .retrieve import rerank, retrieve
from .spelling import speller
from .support import Support
from .types import (
    Answer,
    Claim,
    Document,
    Draft,
    DraftSentence,
    Dropped,
    Embedder,
    Event,
    Judgement,
    Passage,
    Question,
    Reranker,
    Retrieved,
    SupportCheck,
    Turn,
)
from .verify import Assembly, in_order, supporting
from .wanted import read_request

Progress = Callable[[int, int], None]
# How likely the essay must be to speak of what a question about claims names.
NAMES = 0.05
# How surely what a model wrote must say what a quote says for the quote to be left out.
SAID = 0.9
# How many sentences a language model is shown: a small one loses its way among more.
SOURCES = 10


@dataclass(frozen=True, slots=True)
class _Opened:
    documents: dict[str, Document]
    index: Index
    evidence: Evidence
    # The corpus's one essay; None when there are several, or none.
    essay: Document | None
    claims: tuple[Claim, ...]
    spell: Callable[[str], str]

    @property
    def topic(self) -> str:
        """What an unsaid "it" means."""
        return self.essay.topic if self.essay else ""


class EssayQA:
    """Answers questions about a corpus. Safe to call from several threads.

    Nothing is loaded until first needed; then the corpus is read once and its index
    opened, or built if there is none (`progress(done, total)` counts texts read). A corpus
    changed on disk is seen by the next `EssayQA`. `embedder` and `reranker` replace the
    ones `config` names. Methods raise `EssayQAError`s; nothing fails into "not found".
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        embedder: Embedder | None = None,
        reranker: Reranker | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.config = config or Config.from_env()
        self._embedder = embedder or load_embedder(self.config)
        self._reranker = reranker or load_reranker(self.config)
        self._llm = (
            LanguageModel(self.config.llm, self.config.llm_seconds) if self.config.llm else None
        )
        self._support = load_support(self.config)
        self._progress = progress
        self._lock = threading.Lock()
        self._opened: _Opened | None = None

    def ask(
        self, question: str, history: Sequence[Turn] = (), *, essay_only: bool = False
    ) -> Answer:
        """The verified answer to `question`, read after the turns of `history`.

        `essay_only` keeps background sources out. Raises `InputError` for an empty or
        overlong question.
        """
        *_, answer = self.stream(question, history, essay_only=essay_only)
        assert isinstance(answer, Answer)
        return answer

    def stream(
        self,
        question: str,
        history: Sequence[Turn] = (),
        *,
        essay_only: bool = False,
        cancelled: threading.Event | None = None,
    ) -> Iterator[Event]:
        """An answer as it is made: `Retrieved`, a `Shown` for each sentence once it is
        proved, `Dropped` for what a language model wrote in vain, and the `Answer`.

        Setting `cancelled`, or closing the iterator, stops the language model.
        """
        clock = _Clock()
        opened = self._open()
        asked = self._understand(opened, question, history, essay_only, cancelled)
        clock.lap("question")
        draft, judgements = self._draft(opened, asked, clock)
        clock.lap("compose")
        assembly = Assembly(opened.documents, opened.claims)
        problem = None
        if self._llm and draft.sentences and judgements:
            shown: list[str] = []
            pieces = self._written(asked, draft, judgements, assembly, shown, cancelled)
            try:
                yield from pieces
            except ModelError as error:
                problem = str(error)
            clock.lap("generate")
            left = [d for d in in_order(draft) if not self._says(shown, d)]
            if not shown:
                problem = problem or f"nothing that {self._llm.id} wrote could be verified"
            draft = replace(
                draft, sentences=tuple(left), model=self._llm.id if shown else draft.model
            )
        else:
            yield Retrieved()
        for drafted in in_order(draft):
            yield assembly.shown(assembly.quote(drafted))
        yield assembly.answer(asked, draft, clock.total(), problem)

    async def aask(
        self, question: str, history: Sequence[Turn] = (), *, essay_only: bool = False
    ) -> Answer:
        """`ask` for asyncio. Cancelling the task stops the language model."""
        events = [e async for e in self.astream(question, history, essay_only=essay_only)]
        assert isinstance(events[-1], Answer)
        return events[-1]

    async def astream(
        self, question: str, history: Sequence[Turn] = (), *, essay_only: bool = False
    ) -> AsyncIterator[Event]:
        """`stream` for asyncio, run in a thread. Cancelling the task stops the model."""
        cancelled = threading.Event()
        events = self.stream(question, history, essay_only=essay_only, cancelled=cancelled)
        try:
            while (event := await asyncio.to_thread(next, events, None)) is not None:
                yield event
        finally:
            cancelled.set()

    def _understand(
        self,
        opened: _Opened,
        question: str,
        history: Sequence[Turn],
        essay_only: bool,
        cancelled: threading.Event | None,
    ) -> Question:
        settings: dict[str, Any] = {
            "topic": opened.topic,
            "essay_only": essay_only,
            "spell": opened.spell,
        }
        asked = understand(question, history, **settings)
        if self._llm and history and asked.asks and asked.standalone != asked.text:
            try:
                reply = "".join(self._llm.reply(restating(asked.text, history), cancelled))
            except ModelError:
                return asked  # what the deterministic reading is for
            if restated := faithful(reply, asked.text, history):
                return replace(understand(restated, **settings), text=asked.text)
        return asked

    def _written(
        self,
        asked: Question,
        draft: Draft,
        judgements: Sequence[Judgement],
        assembly: Assembly,
        shown: list[str],
        cancelled: threading.Event | None,
    ) -> Iterator[Event]:
        """What the language model writes, each sentence checked first; the texts of those
        that pass are added to `shown`."""
        assert self._llm
        sources = sources_of([*draft.sentences, *likely(judgements)])[:SOURCES]
        every = [source.drafted for source in sources]
        yield Retrieved(assembly.locate(every))
        pieces = self._llm.reply(messages(asked.standalone, sources), cancelled)
        for sentence in proposed(pieces, sources):
            if sentence.text in shown:
                continue  # small models go round in circles
            support = supporting(sentence, every, self._support)
            if not support:
                yield Dropped(sentence.text)
                continue
            shown.append(sentence.text)
            yield assembly.shown(assembly.write(sentence.text, support))

    def _says(self, shown: Sequence[str], drafted: DraftSentence) -> bool:
        """Whether what the model wrote already says what a sentence says."""
        return bool(shown) and self._support.score(drafted.sentence.text, shown) >= SAID

    def _draft(
        self, opened: _Opened, asked: Question, clock: _Clock
    ) -> tuple[Draft, list[Judgement]]:
        """The sentences that answer, and what they were chosen from: nothing where they
        were not chosen by likeness and a language model could not choose better."""
        if not asked.asks:
            return Draft((), (), "not_a_question"), []
        if found := self._consult(opened, asked):
            return found, []
        clock.lap("ledger")
        if asked.whole and opened.essay and not opened.essay.expected:
            essay = opened.essay.id
            sentences = [s for s in opened.evidence.sentences if s.chunk.document_id == essay]
            return compose_whole(asked, sentences), []
        passages = retrieve(asked, opened.index, self._embedder)
        clock.lap("retrieve")
        judgements = opened.evidence.judge(asked, passages, self._reranker)
        clock.lap("judge")
        return compose(asked, judgements), judgements

    def _consult(self, opened: _Opened, asked: Question) -> Draft | None:
        """The ledger's answer, if the question is about claims and not what they say."""
        # "Sum up his claims" asks for the essay's gist, not for its ledger.
        if not opened.claims or asked.whole:
            return None
        request = read_request(asked.standalone, opened.evidence.meaning(asked.standalone))
        if request is None:
            return None
        judgement = None
        if request.named:
            # Whatever else answers, the claim that is meant is the essay's.
            essay = replace(asked, essay_only=True)
            passages = retrieve(essay, opened.index, self._embedder)
            judgements = opened.evidence.judge(essay, passages, self._reranker)
            judgement = judgements[0] if judgements else None
            if judgement is None or judgement.answers < NAMES:
                return None
        return consult(request, asked.search, opened.claims, opened.evidence.sentences, judgement)

    def search(self, query: str, k: int = 10, *, essay_only: bool = False) -> list[Passage]:
        """Up to `k` passages for `query`, best first, scores in [0, 1]."""
        opened = self._open()
        asked = understand(query, topic=opened.topic, essay_only=essay_only, spell=opened.spell)
        passages = retrieve(asked, opened.index, self._embedder, at_least=k)
        return rerank(asked, passages, self._reranker, k)

    def open(self) -> EssayQA:
        """Read the corpus and open or build the index now rather than at first use."""
        self._open()
        return self

    def rebuild(self) -> None:
        """Build the index anew, embedding every chunk."""
        with self._lock:
            documents = load_corpus(self.config.corpus)
            name = index_name(documents, CHUNKER_VERSION, self._embedder)
            drop_index(self.config, name)
            drop_evidence(self.config, name)
            self._opened = self._load(reuse=False)

    def claims(self) -> tuple[Claim, ...]:
        """The ledger: what the essay claims, in its order, and what other sources say of
        it; empty for a corpus without one."""
        return self._open().claims

    def draft_claims(self) -> str:
        """A `claims.yaml` to start from: the essay's sentences as claims, each with the
        background sentences nearest to it, for a person to review."""
        evidence = self._open().evidence
        return draft_ledger(evidence.sentences, evidence.nearest)

    @property
    def documents(self) -> tuple[Document, ...]:
        """The corpus, essays first."""
        return tuple(self._open().documents.values())

    @property
    def index(self) -> Index:
        """The opened index."""
        return self._open().index

    def _open(self) -> _Opened:
        opened = self._opened
        if opened is None:
            with self._lock:
                opened = self._opened
                if opened is None:
                    opened = self._opened = self._load()
        return opened

    def _load(self, *, reuse: bool = True) -> _Opened:
        documents = load_corpus(self.config.corpus)
        index = open_index(
            self.config,
            documents,
            chunk_document,
            CHUNKER_VERSION,
            self._embedder,
            self._progress,
            reuse=reuse,
        )
        evidence = open_evidence(
            self.config, index.name, index.chunks, documents, self._progress, reuse=reuse
        )
        essays = [document for document in documents if document.kind == "essay"]
        return _Opened(
            documents={document.id: document for document in documents},
            index=index,
            evidence=evidence,
            essay=essays[0] if len(essays) == 1 else None,
            claims=load_claims(self.config.corpus, documents, index.chunks),
            spell=speller((document.text for document in documents), evidence.knows),
        )


def load_support(config: Config) -> SupportCheck:
    """The check of what a language model writes: the one `config` names, or the bundled."""
    return load_check(config) or Support(
        OnnxAligner(config.threads), OnnxReranker(config.threads), OnnxEmbedder(config.threads)
    )


class _Clock:
    """Wall-clock milliseconds of each stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._first = self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = round((now - self._last) * 1000, 2)
        self._last = now

    def total(self) -> dict[str, float]:
        return {**self.laps, "total": round((time.perf_counter() - self._first) * 1000, 2)}


def ask(question: str, history: Sequence[Turn] = (), *, essay_only: bool = False) -> Answer:
    """Ask with the settings of the environment; the engine is kept between calls."""
    return _engine(Config.from_env()).ask(question, history, essay_only=essay_only)


@lru_cache(maxsize=2)
def _engine(config: Config) -> EssayQA:
    with Bar("Building the index") as bar:
        return EssayQA(config, progress=bar).open()
