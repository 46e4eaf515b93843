"""Whose view a sentence of an essay states: the author's own, or one it reports."""

from __future__ import annotations

import re
from typing import Literal

from .types import DraftSentence, Sentence

# Verbs by which a writer hands a view, wish or plan to someone else.
_VIEW = (
    r"(?:(?:appears?|seems?) to |(?:has|have|had|is|are|was|were) |may |might |also |still |both "
    r"|clearly |once |long |never |rather |largely )*"
    r"(?:believ(?:e[sd]?|ing)|thinks?|thought|thinking|sees?|saw(?! an? )|views?|viewed"
    r"|regard(?:s|ed)?|consider(?:s|ed)?|claim(?:s|ed)?|argue[sd]?|sa(?:ys?|id)|wrote|contend(?:s|ed)?"
    r"|insist(?:s|ed)?"
    r"|holds? that|feels?|felt|fear(?:s|ed|ing)?|hop(?:es?|ed|ing)|want(?:s|ed)?|wish(?:es|ed)?"
    r"|seeks?|expect(?:s|ed|ing)?|assum(?:es?|ed|ing)|suspect(?:s|ed)?|question(?:s|ed)?"
    r"|doubt(?:s|ed)?|worr(?:y|ies|ied)|maintain(?:s|ed) that|underst(?:ands?|ood)|calls? it"
    r"|(?:aim|plan|intend|promise)(?:s|ed|d)? to"
    r"|(?:seems?|appears?|is|are|was|were) (?:sceptical|skeptical|convinced|worried|wary))"
)
# The author's own "I" and "we", and subjects that name nobody, are not somebody else.
_OWN = r"(?i:I|we|one|it|this|that|these|which|there)"
_REPORTED = re.compile(
    rf"\b(?!{_OWN}\b)(?:[A-Z][\w’'.-]*|they|he|she|who|some|many|critics|[Ss]upporters|leaders?"
    r"|officials|analysts|observers|team|president|government|administration|capitals|both)"
    rf"(?: (?:of|in) (?:the )?\w+)?(?:,[^,.;]{{1,60}},)? {_VIEW}\b"
)
# A plan, wish or premise named by a noun: "his vision centres on …", "the logic behind …".
_PLAN = re.compile(
    r"(?<!in )(?<!of )(?<!with )\b(?:\w+['’]s?|[Hh]is|[Hh]er|[Tt]heir|[Tt]he) (?:\S+ ){0,3}?"
    r"(?:vision|plan|hope|belief|view|aim|goal|idea|intention|ambition|theory)"
    r" (?:centres|centers|is to|was to|is that|was that)\b"
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


def drafted(sentence: Sentence) -> DraftSentence:
    """A sentence with whose view it states."""
    background = sentence.chunk.kind == "background"
    return DraftSentence(sentence, "background" if background else essay_voice(sentence.text))
