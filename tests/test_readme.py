"""The README's answers are what essayqa answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from essayqa import EssayQA
from essayqa.render import to_text

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r'\$ make ask Q="([^"]+)"\n(.*?)\n```', README, re.DOTALL)


def test_the_readme_shows_answers() -> None:
    assert len(SHOWN) >= 3


@pytest.mark.parametrize(("question", "shown"), SHOWN, ids=[question for question, _ in SHOWN])
def test_a_shown_answer_is_a_real_one(engine: EssayQA, question: str, shown: str) -> None:
    assert to_text(engine.ask(question)).split() == shown.split()
