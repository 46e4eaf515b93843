"""The cases that ship hold together, and the validator sees those that do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from essayqa import EssayQA, Turn
from evals.cases import Case, CaseError, Fact, Gold, load, validate

DOCUMENTS = {"essay": "Trade now tops $200bn."}
CASE = Case(
    id="number-1",
    kind="number",
    style="student",
    question="How much do they trade?",
    answerable=True,
    facts=(Fact("Over $200bn", (r"\$200bn",)),),
    gold_quotes=(Gold("essay", "Trade now tops $200bn."),),
    voice="author",
    history=(Turn("Hello?", "Hello."),),
)


def test_every_case_that_ships_is_sound(engine: EssayQA) -> None:
    documents = {document.id: document.text for document in engine.documents}
    cases = load("all")
    assert validate(cases, documents) == []
    assert len(cases) >= 240


def test_held_out_cases_are_not_among_those_tuned_on() -> None:
    tune, held_out = load("tune"), load("held_out")
    # A short follow-up may be the same words after another conversation.
    asked = {(case.question.casefold(), case.history) for case in tune}
    assert not any((case.question.casefold(), case.history) in asked for case in held_out)
    assert load("all") == (*tune, *held_out)
    assert len(held_out) >= len(load("all")) / 3


def test_the_fast_set_is_part_of_the_tuning_set_and_has_every_kind_of_it() -> None:
    fast, tune = load("fast"), load("tune")
    assert set(fast) <= set(tune)
    assert {case.kind for case in fast} == {case.kind for case in tune}


def test_a_sound_case_has_no_faults() -> None:
    assert validate([CASE], DOCUMENTS) == []


@pytest.mark.parametrize(
    ("case", "fault"),
    [
        (replace(CASE, gold_quotes=(Gold("essay", "Trade tops $200bn."),)), "not in 'essay'"),
        (
            replace(CASE, gold_quotes=(Gold("essay", "Trade now tops $200bn.", ("Nowhere.",)),)),
            "not in 'essay'",
        ),
        (replace(CASE, gold_quotes=(Gold("letter", "Trade"),)), "unknown document"),
        (replace(CASE, facts=(Fact("x", ("(",)),)), "does not compile"),
        (replace(CASE, facts=(Fact("x", (r"\$200bn", "rubles")),)), "does not match"),
        (replace(CASE, facts=(Fact("x", ("x*",)),)), "matches anything"),
        (replace(CASE, facts=(Fact("x", ()),)), "no pattern"),
        (replace(CASE, facts=()), "without facts"),
        (replace(CASE, voice="nobody"), "unknown voice"),
        (replace(CASE, kind="riddle"), "unknown kind"),
        (replace(CASE, style="poet"), "unknown style"),
        (replace(CASE, question=" "), "no question"),
        (replace(CASE, kind="follow_up", history=()), "without history"),
        (replace(CASE, answerable=False), "unanswerable, but"),
    ],
)
def test_the_validator_sees_a_case_that_cannot_be_scored(case: Case, fault: str) -> None:
    assert any(fault in line for line in validate([case], DOCUMENTS))


def test_two_cases_with_one_id_would_overwrite_each_other() -> None:
    assert "another case" in validate([CASE, CASE], DOCUMENTS)[0]


def test_a_case_survives_json() -> None:
    assert Case.from_dict(CASE.to_dict()) == CASE


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text('\n{"id": "x"}\n', encoding="utf-8")
    with pytest.raises(CaseError, match="line 2"):
        load(path)
    with pytest.raises(CaseError, match=r"absent\.jsonl"):
        load("absent")
