"""The ledger file: what loads, and what is refused with the entry's name."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from conftest import MakeCorpus

from essayqa import CorpusError
from essayqa.chunks import chunk_document
from essayqa.claims import claims_in, load_claims
from essayqa.corpus import load_corpus
from essayqa.types import Claim

ESSAY = "The plan will fail. Trade tops $200bn. Trade is large.\n"
BRIEF = "Trade was $245bn in 2024. Trade fell in 2025.\n"

THESIS = {
    "id": "fails",
    "quote": "The plan will fail.",
    "kind": "forecast",
    "holder": "the author",
    "settled_by": "Whether it fails.",
    "given": ["Trade is large."],
    "role": "thesis",
}
TRADE = {
    "id": "trade",
    "quote": "Trade tops $200bn.",
    "kind": "fact",
    "holder": "the author",
    "verdict": "qualified",
    "for": ["Trade was $245bn in 2024."],
    "against": ["Trade fell in 2025."],
    "why": "It fell later.",
    "role": "premise",
    "under": "fails",
}


def load(make_corpus: MakeCorpus, *entries: object, raw: str | None = None) -> tuple[Claim, ...]:
    text = yaml.safe_dump({"claims": list(entries)}) if raw is None else raw
    folder = make_corpus({"essay.md": ESSAY, "background/b.md": BRIEF, "claims.yaml": text})
    documents = load_corpus(folder)
    return load_claims(folder, documents, [c for d in documents for c in chunk_document(d)])


def test_a_claim_points_at_the_exact_characters_of_what_it_rests_on(
    make_corpus: MakeCorpus,
) -> None:
    thesis, trade = load(make_corpus, TRADE, THESIS)
    assert (thesis.id, trade.id) == ("fails", "trade"), "in the order of the essay"
    for quote in (trade.quote, *thesis.given, *trade.support, *trade.against):
        text = ESSAY if quote.kind == "essay" else BRIEF
        assert text[quote.start : quote.end] == quote.quote
    assert [q.quote for q in trade.support] == TRADE["for"]
    assert trade.verdict == "qualified"
    assert trade.under == thesis.id
    assert trade.to_dict()["against"][0]["quote"] == "Trade fell in 2025."


def test_a_corpus_without_a_ledger_has_no_claims(make_corpus: MakeCorpus) -> None:
    folder = make_corpus({"essay.md": ESSAY})
    assert load_claims(folder, load_corpus(folder), []) == ()


def test_a_ledger_is_not_named_among_skipped_files(
    make_corpus: MakeCorpus, caplog: pytest.LogCaptureFixture
) -> None:
    load(make_corpus, THESIS)
    assert "claims.yaml" not in caplog.text


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"quote": "Trade tops $300bn."}, "nowhere in the essay"),
        ({"quote": "Trade"}, "more than once"),
        ({"for": ["Trade is large."]}, "nowhere in the background"),
        ({"kind": "rumour"}, "`kind` is 'rumour'; it must be one of fact, cause"),
        ({"verdict": "true"}, "`verdict` is 'true'"),
        ({"for": []}, "'qualified' needs a quote in `for`"),
        ({"verdict": "disputed", "against": []}, "'disputed' needs a quote in `against`"),
        ({"why": " "}, "needs its reason"),
        ({"holder": ""}, "`holder` is missing"),
        ({"given": "Trade is large."}, "`given` must be a list"),
        ({"verdikt": "x"}, "unknown key 'verdikt'"),
        ({"under": "nobody"}, "must stand under a claim of the map"),
        ({"under": "trade"}, "must end at the thesis"),
        ({"under": ""}, "is no thesis"),
        ({"role": "thesis", "under": ""}, "needs one thesis"),
        ({"id": "fails", "role": None, "under": ""}, "two entries have the id 'fails'"),
    ],
)
def test_a_fault_is_named_with_its_entry(
    make_corpus: MakeCorpus, change: dict[str, object], complaint: str
) -> None:
    with pytest.raises(CorpusError, match=complaint.replace("$", r"\$")) as error:
        load(make_corpus, THESIS, {**TRADE, **change})
    assert "claims.yaml" in str(error.value)


@pytest.mark.parametrize("raw", ["claims: {", "- a", "claims: [1]", "claims: text"])
def test_a_file_that_holds_no_list_of_entries_is_refused(make_corpus: MakeCorpus, raw: str) -> None:
    with pytest.raises(CorpusError, match=r"claims\.yaml"):
        load(make_corpus, raw=raw)


def test_of_several_claims_in_a_span_the_gravest_comes_first(make_corpus: MakeCorpus) -> None:
    claims = load(make_corpus, THESIS, TRADE)
    assert [c.id for c in claims_in(claims, "essay", 0, len(ESSAY))] == ["trade", "fails"]
    assert claims_in(claims, "b", 0, 10) == []
    assert claims_in(claims, "essay", trade_end(claims), len(ESSAY)) == []


def trade_end(claims: tuple[Claim, ...]) -> int:
    return next(c.quote.end for c in claims if c.id == "trade")


def test_a_missing_folder_is_not_a_ledger(tmp_path: Path) -> None:
    assert load_claims(tmp_path / "none", [], []) == ()
