"""Scorers: a case and its answer to values with reasons. Pure, no model, no chance.

A value is None where a metric does not apply, and the reason says why. A declined answer
to an answerable question states no facts and cites nothing, so its recall is 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from essayqa import Answer, AnswerSentence, Citation, Passage

from .cases import Case, Gold, plain
from .results import Score

# Metrics where less is better; for all others more is.
LOWER_IS_BETTER = frozenset({"opinion_as_fact", "answer_words", "latency_ms"})
RECALL_AT = (1, 5, 10)
NDCG_AT = 10
# As reports list them; latency is the runner's.
ORDER = (
    *("fact_recall", "fully_correct", "evidence_recall", "citation_precision"),
    *("answered_right", "declined_right", "opinion_as_fact", "voice_right"),
    *("verbatim", "citation_recall", "markers", "answer_words", "latency_ms"),
    *(f"recall@{k}" for k in RECALL_AT),
    *("mrr", f"ndcg@{NDCG_AT}"),
)

_MARKER = re.compile(r"(?<!\\)\[(\d+)\]")
_ESCAPED = re.compile(r"\\([\\`*_\[\]<>&#|~])")
_NAME_OR_NUMBER = re.compile(r"\d[\d.,]*\d|\d|\b[A-Z][\w’'-]+")
_WORD = re.compile(r"\w{4,}")
# How much of a rewritten sentence's words must stand in what it cites.
_SHARED_WORDS = 0.5


def score_answer(case: Case, answer: Answer, documents: Mapping[str, str]) -> dict[str, Score]:
    """Every score of an answer, by name; `documents` maps ids to texts."""
    scores = (
        fact_recall(case, answer),
        fully_correct(case, answer),
        evidence_recall(case, answer),
        citation_precision(case, answer),
        citation_recall(case, answer),
        verbatim(case, answer, documents),
        markers(case, answer),
        answered_right(case, answer),
        declined_right(case, answer),
        voice_right(case, answer),
        opinion_as_fact(case, answer),
        answer_words(case, answer),
    )
    return {score.name: score for score in scores}


def score_search(
    case: Case, passages: Sequence[Passage], documents: Mapping[str, str]
) -> dict[str, Score]:
    """Every score of a search, by name; `passages` come best first."""
    scores = (
        *(recall_at(case, passages, k) for k in RECALL_AT),
        mrr(case, passages),
        ndcg(case, passages, documents),
    )
    return {score.name: score for score in scores}


# Whether it answers, and what it says.


def answered_right(case: Case, answer: Answer) -> Score:
    """1 when an answerable question is answered."""
    if not case.answerable:
        return Score("answered_right", None, "unanswerable")
    return Score("answered_right", float(not _declined(answer)), _status(answer))


def declined_right(case: Case, answer: Answer) -> Score:
    """1 when an unanswerable question is declined."""
    if case.answerable:
        return Score("declined_right", None, "answerable")
    return Score("declined_right", float(_declined(answer)), _status(answer))


def fact_recall(case: Case, answer: Answer) -> Score:
    """The share of the expected facts that the answer states."""
    if not case.facts:
        return Score("fact_recall", None, "no facts expected")
    text = _stated(answer)
    missing = [fact.statement for fact in case.facts if not fact.stated_in(text)]
    value = 1 - len(missing) / len(case.facts)
    return Score("fact_recall", value, _missing(missing, answer))


def fully_correct(case: Case, answer: Answer) -> Score:
    """1 when every fact is stated, gold evidence is cited, and no opinion passes for fact."""
    if not case.answerable:
        return Score("fully_correct", None, "unanswerable")
    faults = []
    if fact_recall(case, answer).value != 1:
        faults.append("facts are missing")
    if not evidence_recall(case, answer).value:
        faults.append("no gold evidence is cited")
    if opinion_as_fact(case, answer).value:
        faults.append("an opinion passes for fact")
    return Score("fully_correct", float(not faults), "; ".join(faults) or "all right")


def answer_words(case: Case, answer: Answer) -> Score:
    """How many words the answer's sentences have; a number from 0, not a share."""
    if _declined(answer):
        return Score("answer_words", None, "declined")
    count = sum(len(sentence.text.split()) for sentence in answer.sentences)
    return Score("answer_words", float(count), f"{len(answer.sentences)} sentences")


# What it cites.


def evidence_recall(case: Case, answer: Answer) -> Score:
    """The share of the gold quotes, or alternatives of theirs, that are cited."""
    if not case.gold_quotes:
        return Score("evidence_recall", None, "no evidence expected")
    missing = [
        gold.quote
        for gold in case.gold_quotes
        if not any(_is_gold(citation, gold) for citation in answer.citations)
    ]
    value = 1 - len(missing) / len(case.gold_quotes)
    return Score("evidence_recall", value, _missing(missing, answer))


