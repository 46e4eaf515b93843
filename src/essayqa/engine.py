"""EssayQA: owns the corpus, the index and the models, and composes the stages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from .chunks import CHUNKER_VERSION, chunk_document
from .claims import load_claims
from .compose import compose, compose_whole
from .config import Config
from .corpus import load_corpus
from .drafting import draft_ledger
from .evidence import Evidence, drop_evidence, open_evidence
from .index import Index, drop_index, index_name, open_index
from .ledger import consult
from .models import load_embedder, load_reranker
from .progress import Bar
from .question import understand
from .retrieve import rerank, retrieve
from .spelling import speller
from .types import Answer, Claim, Document, Draft, Embedder, Passage, Question, Reranker, Turn
from .verify import verify
from .wanted import read_request

Progress = Callable[[int, int], None]
# How likely the essay must be to speak of what a question about claims names.
NAMES = 0.05


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
        clock = _Clock()
        opened = self._open()
        asked = understand(
            question, history, topic=opened.topic, essay_only=essay_only, spell=opened.spell
        )
        clock.lap("question")
        draft = self._draft(opened, asked, clock)
        clock.lap("compose")
        return verify(asked, draft, opened.documents, clock.total(), opened.claims)

    def _draft(self, opened: _Opened, asked: Question, clock: _Clock) -> Draft:
        if not asked.asks:
            return Draft((), (), "not_a_question")
        if found := self._consult(opened, asked):
            return found
        clock.lap("ledger")
        if asked.whole and opened.essay and not opened.essay.expected:
            essay = opened.essay.id
            sentences = [s for s in opened.evidence.sentences if s.chunk.document_id == essay]
            return compose_whole(asked, sentences)
        passages = retrieve(asked, opened.index, self._embedder)
        clock.lap("retrieve")
        judgements = opened.evidence.judge(asked, passages, self._reranker)
        clock.lap("judge")
        return compose(asked, judgements)

    def _consult(self, opened: _Opened, asked: Question) -> Draft | None:
        """The ledger's answer, if the question is about claims and not what they say."""
        meaning = opened.evidence.meaning(asked.standalone)
        request = read_request(asked.standalone, meaning) if opened.claims else None
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
