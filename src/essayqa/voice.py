"""Whose view a sentence of an essay states: the author's own, or one it reports."""

from __future__ import annotations

import re
from typing import Literal

# Verbs by which a writer hands a view, wish or plan to someone else.
_VIEW = (
    r"(?:appears? to |seems? to |may |might |also |still |both |clearly |once |long |never "
    r"|rather )*"
    r"(?:believe[sd]?|thinks?|thought|sees?|saw|views?|viewed|regards?|regarded|considers?|considered"
    r"|claims?|claimed|argues?|argued|says?|said|contends?|contended|insists?|insisted|holds? that"
    r"|feels?|felt|fears?|feared|hopes?|hoped|hoping|wants?|wanted|wishes|wished|seeks?"
    r"|expects?|expected|assumes?|assumed|suspects?|suspected|questions?|questioned|doubts?|doubted"
    r"|worries|worried|maintains? that|maintained that|understands?|understood|calls? it"
    r"|aims? to|aimed to|plans? to|planned to|intends? to|intended to|promises?|promised"
    r"|(?:seems?|appears?|is|are|was|were) (?:sceptical|skeptical|convinced|worried|wary))"
)
# The author's own "I", "we" and impersonal subjects are not somebody else.
_OWN = r"(?:I|we|one|it|this|that|which|there)"
_REPORTED = re.compile(
    rf"\b(?!{_OWN}\b)(?:[A-Z][\w’'.-]*|they|he|she|who|some|many|critics|supporters|leaders?|officials"
    rf"|analysts|observers|team|president|government|administration|capitals|both)"
    rf"(?:,[^,.;]{{1,60}},)? {_VIEW}\b"
)
# A plan, wish or premise named by a noun: "his vision centres on …", "the logic behind …".
_PLAN = re.compile(
    r"\b(?:\w+['’]s?|[Hh]is|[Hh]er|[Tt]heir|[Tt]he) (?:\S+ ){0,3}?"
    r"(?:vision|plan|hope|belief|view|aim|goal|idea|intention|ambition|theory)"
    r" (?:centres|centers|rests|is to|was to|is that|was that)\b"
    r"|\blogic (?:behind|of) [A-Z]"
    r"|\b(?:thaw|strategy|plan|policy|approach|view) (?:assumes|presumes|supposes)\b"
    r"|\b[Aa]ccording to (?!the (?:author|essay))"
    r"|\b[Ii]n the (?:eyes|view) of (?!the (?:author|essay))"
    r"|\bFor \w+, the (?:lesson|point|aim)\b"
    r"|\b(?:characterised|characterized|described|portrayed|hailed) as\b",
)


def essay_voice(sentence: str) -> Literal["author", "reported"]:
    """ "reported" when the sentence hands its view to someone other than the author.

    A rule of words, not of grammar: it knows the common verbs of opinion and wish and
    the nouns for plans, and takes everything else for the author's own assertion.
    """
    plain = " ".join(sentence.split())
    return "reported" if _REPORTED.search(plain) or _PLAN.search(plain) else "author"
