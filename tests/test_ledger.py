"""What the ledger answers: hand-made claims in, drafts out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from essayqa.chunks import chunk_document
from essayqa.evidence import read_sentences
from essayqa.ledger import AGAINST, EACH_SIDE, LISTED, consult
from essayqa.types import Citation, Claim, Document, Draft, Judgement, ScoredSentence, Sentence
from essayqa.wanted import SORTS, Request

ESSAY = Document(
    id="essay",
    title="The plan",
    kind="essay",
    path="essay.md",
    text="The plan will fail. Trade tops $200bn. Nobody trusts anybody. Ann thinks it works.",
)
BRIEF = Document(
    id="brief",
    title="Trade",
    kind="background",
    path="b.md",
    text="Trade was $245bn in 2024. Trade fell in 2025. Bo says the plan works. Cy agrees with Bo.",
)
SENTENCES = [s for d in (ESSAY, BRIEF) for s in read_sentences(chunk_document(d))]


def cite(text: str) -> Citation:
    document = ESSAY if text in ESSAY.text else BRIEF
    start = document.text.index(text)
    return Citation(
        *(1, document.id, document.title, document.kind, "", start, start + len(text), text, "")
    )


THESIS = Claim(
    *("fails", cite("The plan will fail."), "forecast", "the author"),
    given=(cite("Nobody trusts anybody."),),
    against=(cite("Bo says the plan works."), cite("Cy agrees with Bo.")),
    settled_by="time",
    role="thesis",
)
TRADE = Claim(
    *("trade", cite("Trade tops $200bn."), "fact", "the author"),
    verdict="qualified",
    support=(cite("Trade was $245bn in 2024."),),
    against=(cite("Trade fell in 2025."),),
    why="It fell.",
)
TRUST = Claim("trust", cite("Nobody trusts anybody."), "judgement", "the author")
ANN = Claim("ann", cite("Ann thinks it works."), "reported", "Ann")
QUESTION = "Is trade over $200bn?"
CLAIMS = (THESIS, TRADE, TRUST, ANN)


def judged(*texts: str) -> Judgement:
    """The essay's sentences, `texts` first."""
    by_text = {s.text: s for s in SENTENCES}
    ordered: list[Sentence] = [by_text[text] for text in texts]
    return Judgement("essay", 0.9, tuple(ScoredSentence(s, 0.9) for s in ordered))


def shown(draft: Draft | None) -> list[str]:
    return [d.sentence.text for d in draft.sentences] if draft else []


def test_a_claim_to_check_comes_with_both_sides() -> None:
    draft = consult(
        Request("check", True), QUESTION, CLAIMS, SENTENCES, judged("Trade tops $200bn.")
    )
    assert shown(draft) == [
        *("Trade tops $200bn.", "Trade was $245bn in 2024.", "Trade fell in 2025.")
    ]
    assert draft
    assert [d.voice for d in draft.sentences] == ["author", "background", "background"]
    assert draft.reason is None


def test_a_claim_that_nobody_speaks_to_is_left_to_the_texts() -> None:
    assert (
        consult(Request("check", True), QUESTION, CLAIMS, SENTENCES, judged(TRUST.quote.quote))
        is None
    )
    assert (
        consult(Request("against", True), QUESTION, CLAIMS, SENTENCES, judged(TRUST.quote.quote))
        is None
    )
    # But that nothing was found is something to say.
    unfound = replace(TRUST, verdict="not_found", why="Nobody counted.")
    draft = consult(
        Request("check", True), QUESTION, [unfound], SENTENCES, judged(TRUST.quote.quote)
    )
    assert shown(draft) == [TRUST.quote.quote]


def test_the_likeliest_sentence_that_makes_a_claim_is_meant() -> None:
    quotes = ("Ann thinks it works.", "Trade tops $200bn.")
    draft = consult(Request("check", True), QUESTION, [THESIS, TRADE], SENTENCES, judged(*quotes))
    assert shown(draft)[0] == "Trade tops $200bn."


def test_of_a_sentences_claims_the_one_in_the_questions_words_is_meant() -> None:
    whole = cite("Trade tops $200bn.")
    trade = replace(TRADE, quote=replace(whole, quote="Trade", end=whole.start + 5))
    tops = replace(
        TRADE,
        id="tops",
        quote=replace(whole, quote="tops $200bn", start=whole.start + 6, end=whole.end - 1),
        support=(cite("Bo says the plan works."),),
        against=(),
    )
    judgement = judged("Trade tops $200bn.")
    for question, other in (("Is 200bn right?", "Bo says"), ("Is it trade?", "Trade was")):
        found = consult(Request("check", True), question, (trade, tops), SENTENCES, judgement)
        assert shown(found)[1].startswith(other)


def test_without_a_claim_named_the_thesis_is_meant() -> None:
    draft = consult(Request("against"), QUESTION, CLAIMS, SENTENCES)
    assert shown(draft) == ["The plan will fail.", "Bo says the plan works.", "Cy agrees with Bo."]
    assert shown(consult(Request("evidence"), QUESTION, CLAIMS, SENTENCES)) == [
        *("The plan will fail.", "Nobody trusts anybody.")
    ]


def test_a_claim_without_evidence_is_shown_as_such() -> None:
    draft = consult(
        Request("evidence", True), QUESTION, CLAIMS, SENTENCES, judged("Trade tops $200bn.")
    )
    assert draft
    assert draft.reason == "essay_silent"
    assert shown(draft) == [
        *("Trade tops $200bn.", "Trade was $245bn in 2024.", "Trade fell in 2025.")
    ]


def test_what_is_wrong_is_what_others_bear_out_least() -> None:
    disputed = replace(TRUST, verdict="disputed", against=(cite("Cy agrees with Bo."),))
    draft = consult(Request("wrong"), QUESTION, (THESIS, TRADE, disputed, ANN), SENTENCES)
    assert shown(draft) == [
        *("Nobody trusts anybody.", "Cy agrees with Bo."),
        *("Trade tops $200bn.", "Trade fell in 2025."),
    ]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("forecast", ["The plan will fail."]),
        ("fact", ["Trade tops $200bn."]),
        ("reported", ["Ann thinks it works."]),
        ("qualified", ["Trade tops $200bn."]),
        # A view that is only reported is not the author's to prove.
        ("no_evidence", ["Trade tops $200bn.", "Nobody trusts anybody."]),
        ("concession", []),
        ("all", [s.text for s in SENTENCES if s.chunk.document_id == "essay"]),
    ],
)
def test_a_list_holds_the_claims_of_its_sort(sort: str, expected: list[str]) -> None:
    draft = consult(Request("list", sort=SORTS[sort]), QUESTION, CLAIMS, SENTENCES)
    assert shown(draft) == expected
    assert draft is None or draft.reason is None


def test_a_list_that_is_cut_says_so() -> None:
    draft = consult(
        Request("list", sort=SORTS["fact"]), QUESTION, (TRADE,) * (LISTED + 1), SENTENCES
    )
    assert draft
    assert draft.reason == "incomplete"


def test_no_more_is_shown_on_a_side_than_can_be_read() -> None:
    many = tuple(cite(s.text) for s in SENTENCES if s.chunk.document_id == "brief")
    claim = replace(THESIS, against=many)
    named = consult(
        Request("against", True), QUESTION, [claim], SENTENCES, judged("The plan will fail.")
    )
    assert len(shown(named)) == 1 + EACH_SIDE
    assert len(shown(consult(Request("against"), QUESTION, [claim], SENTENCES))) == 1 + AGAINST
