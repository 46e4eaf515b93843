"""The README's answers are what essayqa answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from essayqa import EssayQA

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r'\$ make ask Q="([^"]+)"\n(.*?)\n```', README, re.DOTALL)


def plain(text: str) -> str:
    return " ".join(text.split())


def test_the_readme_shows_answers() -> None:
    assert len(SHOWN) >= 3


@pytest.mark.parametrize(("question", "shown"), SHOWN, ids=[question for question, _ in SHOWN])
def test_a_shown_answer_is_a_real_one(engine: EssayQA, question: str, shown: str) -> None:
    # Not to the letter: int8 models differ a little from one processor to the next, and a
    # sentence at the margin may join or leave.
    answer = engine.ask(question)
    body = plain(shown.partition("\nSources")[0])
    body = body.removeprefix("The essay does not say; background sources do. ")
    if answer.status == "declined":
        assert body.startswith(plain(answer.text))
        return
    sentence_and_marker = r"\s*(?:(?:The essay|Background): )?(.+?) \[\d+\]"
    quoted = [plain(sentence) for sentence in re.findall(sentence_and_marker, body)]
    corpus = plain(" ".join(document.text for document in engine.documents))
    assert quoted
    assert all(sentence in corpus for sentence in quoted)
    assert {plain(s.text) for s in answer.sentences} & set(quoted)
