"""A reader's words, and the turns before them, to a `Question`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .errors import InputError
from .types import Question, Turn

MAX_CHARACTERS = 2000

_ABOUT_ESSAY = re.compile(
    r"\b(?:essays?|articles?|authors?|writers?|this (?:piece|text|argument)|op-?ed|thesis"
    r"|argument of|main (?:point|argument|idea|claim))\b",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"(?:hi|hello|hey|good (?:morning|evening|afternoon)|thanks?(?: you)?|thx|ok(?:ay)?|bye"
    r"|goodbye|yes|no|cool|great|nice|test)(?: there| all| a lot| very much)?",
    re.IGNORECASE,
)
# What a question may begin with when it continues the one before.
_CONTINUES = re.compile(
    r"(?:and|but|so|or|then|why not|why so|how so|how come|what about|how about|what else"
    r"|really|since when|according to (?:him|her|them|whom))\b",
    re.IGNORECASE,
)
_LEANS = re.compile(
    r"\b(?:it|its|he|him|his|she|her|they|them|their|this|that|these|those|there|then"
    r"|both|neither|either|such|the same|the former|the latter)\b",
    re.IGNORECASE,
)
# The pronouns that can stand for what the essay is about.
_SUBJECT = re.compile(r"\b(?:it|this|that)\b", re.IGNORECASE)
_FUNCTION_WORDS = re.compile(
    r"(?:an?|and|any|are|as|at|be|been|but|by|can|could|did|do|does|for|from|had|has|have|how|i|if"
    r"|in|is|me|more|much|my|no|nor|not|of|on|or|our|so|tell|than|the|then|there|to|us|was|we|were"
    r"|what|when|where|which|who|whom|whose|why|will|with|would|you|your|about|explain|please|says?"
    r"|said|won|don|doesn|isn|[ts]|it|its|he|him|his|she|her|they|them|their|this|that|these|those)"
)


def understand(
    text: str, history: Sequence[Turn] = (), *, topic: str = "", essay_only: bool = False
) -> Question:
    """`text` validated, with what it leaves out put back.

    A question that leans on something unsaid ("why not?", "and China?", "will it work?")
    is read with the question before it in `history`, else with `topic`, what the essay
    is about, in the pronoun's place. Raises `InputError` for an empty or overlong question.
    """
    cleaned = " ".join(text.split())
    if not cleaned:
        raise InputError("the question is empty; ask something, such as 'Why won't it work?'")
    if len(cleaned) > MAX_CHARACTERS:
        raise InputError(
            f"the question has {len(cleaned)} characters; "
            f"{MAX_CHARACTERS} is the most, so ask it more briefly"
        )
    return Question(
        text=cleaned,
        standalone=_standalone(cleaned, history, topic),
        essay_only=essay_only,
        about_essay=bool(_ABOUT_ESSAY.search(cleaned)),
        asks=_asks(cleaned),
    )


def _asks(text: str) -> bool:
    """Whether there is anything to look up: words, and not just a greeting."""
    words = re.sub(r"[^\w\s]", " ", text).strip()
    return bool(re.search(r"[^\W\d_]{2,}", words)) and not _GREETING.fullmatch(words)


def _standalone(text: str, history: Sequence[Turn], topic: str) -> str:
    content = [w for w in re.findall(r"\w+", text.lower()) if not _FUNCTION_WORDS.fullmatch(w)]
    continues, leans = _CONTINUES.match(text), _LEANS.search(text)
    if len(content) > 3 or not (continues or leans or not content):
        return text
    asked = [" ".join(turn.question.split()) for turn in history if turn.question.strip()]
    if asked:
        return f"{asked[-1]} {text}"
    if topic and (pronoun := _SUBJECT.search(text)):
        return text[: pronoun.start()] + topic + text[pronoun.end() :]
    return f"{topic}: {text}" if topic and not content else text
