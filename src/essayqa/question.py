"""A reader's words, and the turns before them, to a `Question`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import unescape

from .errors import InputError
from .types import Question, Span, Turn, Whole

MAX_CHARACTERS = 2000
# How much of an earlier question is kept: the reranker reads 512 tokens in all.
EARLIER = 300

_THE_ESSAY = (
    r"(?:the|this|that|his|her|an?) (?:essay|essayist|article|author|writer|piece|text|op-?ed)"
)
# Questions about the essay as a whole, which no one sentence resembles.
_GIST = re.compile(
    r"\b(?:main|central|core|key|overall|basic) (?:argument|point|idea|claim|thesis|message|case)\b"
    r"|\bsummar|\bsum(?:s|med)? up\b|\btl;?dr\b|\bgist\b|\bin a nutshell\b"
    r"|\bin (?:a )?few words\?*$|\btake-?aways?\b"
    rf"|\bwhat(?:'s| is| does) {_THE_ESSAY} (?:about|argue|say|claim|trying to)\b[^,;]{{0,9}}$"
    r"|\bthesis\b|\bbottom line\b",
    re.IGNORECASE,
)
_CONCLUSION = re.compile(
    rf"\bconclu(?:sion|de)|\bhow does {_THE_ESSAY} (?:end|close|finish)|\bfinal (?:point|paragraph)"
    rf"|\bend of {_THE_ESSAY}",
    re.IGNORECASE,
)
_BLOCKS = re.compile(
    r"<(script|style)\b.{0,500}?</\1\s*>|</?(?:div|p|br|li|[uo]l|h\d)\b[^<>]{0,200}>",
    re.IGNORECASE,
)
_TAGS = re.compile(r"</?[a-z][^<>]{0,200}>|\[/?[A-Z]+\]")
# Where a question may begin that is buried in orders and noise, and what gives those away.
_PARTS = re.compile(r"(?<=[.!?;])\s+|\n+|\banyway\b[,:]?", re.IGNORECASE)
# Where a second question begins: after the end of the first, or "…, and why does …".
_SEVERAL = re.compile(
    r"(?<=[?!])\s+|,? (?:and|or|but)(?: then)? (?=(?:what|why|how|who|whom|whose|when|where|which"
    r"|would|did|does|do|is|are|was|were|can|could|will)\b)",
    re.IGNORECASE,
)
MOST_PARTS = 3
_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|pretend|you are (?:now|free)|you must|from now on|instructions?"
    r"|(?:answer|reply|respond) (?:only|in|with)|say that|print|lorem ipsum|sorry)\b",
    re.IGNORECASE,
)
_FRAME = re.compile(
    rf"\b(?:according to|in) {_THE_ESSAY}(?:'s (?:view|opinion|eyes))?(?!')\b,?"
    rf"|\b(?:what|how|where|when|whether) (?:does|did|do|is|would) {_THE_ESSAY} (?:\w+ly )?"
    r"(?:say|think|thinks|argue|describe|claim|believe|make of|explain|mention|see|tell us"
    r"|characteri[sz]e|portray|view)(?: (?:about|that|of|on))?\b"
    rf"|\b(?:does|did|do) {_THE_ESSAY} (?:say|think|argue|claim|believe|mention|explain|agree)"
    r"(?: (?:about|that|of))?\b"
    rf"|\bwhat(?:'s| is) {_THE_ESSAY}'s (?:view|opinion|stance|position|take|verdict)"
    r" (?:of|on|about)\b"
    rf"|\bdo you (?:think|know|believe)\b|\b{_THE_ESSAY} (?:says|argues|claims|thinks)(?: that)?\b"
    rf"|\b(?:does|would) {_THE_ESSAY} (?:accept|share|endorse|buy|reject|deny|support|back)"
    r"(?: the (?:idea|view|claim))?(?: that)?\b"
    r"|\bwhose (?:opinion|view|idea|claim|belief) is it that\b"
    rf"|\bis it {_THE_ESSAY} who (?:says|thinks|claims|believes|argues)(?: that)?\b"
    r"|\bwho is it that (?:says|thinks|claims|believes|argues)(?: that)?\b"
    rf"|[,:;]? {_THE_ESSAY},? or (?:somebody|someone|is|does) .*$",
    re.IGNORECASE,
)
_OPENING = re.compile(
    rf"\bhow does {_THE_ESSAY} (?:open|begin|start)|\b(?:opening|first|introductory)"
    r" (?:paragraph|lines?|sentences?|section)\b|\bintroduction\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{4,}")
_GREETING = re.compile(
    r"(?:(?:hi|hello|hey|good (?:morning|evening|afternoon)|thanks?(?: you)?|thx|ok(?:ay)?|bye"
    r"|goodbye|yes|no|cool|great|nice|test|there|all|a lot|very much|how are you)(?: |$))+",
    re.IGNORECASE,
)
# What a question may begin with when it continues the one before.
_CONTINUES = re.compile(
    r"(?:and|but|so|or|then|why not|why so|how so|how come|what about|how about|what else"
    r"|really|since when|according to (?:him|her|them|whom))\b",
    re.IGNORECASE,
)
# Pronouns that may point outside the question, not "this essay" or "is it true that".
_LEANS = re.compile(
    rf"(?!{_THE_ESSAY}\b)\b(?:its?|he|him|his|she|her|they|them|their|this|that|these|those|there"
    r"|then|both|neither|either|such|the same|the former|the latter)\b",
    re.IGNORECASE,
)
# Where a pronoun stands for what the essay is about: "will it work", "is this realistic".
_SUBJECT = re.compile(
    r"\b(?:(?<!\bis )(?<!\bwas )it\b(?! (?:is|was|'s|rain|snow|take) )"
    r"|(?<=\bis )it\b(?! (?:true|possible|likely|fair|right|because|that)\b)"
    r"|(?:this|that)\b(?= (?:really |ever |actually )?(?:work|succeed|fail|happen|last|realistic"
    r"|possible|likely|so|wise|naive|naïve|matter)|[?!.]*$))",
    re.IGNORECASE,
)
_FUNCTION_WORDS = re.compile(
    r"(?:an?|and|any|are|as|at|be|been|but|by|can|could|did|do|does|for|from|had|has|have|how|i|if"
    r"|in|is|me|more|much|my|no|nor|not|of|on|or|our|so|tell|than|the|then|there|to|us|was|we|were"
    r"|what|when|where|which|who|whom|whose|why|will|with|would|you|your|about|explain|please|says?"
    r"|said|won|don|doesn|isn|[ts]|many|per|through|over|some|between|into|during|while|per|it|its|he|him|his|she|her|they|them|their|this|that|these|those)"
)


def understand(
    text: str,
    history: Sequence[Turn] = (),
    *,
    topic: str = "",
    essay_only: bool = False,
    spell: Callable[[str], str] = str,
) -> Question:
    """`text` validated, with what it leaves out put back.

    `spell` gives a word as the corpus spells it.

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
    if any("\ud800" <= c <= "\udfff" for c in cleaned):
        raise InputError("the question holds half a character (a lone surrogate); type it again")
    earlier = [" ".join(turn.question.split())[:EARLIER] for turn in history]
    earlier = [question for question in earlier if _asks(question)]
    spelled = _WORD.sub(lambda word: spell(word[0]), cleaned)
    standalone = _standalone(spelled, earlier, topic)
    search = _unframed(standalone)
    return Question(
        text=cleaned,
        standalone=standalone,
        search=search,
        readings=_readings(spelled, _unframed(_standalone(spelled, earlier, ""))),
        essay_only=essay_only,
        asks=_asks(cleaned),
        whole=_whole(cleaned),
        terms=_terms(search),
    )