def citation_precision(case: Case, answer: Answer) -> Score:
    """The share of the citations that are gold evidence."""
    if not case.answerable or not answer.citations:
        return Score("citation_precision", None, "unanswerable or declined")
    others = [
        citation.quote
        for citation in answer.citations
        if not any(_is_gold(citation, gold) for gold in case.gold_quotes)
    ]
    value = 1 - len(others) / len(answer.citations)
    reason = "not gold: " + _listed(others) if others else "every citation is gold"
    return Score("citation_precision", value, reason)


def citation_recall(case: Case, answer: Answer) -> Score:
    """The share of the sentences that what they cite supports (ALCE, Gao et al., 2023).

    A verbatim sentence is supported when it stands in its citations, which is exact. A
    rewritten one is when its names and numbers and half of its words do, which is not.
    """
    if not answer.sentences:
        return Score("citation_recall", None, "no sentences")
    bad = [s.text for s in answer.sentences if not _supported(s, _cited(s, answer))]
    value = 1 - len(bad) / len(answer.sentences)
    reason = "unsupported: " + _listed(bad) if bad else "every sentence is supported"
    return Score("citation_recall", value, reason)


def verbatim(case: Case, answer: Answer, documents: Mapping[str, str]) -> Score:
    """The share of quotes, nearest ones too, that stand in their document where they say."""
    citations = (*answer.citations, *answer.nearest)
    if not citations:
        return Score("verbatim", None, "no citations")
    bad = [
        f"{c.document_id} {c.start}-{c.end} {c.quote!r}"
        for c in citations
        if not c.quote or documents.get(c.document_id, "")[c.start : c.end] != c.quote
    ]
    value = 1 - len(bad) / len(citations)
    return Score("verbatim", value, "not there: " + _listed(bad) if bad else "all exact")


def markers(case: Case, answer: Answer) -> Score:
    """1 when the text shows each sentence followed by its own markers, and no others, and
    citations are numbered from 1 in order of appearance."""
    if not answer.sentences:
        stray = _MARKER.findall(answer.text)
        return Score("markers", float(not stray), f"stray markers {stray}" if stray else "none")
    faults = []
    shown = _unescaped(answer.text)
    for sentence in answer.sentences:
        own = plain(sentence.text) + " " + "".join(f"[{n}]" for n in sentence.citations)
        if own not in shown:
            faults.append(f"not shown with its markers: {sentence.text!r}")
    used = list(dict.fromkeys(int(n) for n in _MARKER.findall(answer.text)))
    numbers = [citation.number for citation in answer.citations]
    if not used == numbers == list(range(1, len(numbers) + 1)):
        faults.append(f"markers {used} for citations {numbers}")
    return Score("markers", float(not faults), "; ".join(faults) or "each at its sentence")


# Whose view it is.


def voice_right(case: Case, answer: Answer) -> Score:
    """The share of the sentences citing gold whose voice is the gold's."""
    judged = _judged_voices(case, answer)
    if not judged:
        return Score("voice_right", None, "no sentence whose voice is known")
    wrong = [f"{s.voice}, not {voice}: {s.text}" for s, voice in judged if s.voice != voice]
    value = 1 - len(wrong) / len(judged)
    return Score("voice_right", value, _listed(wrong) if wrong else "every voice is right")


def opinion_as_fact(case: Case, answer: Answer) -> Score:
    """1 when a view the essay only reports is shown as asserted: the gravest error."""
    reported = [s for s, voice in _judged_voices(case, answer) if voice == "reported"]
    if not reported:
        return Score("opinion_as_fact", None, "no reported view is cited")
    wrong = [f"{s.voice}: {s.text}" for s in reported if s.voice != "reported"]
    return Score("opinion_as_fact", float(bool(wrong)), _listed(wrong) if wrong else "none")


# What the search finds. A passage is relevant if it contains a gold quote.


def recall_at(case: Case, passages: Sequence[Passage], k: int) -> Score:
    """The share of the gold quotes that stand in the first `k` passages."""
    name = f"recall@{k}"
    if not case.gold_quotes:
        return Score(name, None, "no evidence expected")
    missing = [
        gold.quote
        for gold in case.gold_quotes
        if not any(_holds(passage, gold) for passage in passages[:k])
    ]
    value = 1 - len(missing) / len(case.gold_quotes)
    return Score(name, value, "missing: " + _listed(missing) if missing else "all found")


