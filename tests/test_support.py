"""Claims against what they cite: what passes, and each fault that never does."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from essayqa.config import bundled_corpus
from essayqa.corpus import load_corpus
from essayqa.errors import InputError
from essayqa.sentences import asks, sentence_spans
from essayqa.support import FAULTS, FAULTY, THRESHOLD, Support, chance
from evals.swaps import pairs_of

SUPPORT = Support()
ESSAY = next(d for d in load_corpus(bundled_corpus()) if d.kind == "essay")
SENTENCES = [
    text
    for span in sentence_spans(ESSAY.text)
    if not (text := ESSAY.text[span.start : span.end]).startswith("#") and not asks(text)
]
TRADE = "Trade between Moscow and Beijing now tops $200bn, and it rose by 5 per cent in May 2024."
BELIEF = "Trump believes that an end to sanctions will pull Russia away from China."


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("Commerce between Russia and China is now worth more than 200 billion dollars.", TRADE),
        ("In May 2024 trade between Beijing and Moscow grew by 5%.", TRADE),
        ("Trump thinks that lifting sanctions will draw Russia away from Beijing.", BELIEF),
        ("The essay says that Putin does not trust the West.", "Putin distrusts the West."),
        ("The SCO met in Tashkent.", "The Shanghai Cooperation Organisation met in Tashkent."),
        (
            'He called the deal "a mistake".',
            "Putin called the deal “a mistake” and left the room on Monday.",
        ),
    ],
)
def test_an_honest_paraphrase_passes(claim: str, evidence: str) -> None:
    assert SUPPORT.faults(claim, [evidence]) == ()
    assert SUPPORT.supported(claim, [evidence])


@pytest.mark.parametrize(
    ("fault", "claim", "evidence"),
    [
        ("figure", "Trade between Moscow and Beijing now tops $240bn.", TRADE),
        ("figure", "Trade between Moscow and Beijing rose by 5 per cent in May 2023.", TRADE),
        ("figure", "Trade between Moscow and Beijing rose by 5 per cent in June 2024.", TRADE),
        (
            "figure",
            "Russia sold 40 tanks in 1970 and 60 in 1980.",
            "Russia sold 60 tanks in 1970 and 40 in 1980.",
        ),
        ("count", "The council has four permanent members.", "The council has five members."),
        ("name", "Trade between Tehran and Beijing now tops $200bn.", TRADE),
        ("name", "Nixon believes that an end to sanctions will pull Russia away.", BELIEF),
        ("quotation", 'He called trade "the key to peace".', "He called trade a key to peace."),
        ("negation", "The treaty did not end the war.", "The treaty ended the war."),
        ("negation", "The treaty was signed by both.", "The treaty was not signed by both."),
        ("direction", "Trade between Moscow and Beijing fell by 5 per cent.", TRADE),
        ("scope", "All African rulers rely on Russia.", "Some African rulers rely on Russia."),
        ("scope", "The truce will collapse soon.", "The truce may collapse soon."),
        ("roles", "China depends on Russia.", "Russia depends on China."),
        ("holder", "An end to sanctions will pull Russia away from China.", BELIEF),
        (
            "holder",
            "Putin believes that an end to sanctions will pull Russia away from China.",
            f"{BELIEF} Putin disagrees.",
        ),
    ],
)
def test_each_fault_is_found_and_outweighs_the_chance(
    fault: str, claim: str, evidence: str
) -> None:
    assert fault in SUPPORT.faults(claim, [evidence])
    assert SUPPORT.score(claim, [evidence]) <= FAULTY
    assert not SUPPORT.supported(claim, [evidence])


def test_a_claim_about_something_else_has_no_support() -> None:
    assert SUPPORT.score("The museum opens at noon on Sundays.", [TRADE]) < THRESHOLD
    assert SUPPORT.score("Do you like trade?", [TRADE]) < THRESHOLD


def test_what_is_known_to_be_a_view_is_not_stated_as_a_fact() -> None:
    evidence = ["In Trump's mind an end to sanctions pulls Russia away from China."]
    flat = "An end to sanctions pulls Russia away from China."
    assert not SUPPORT.supported(flat, evidence, reported=True)
    assert SUPPORT.supported(
        f"Trump thinks that {flat[0].lower()}{flat[1:]}", evidence, reported=True
    )


def test_figures_may_be_rounded_only_when_said_to_be() -> None:
    evidence = ["Purchases fell to 24.3 million tonnes."]
    assert "figure" not in SUPPORT.faults("Purchases fell to about 24 million tonnes.", evidence)
    assert "figure" in SUPPORT.faults("Purchases fell to 24 million tonnes.", evidence)


def test_spans_are_read_together() -> None:
    spans = ["Iran joined the SCO in 2023.", "Belarus joined the SCO in 2024."]
    claim = "Iran joined the SCO in 2023 and Belarus in 2024."
    assert SUPPORT.supported(claim, spans)
    assert not SUPPORT.supported(claim, spans[:1])


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, len(SENTENCES) - 1), st.integers(0, 9))
def test_a_sentence_supports_itself_whatever_is_cited_beside_it(place: int, more: int) -> None:
    sentence = SENTENCES[place]
    assert SUPPORT.supported(sentence, [sentence])
    assert SUPPORT.supported(sentence, [sentence, sentence])
    around = SENTENCES[max(0, place - more) : place + more + 1]
    assert SUPPORT.supported(sentence, [" ".join(around)])


@pytest.mark.parametrize("evidence", [[], [""], ["  ", "…"]])
def test_no_evidence_supports_nothing(evidence: list[str]) -> None:
    assert SUPPORT.score("Trade grew.", evidence) == 0
    assert not SUPPORT.supported("Trade grew.", evidence, reported=True)
    assert SUPPORT.faults("Trade grew.", evidence) == ()


@pytest.mark.parametrize("claim", ["", "  ", "…"])
def test_a_claim_without_words_is_an_error(claim: str) -> None:
    with pytest.raises(InputError, match="needs words"):
        SUPPORT.score(claim, [TRADE])


@pytest.mark.parametrize("text", ["word " * 700, "x" * 5000, "a.b" * 900])
def test_long_texts_are_read(text: str) -> None:
    assert 0 <= SUPPORT.score(text, [TRADE]) <= 1
    assert 0 <= SUPPORT.score(TRADE, [text]) <= 1


def test_threads_agree() -> None:
    claims = SENTENCES[:4] * 2
    alone = [SUPPORT.score(claim, [TRADE, BELIEF]) for claim in claims]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda c: SUPPORT.score(c, [TRADE, BELIEF]), claims)) == alone


def test_the_weights_are_of_the_signals() -> None:
    signals = SUPPORT.signals(TRADE, [TRADE])
    assert FAULTS.keys() <= signals.keys()
    none = dict.fromkeys(signals, 0.0)
    assert chance(none, 0.0, none) == 0.5
    assert chance({}, 1.0, none) == 0
    assert json.dumps(signals)


def test_most_swaps_of_the_essay_are_rejected_and_honest_claims_are_not() -> None:
    pairs = [pair for pair in pairs_of([ESSAY]) if pair.alone]
    assert pairs == [pair for pair in pairs_of([ESSAY]) if pair.alone]
    told = {
        side: [SUPPORT.supported(p.claim, p.evidence) for p in pairs if p.supported is side]
        for side in (True, False)
    }
    assert sum(told[True]) >= 0.95 * len(told[True]) > 0
    assert sum(told[False]) <= 0.1 * len(told[False])
