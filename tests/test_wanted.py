"""What questions ask of the ledger: clear ones in every sort of words, and look-alikes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from essayqa.models import OnnxEmbedder
from essayqa.wanted import ORDINARY, SORTS, Request, chances_of, read_request, word_runs

EMBEDDER = OnnxEmbedder()
HELD_OUT = Path(__file__).parents[1] / "evals" / "wanted" / "held_out.jsonl"


def read(text: str) -> Request | None:
    return read_request(text, EMBEDDER.embed_query(text))


@pytest.mark.parametrize(
    ("question", "wanted", "named"),
    [
        ("Is the $200bn figure right?", "check", True),
        ("Fact-check the claim that 70% of energy imports pass through Malacca.", "check", True),
        ("Do independent sources confirm that China is Russia's lifeline?", "check", True),
        ("What evidence does the author give for saying the plan is naive?", "evidence", True),
        ("does the writer give any proof of shared interests in AI", "evidence", True),
        ("Who disagrees with the author that Russia needs China?", "against", True),
        ("Who disagrees?", "against", False),
        ("What is the strongest case against the essay?", "against", False),
        ("What does the author get wrong?", "wrong", False),
        ("where is this essay mistaken", "wrong", False),
    ],
)
def test_what_is_wanted_of_a_claim(question: str, wanted: str, named: bool) -> None:
    assert read(question) == Request(wanted, named)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "sort"),
    [
        ("Which claims are forecasts?", "forecast"),
        ("List all the author's judgements.", "judgement"),
        ("show me the disputed claims", "disputed"),
        ("Which claims does the author make without any evidence?", "no_evidence"),
        ("What does the author concede?", "concession"),
    ],
)
def test_which_claims_are_wanted(question: str, sort: str) -> None:
    assert read(question) == Request("list", sort=SORTS[sort])


@pytest.mark.parametrize(
    "question",
    [
        "Why won't it work?",
        "What does Trump get wrong about Russia?",
        "What evidence is there that Russia depends on China?",
        "Who painted the Mona Lisa?",
        "Does the author think that Russia trusts the West?",
        "What is the main argument?",
        "How much is trade between Moscow and Beijing worth?",
    ],
)
def test_a_question_about_what_claims_say_is_ordinary(question: str) -> None:
    assert read(question) is None


def test_most_unseen_questions_are_read_rightly() -> None:
    lines = [json.loads(line) for line in HELD_OUT.read_text(encoding="utf-8").splitlines()]
    right = 0
    for line in lines[::4]:
        request = read(line["question"])
        right += line["wanted"].split(":")[0] == (request.wanted if request else ORDINARY)
    assert right / len(lines[::4]) > 0.8


def test_chances_add_up() -> None:
    text = "Is that so?"
    chances = chances_of("sort", text, EMBEDDER.embed_query(text))
    assert set(chances) == set(SORTS)
    assert sum(chances.values()) == pytest.approx(1)


def test_word_runs_are_up_to_three_words_long() -> None:
    assert word_runs("Is THAT so?") == {"is", "that", "so", "is that", "that so", "is that so"}