def mrr(case: Case, passages: Sequence[Passage]) -> Score:
    """One over the rank of the first relevant passage, 0 if there is none."""
    if not case.gold_quotes:
        return Score("mrr", None, "no evidence expected")
    for rank, passage in enumerate(passages, start=1):
        if any(_holds(passage, gold) for gold in case.gold_quotes):
            return Score("mrr", 1 / rank, f"first relevant passage at rank {rank}")
    return Score("mrr", 0.0, f"no relevant passage among {len(passages)}")


def ndcg(case: Case, passages: Sequence[Passage], documents: Mapping[str, str]) -> Score:
    """nDCG@10 with gain 1 for a passage that holds a gold quote not met before.

    The ideal ranking opens with one passage for each paragraph that holds gold.
    """
    name = f"ndcg@{NDCG_AT}"
    if not case.gold_quotes:
        return Score(name, None, "no evidence expected")
    left = list(case.gold_quotes)
    ranks = []
    for rank, passage in enumerate(passages[:NDCG_AT], start=1):
        held = [gold for gold in left if _holds(passage, gold)]
        if held:
            ranks.append(rank)
            left = [gold for gold in left if gold not in held]
    # Alternatives may stand in more paragraphs than the gold itself.
    ideal = max(len(ranks), len({_paragraph(gold, documents) for gold in case.gold_quotes}))
    best = sum(_discount(rank) for rank in range(1, min(ideal, NDCG_AT) + 1))
    value = sum(_discount(rank) for rank in ranks) / best
    return Score(name, value, f"relevant at ranks {ranks}, {ideal} at most")


def _discount(rank: int) -> float:
    return 1 / math.log2(rank + 1)


def _paragraph(gold: Gold, documents: Mapping[str, str]) -> tuple[str, int]:
    text = documents.get(gold.document_id, "")
    at = text.find(gold.quote)
    return gold.document_id, text.rfind("\n\n", 0, max(at, 0))


def _holds(passage: Passage, gold: Gold) -> bool:
    chunk = passage.chunk
    text = plain(chunk.text)
    return chunk.document_id == gold.document_id and any(plain(q) in text for q in gold.quotes)


def _is_gold(citation: Citation, gold: Gold) -> bool:
    """Whether one holds the other, as sentences may be cut in different places."""
    if citation.document_id != gold.document_id or not citation.quote.strip():
        return False
    cited = plain(citation.quote)
    return any(cited in plain(quote) or plain(quote) in cited for quote in gold.quotes)


def _declined(answer: Answer) -> bool:
    return answer.status == "declined"


def _stated(answer: Answer) -> str:
    """What the answer asserts, without labels, markers and what it marks unsupported."""
    if _declined(answer):
        return ""
    return plain(" ".join(s.text for s in answer.sentences if s.support != "unsupported"))


def _cited(sentence: AnswerSentence, answer: Answer) -> list[Citation]:
    return [c for c in answer.citations if c.number in sentence.citations]


def _supported(sentence: AnswerSentence, citations: Sequence[Citation]) -> bool:
    text, quoted = plain(sentence.text), plain(" ".join(c.quote for c in citations))
    if sentence.support != "supported":
        return bool(quoted) and text in quoted
    words = set(_WORD.findall(text.lower()))
    shared = words & set(_WORD.findall(quoted.lower()))
    # A sentence's first word is capital whatever it is.
    strict = set(_NAME_OR_NUMBER.findall(text[:1].lower() + text[1:]))
    return strict <= set(_NAME_OR_NUMBER.findall(quoted)) and (
        len(shared) >= _SHARED_WORDS * len(words)
    )


def _judged_voices(case: Case, answer: Answer) -> list[tuple[AnswerSentence, str]]:
    """Sentences that cite gold whose voice is known, each with that voice.

    A background document's is its own. The essay's first gold quote carries the case's
    voice; those after it may be either, so they are not judged.
    """
    first = next((gold for gold in case.gold_quotes if gold.document_id == "essay"), None)
    judged = []
    for sentence in answer.sentences:
        for citation in _cited(sentence, answer):
            if citation.kind == "background":
                if any(_is_gold(citation, gold) for gold in case.gold_quotes):
                    judged.append((sentence, "background"))
            elif first and case.voice in ("author", "reported") and _is_gold(citation, first):
                judged.append((sentence, case.voice))
    return judged


def _unescaped(markdown: str) -> str:
    return plain(_ESCAPED.sub(r"\1", markdown))


def _status(answer: Answer) -> str:
    return f"{answer.status} ({answer.reason})" if answer.reason else answer.status


def _missing(missing: Sequence[str], answer: Answer) -> str:
    if not missing:
        return "nothing missing"
    prefix = f"{_status(answer)}; " if _declined(answer) else ""
    return f"{prefix}missing: {_listed(missing)}"


def _listed(items: Sequence[str]) -> str:
    return " | ".join(plain(item) for item in items)