def _readings(text: str, whole: str) -> tuple[str, ...]:
    """`whole`, then each of the questions that `text` asks if it asks several."""
    parts = [_unframed(part.strip(" ,")) for part in _SEVERAL.split(text) if part]
    parts = [part for part in parts if len(_terms(part)) > 1 and part != whole]
    return (whole, *parts[:MOST_PARTS]) if len(parts) > 1 or whole != text else (whole,)


def _unframed(text: str) -> str:
    """`text` without what only leads the search astray: markup, orders and noise around
    the question, and the words that say whom it asks about ("the author says")."""
    plain = unescape(_TAGS.sub(" ", _BLOCKS.sub("\n", text)))
    heard = " ".join(part for part in _PARTS.split(plain) if part and not _ORDERS.search(part))
    for candidate in (_FRAME.sub(" ", heard), heard, plain):
        bare = " ".join(candidate.split()).lstrip(" ,.:;")
        if _terms(bare):
            return bare
    return text


def _asks(text: str) -> bool:
    """Whether there is anything to look up: words, and not just a greeting."""
    words = " ".join(re.sub(r"[^\w\s]", " ", text).split())
    return bool(re.search(r"[^\W\d_]{2,}|[^\W\d_]\d|\d{4}", words)) and not _GREETING.fullmatch(
        words
    )


def _whole(text: str) -> Whole:
    if _CONCLUSION.search(text):
        return "conclusion"
    if _OPENING.search(text):
        return "opening"
    return "gist" if _GIST.search(text) else ""


def _terms(text: str) -> tuple[Span, ...]:
    """The words of `text` that say what it is about."""
    words = re.finditer(r"\w+", text)
    return tuple(Span(*w.span()) for w in words if not _FUNCTION_WORDS.fullmatch(w[0].lower()))


def _standalone(text: str, earlier: Sequence[str], topic: str) -> str:
    content = _terms(text)
    continues, leans = _CONTINUES.match(text), _LEANS.search(text)
    if len(content) > 3 or not (continues or leans or not content):
        return text
    if earlier:
        before = _standalone(earlier[-1], earlier[:-1], topic)
        return f"{before[-EARLIER:]} {text}"
    if topic and (pronoun := _SUBJECT.search(text)):
        return text[: pronoun.start()] + topic + text[pronoun.end() :]
    return f"{topic}: {text}" if topic and not content else text
