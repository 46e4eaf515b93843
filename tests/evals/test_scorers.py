"""Right, wrong and partial answers made by hand, each named for the bug it holds off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from essayqa import Answer, AnswerSentence, Citation, Passage
from essayqa.types import Chunk, Kind, Voice
from evals import scorers
from evals.cases import Case, Fact, Gold
from evals.results import Score

ESSAY = (
    "Trade now tops $200bn.\u00a0It is growing.\n\n"
    "Trump believes that Russia will pivot away. He is wrong about that."
)
BRIEF = "Customs counted $190.27 billion in 2022."
DOCUMENTS = {"essay": ESSAY, "brief": BRIEF}
TRADE, GROWS = "Trade now tops $200bn.", "It is growing."
BELIEF, WRONG = "Trump believes that Russia will pivot away.", "He is wrong about that."

CASE = Case(
    id="number-1",
    kind="number",
    style="student",
    question="How much do they trade?",
    answerable=True,
    facts=(
        Fact("Over $200bn", (r"\$200\s?(bn|billion)",)),
        Fact("It grows", ("growing", "grows")),
    ),
    gold_quotes=(Gold("essay", TRADE), Gold("essay", GROWS)),
    voice="author",
)
OPINION = replace(
    CASE,
    id="stance-1",
    facts=(Fact("Trump thinks Russia will turn", ("pivot away",)),),
    gold_quotes=(Gold("essay", BELIEF), Gold("essay", WRONG)),
    voice="reported",
)
UNANSWERABLE = replace(CASE, answerable=False, facts=(), gold_quotes=(), voice=None)
DECLINED = Answer("q", "q", "declined", "not_in_corpus", "The sources do not say.")


def cite(number: int, quote: str, document_id: str = "essay") -> Citation:
    start = DOCUMENTS[document_id].index(quote)
    kind: Kind = "essay" if document_id == "essay" else "background"
    return Citation(number, document_id, "", kind, "", start, start + len(quote), quote, "")


def said(*quotes: str, document_id: str = "essay", voice: Voice = "author") -> Answer:
    """A verbatim answer that cites each quote for itself."""
    text = " ".join(f"{quote} [{n}]" for n, quote in enumerate(quotes, start=1))
    return Answer(
        question="q",
        standalone_question="q",
        status="answered",
        reason=None,
        text=f"The essay: {text}",
        sentences=tuple(
            AnswerSentence(quote, (n,), "verbatim", voice) for n, quote in enumerate(quotes, 1)
        ),
        citations=tuple(cite(n, quote, document_id) for n, quote in enumerate(quotes, 1)),
    )


def passage(text: str, document_id: str = "essay") -> Passage:
    start = DOCUMENTS[document_id].index(text)
    return Passage(Chunk("c", document_id, start, start + len(text), text), 0.5)


def score(name: str, case: Case, answer: Answer) -> Score:
    return scorers.score_answer(case, answer, DOCUMENTS)[name]


def test_a_perfect_answer_is_perfect_in_every_metric() -> None:
    scores = scorers.score_answer(CASE, said(TRADE, GROWS), DOCUMENTS)
    known = {s.name: s.value for s in scores.values() if s.value is not None}
    assert known.pop("answer_words") == 7
    assert set(known.values()) == {1.0}
    assert "opinion_as_fact" not in known


def test_every_score_has_its_own_name_and_a_reason() -> None:
    for answer in (said(TRADE), DECLINED):
        for case in (CASE, OPINION, UNANSWERABLE):
            for name, made in scorers.score_answer(case, answer, DOCUMENTS).items():
                assert made.name == name
                assert made.reason


def test_every_score_has_its_place_in_reports() -> None:
    names = {
        *scorers.score_answer(CASE, DECLINED, DOCUMENTS),
        *scorers.score_search(CASE, [], DOCUMENTS),
    }
    assert names | {"latency_ms"} == set(scorers.ORDER)


def test_half_an_answer_is_not_a_whole_one() -> None:
    half = said(TRADE)
    recall = score("fact_recall", CASE, half)
    assert recall.value == 0.5
    assert "It grows" in recall.reason
    assert score("evidence_recall", CASE, half).value == 0.5
    assert score("fully_correct", CASE, half).value == 0


def test_the_right_words_from_the_wrong_place_are_not_correct() -> None:
    # A fact's pattern may match by chance; what is cited must be evidence too.
    answer = replace(said(BELIEF), sentences=said(TRADE, GROWS).sentences)
    assert score("fact_recall", CASE, answer).value == 1
    assert score("fully_correct", CASE, answer).value == 0


def test_a_declined_answer_to_an_answerable_question_recalls_nothing() -> None:
    assert score("fact_recall", CASE, DECLINED).value == 0
    assert score("evidence_recall", CASE, DECLINED).value == 0
    assert score("answered_right", CASE, DECLINED).value == 0
    assert score("declined_right", CASE, DECLINED).value is None


def test_nearest_passages_are_not_an_answer() -> None:
    declined = replace(DECLINED, nearest=(cite(1, TRADE), cite(2, GROWS)))
    assert score("fact_recall", CASE, declined).value == 0
    assert score("evidence_recall", CASE, declined).value == 0


def test_declining_is_right_only_where_there_is_no_answer() -> None:
    assert score("declined_right", UNANSWERABLE, DECLINED).value == 1
    assert score("declined_right", UNANSWERABLE, said(TRADE)).value == 0
    assert score("answered_right", UNANSWERABLE, DECLINED).value is None


def test_background_alone_counts_as_answered_not_declined() -> None:
    partial = replace(said(BRIEF, document_id="brief"), status="partial", reason="essay_silent")
    assert score("answered_right", CASE, partial).value == 1
    assert score("declined_right", UNANSWERABLE, partial).value == 0


def test_a_label_or_a_marker_states_no_fact() -> None:
    case = replace(CASE, facts=(Fact("x", ("The essay", r"\[1\]")),))
    assert score("fact_recall", case, said(TRADE)).value == 0


def test_a_sentence_marked_unsupported_states_no_fact() -> None:
    answer = said(TRADE)
    marked = replace(answer, sentences=(replace(answer.sentences[0], support="unsupported"),))
    assert score("fact_recall", CASE, marked).value == 0


def test_a_non_breaking_space_does_not_hide_a_fact_or_a_quote() -> None:
    whole = f"{TRADE}\u00a0{GROWS}"
    case = replace(CASE, facts=(Fact("both", (r"\$200bn\. It is",)),))
    answer = said(whole)
    assert score("fact_recall", case, answer).value == 1
    assert score("evidence_recall", case, answer).value == 1


def test_an_alternative_is_as_good_as_the_gold() -> None:
    case = replace(CASE, gold_quotes=(Gold("essay", TRADE, (GROWS,)),))
    assert score("evidence_recall", case, said(GROWS)).value == 1
    assert score("citation_precision", case, said(GROWS)).value == 1


def test_the_same_words_in_another_document_are_not_the_gold() -> None:
    case = replace(CASE, gold_quotes=(Gold("brief", TRADE),))
    assert score("evidence_recall", case, said(TRADE)).value == 0


def test_citing_everything_costs_precision() -> None:
    dumped = said(TRADE, GROWS, BELIEF, WRONG)
    assert score("evidence_recall", CASE, dumped).value == 1
    precision = score("citation_precision", CASE, dumped)
    assert precision.value == 0.5
    assert BELIEF in precision.reason


def test_a_sentence_that_cites_its_neighbour_is_unsupported() -> None:
    answer = said(TRADE, GROWS)
    swapped = replace(
        answer,
        sentences=tuple(replace(s, citations=(3 - s.citations[0],)) for s in answer.sentences),
    )
    assert score("citation_recall", CASE, swapped).value == 0


def test_a_citation_number_that_does_not_exist_supports_nothing() -> None:
    answer = said(TRADE)
    dangling = replace(answer, sentences=(replace(answer.sentences[0], citations=(2,)),))
    assert score("citation_recall", CASE, dangling).value == 0


def test_a_changed_number_is_unsupported() -> None:
    answer = said(TRADE)
    changed = replace(answer.sentences[0], text=TRADE.replace("200", "300"))
    assert score("citation_recall", CASE, replace(answer, sentences=(changed,))).value == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("By now, trade tops $200bn.", 1),
        ("By now, trade tops $300bn.", 0),
        ("By now, Chinese trade tops $200bn.", 0),
        ("Sanctions failed because leaders could not agree.", 0),
    ],
)
def test_a_rewritten_sentence_keeps_names_numbers_and_words(text: str, value: float) -> None:
    answer = said(TRADE)
    rewritten = replace(answer.sentences[0], text=text, support="supported")
    assert score("citation_recall", CASE, replace(answer, sentences=(rewritten,))).value == value


def test_a_quote_one_character_off_is_not_verbatim() -> None:
    answer = said(TRADE, GROWS)
    first = replace(answer.citations[0], start=1, end=len(TRADE) + 1)
    off = replace(answer, citations=(first, answer.citations[1]))
    assert score("verbatim", CASE, off).value == 0.5


def test_a_nearest_passage_is_held_to_the_text_too() -> None:
    made_up = replace(cite(1, TRADE), quote="Trade is falling.")
    assert score("verbatim", CASE, replace(DECLINED, nearest=(made_up,))).value == 0


def test_an_empty_quote_is_not_verbatim() -> None:
    empty = replace(cite(1, TRADE), end=0, quote="")
    answer = replace(said(TRADE), citations=(empty,))
    assert score("verbatim", CASE, answer).value == 0
    assert score("evidence_recall", CASE, answer).value == 0


@pytest.mark.parametrize(
    "text",
    [
        f"{TRADE} [5] {GROWS} [6]",  # numbered from five
        f"{TRADE} [2] {GROWS} [1]",  # at each other's sentence
        f"{TRADE} {GROWS} [1][2]",  # one sentence without
        f"{TRADE} [1] {GROWS} [2] And so on. [3]",  # one that is no citation's
        f"{TRADE} [1]",  # a sentence not shown
    ],
)
def test_markers_that_point_nowhere_or_elsewhere_are_seen(text: str) -> None:
    assert score("markers", CASE, replace(said(TRADE, GROWS), text=text)).value == 0


def test_brackets_that_a_source_wrote_are_not_markers() -> None:
    answer = said(TRADE)
    sentence = replace(answer.sentences[0], text="Trade [3] *tops* $200bn.")
    text = r"The essay: Trade \[3\] \*tops\* $200bn. [1]"
    assert score("markers", CASE, replace(answer, sentences=(sentence,), text=text)).value == 1


def test_a_declined_answer_with_markers_cites_what_it_does_not_have() -> None:
    assert score("markers", CASE, replace(DECLINED, text="Nothing found. [1]")).value == 0


def test_an_opinion_shown_as_the_authors_is_an_opinion_as_fact() -> None:
    asserted, reported = said(BELIEF), said(BELIEF, voice="reported")
    assert score("opinion_as_fact", OPINION, asserted).value == 1
    assert score("voice_right", OPINION, asserted).value == 0
    assert score("fully_correct", OPINION, asserted).value == 0
    assert score("opinion_as_fact", OPINION, reported).value == 0
    assert score("fully_correct", OPINION, reported).value == 1


def test_the_authors_own_view_shown_as_reported_is_wrong_but_no_opinion_as_fact() -> None:
    answer = said(TRADE, voice="reported")
    assert score("voice_right", CASE, answer).value == 0
    assert score("opinion_as_fact", CASE, answer).value is None


def test_only_the_first_gold_quote_carries_the_cases_voice() -> None:
    # The sentence after a reported view is often the author's reply to it.
    assert score("opinion_as_fact", OPINION, said(WRONG)).value is None


def test_a_brief_shown_as_the_author_has_the_wrong_voice() -> None:
    case = replace(CASE, gold_quotes=(Gold("brief", BRIEF),), voice="background")
    assert score("voice_right", case, said(BRIEF, document_id="brief")).value == 0


def test_length_is_of_the_sentences_and_not_of_a_refusal() -> None:
    assert score("answer_words", CASE, said(TRADE)).value == 4
    assert score("answer_words", CASE, DECLINED).value is None


FOUND = [passage(WRONG), passage(f"{TRADE}\u00a0{GROWS}"), passage(BRIEF, "brief")]


def test_a_passage_below_k_is_not_recalled_at_k() -> None:
    assert scorers.recall_at(CASE, FOUND, 1).value == 0
    assert scorers.recall_at(CASE, FOUND, 5).value == 1


def test_rank_metrics_fall_with_the_rank() -> None:
    assert scorers.mrr(CASE, FOUND).value == 0.5
    # Both quotes stand in one paragraph, so one passage at the top would be ideal.
    assert scorers.ndcg(CASE, FOUND, DOCUMENTS).value == pytest.approx(0.6309, abs=1e-4)
    assert scorers.ndcg(CASE, FOUND[1:], DOCUMENTS).value == 1


def test_gold_in_two_paragraphs_asks_for_two_passages() -> None:
    case = replace(CASE, gold_quotes=(Gold("essay", TRADE), Gold("essay", BELIEF)))
    assert scorers.recall_at(case, FOUND, 10).value == 0.5
    assert (scorers.ndcg(case, FOUND[1:], DOCUMENTS).value or 0) < 0.7


def test_finding_the_same_gold_twice_gains_once() -> None:
    twice = [passage(TRADE), passage(f"{TRADE}\u00a0{GROWS}")]
    assert (
        scorers.ndcg(replace(CASE, gold_quotes=(Gold("essay", TRADE),)), twice, DOCUMENTS).value
        == 1
    )


def test_nothing_found_is_zero_and_nothing_expected_is_no_score() -> None:
    for made in scorers.score_search(CASE, [], DOCUMENTS).values():
        assert made.value == 0
    for made in scorers.score_search(UNANSWERABLE, FOUND, DOCUMENTS).values():
        assert made.value is None
