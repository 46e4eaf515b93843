"""Claims made from the corpus by script: corrupted in one place, or honestly retold.

Each kind of change is tried on every sentence of the essay and the briefs; what comes out
is the same on every run.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from essayqa.chunks import chunk_document
from essayqa.config import bundled_corpus
from essayqa.corpus import load_corpus
from essayqa.evidence import read_sentences
from essayqa.sentences import asks, leans
from essayqa.types import Document
from essayqa.voice import essay_voice

Swapped = Literal[
    "number", "date", "name", "negation", "view dropped", "view moved", "direction", "scope"
]
Kept = Literal["itself", "framed", "clause dropped", "date dropped", "split", "units"]

PARAPHRASES = Path(__file__).with_name("paraphrases.jsonl")
MISREADINGS = Path(__file__).with_name("misreadings.jsonl")
# How many claims of a kind are made at most from one document.
MOST = 4
FEWEST_WORDS = 7


@dataclass(frozen=True, slots=True)
class Pair:
    """A claim and the sentences it cites. `kind` says how it was made, `document` from
    which; `alone` that it cites its one sentence without the neighbours."""

    kind: str
    document: str
    claim: str
    evidence: tuple[str, ...]
    supported: bool
    alone: bool = True


def _words(text: str) -> list[str]:
    return text.split()


def _pairs(text: str) -> dict[str, str]:
    """Words that stand for one another: "a:b c:d"."""
    found: dict[str, str] = {}
    for pair in text.split():
        word, found[word] = pair.split(":")
    return found


_COUNTRIES = _words("China Russia India Iran Ukraine Japan Germany France Turkey Pakistan Israel")
_ADJECTIVES = _words("Chinese Russian Indian Iranian Ukrainian Japanese German French Turkish")
_CAPITALS = _words("Beijing Moscow Delhi Tehran Kyiv Tokyo Berlin Paris Ankara Washington")
_PEOPLE = _words("Trump Biden Putin Nixon Kissinger Khrushchev Yeltsin Gorbachev Clinton Obama")
_KINDS = (_COUNTRIES, _ADJECTIVES, _CAPITALS, _PEOPLE)
# "May" is too often a verb.
_MONTHS = _words(
    "January February March April June July August September October November December"
)
_OPPOSITES = _pairs(
    """rose:fell increased:decreased increase:decrease grew:shrank more:less most:least higher:lower
    before:after largest:smallest raised:cut up:down weaken:strengthen weakened:strengthened
    above:below supported:opposed larger:smaller stronger:weaker strengthens:weakens joined:left
    deepened:loosened imported:exported imports:exports bought:sold growth:decline won:lost
    increasingly:decreasingly possible:impossible expanded:contracted accepted:rejected
    allowed:forbade early:late highest:lowest"""
)
_OPPOSITES |= {b: a for a, b in _OPPOSITES.items()}
_WIDER = _pairs(
    """may:will might:will could:will some:all many:all most:all often:always likely:certain
    partly:entirely largely:entirely sometimes:always increasingly:completely
    approximately:exactly roughly:exactly about:exactly nearly:fully"""
)
_DENIED = _pairs(
    """said:say reported:report argued:argue found:find told:tell signed:sign raised:raise
    agreed:agree took:take gave:give held:hold sold:sell bought:buy fell:fall rose:rise called:call
    put:put became:become opened:open sent:send made:make led:lead won:win met:meet joined:join
    began:begin ended:end cut:cut left:leave saw:see wrote:write"""
)
_HELD = re.compile(
    r"(?P<who>[A-Z][^,;]{2,90}?),? (?:believe[sd]?|thinks?|argue[sd]?|sa(?:ys?|id)|claim(?:s|ed)"
    r"|warn(?:s|ed)|h(?:olds?|eld)|contend(?:s|ed)|insist(?:s|ed)|predict(?:s|ed)|wrote"
    r"|conclude[sd]?|expect(?:s|ed)|maintain(?:s|ed))(?: [^,;]{0,60}?)? that (?P<what>.{25,})"
)
_HELD_LAST = re.compile(
    r"(?P<what>.{30,}), (?P<who>[^,]{3,80}) (?:argue[sd]?|said|says|warned|concluded|held"
    r"|estimated|wrote|predicted)(?: (?:in|on) [^,]{3,30})?\."
)
_SEEN = re.compile(r"(?P<who>.{3,60}?) sees? (?P<what>(?:the )?\w+) as (?P<as>.+)")


def pairs_of(documents: Sequence[Document]) -> list[Pair]:
    """Every claim made from `documents`, each with its sentence alone and with neighbours."""
    pairs = []
    for document in documents:
        sentences = [s.text for s in read_sentences(chunk_document(document))]
        draw = random.Random(document.id)
        for kind, change in (*SWAPS.items(), *KEEPS.items()):
            made = []
            for i, sentence in enumerate(sentences):
                if not _claims(sentence) or (kind == "framed" and document.kind != "essay"):
                    continue
                claim = change(sentence, draw)
                if claim and (claim != sentence or kind == "itself"):
                    around = (*sentences[max(i - 1, 0) : i], sentence, *sentences[i + 1 : i + 2])
                    made.append((claim, sentence, around))
            for claim, sentence, around in draw.sample(made, min(MOST, len(made))):
                right = kind in KEEPS
                pairs.append(Pair(kind, document.id, claim, (sentence,), right))
                pairs.append(Pair(kind, document.id, claim, around, right, alone=False))
    return pairs


def corpus_pairs() -> list[Pair]:
    """Every claim made from the bundled corpus."""
    return pairs_of(load_corpus(bundled_corpus()))


def written_pairs(file: Path) -> list[Pair]:
    """Claims written by hand, lines of {"evidence": [..], "claim": .., "supported": ..,
    "kind": ..}; none if the file is not there. `document` is the one that holds the evidence."""
    if not file.exists():
        return []
    documents = load_corpus(bundled_corpus())
    pairs = []
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        evidence = tuple(row["evidence"])
        source = next((d.id for d in documents if evidence[0] in d.text), "")
        kind = row.get("kind", "paraphrase")
        pairs.append(Pair(kind, source, row["claim"], evidence, row["supported"]))
    return pairs


def number(sentence: str, draw: random.Random) -> str:
    """Another figure for one that is not a year."""
    found = [
        m
        for m in re.finditer(r"(?<![\d.,])\d+(?:[.,]\d+)*(?![\d.,]*\d)", sentence)
        if not re.fullmatch(r"1[89]\d\d|20\d\d", m[0]) and not _day(sentence, m)
    ]
    if not found:
        return ""
    match = draw.choice(found)
    digits = match[0]
    while digits in sentence or digits.startswith("0"):
        place = draw.randrange(len(match[0]))
        if match[0][place].isdigit():
            digits = match[0][:place] + str(draw.randrange(1, 10)) + match[0][place + 1 :]
    return _put(sentence, match, digits)


def date(sentence: str, draw: random.Random) -> str:
    """Another year, month or day."""
    months = "|".join(_MONTHS)
    found = [
        *re.finditer(r"(?<![\d,.$])(?:1[89]|20)\d\d(?![\d,])", sentence),
        *re.finditer(rf"\b(?:{months})\b", sentence),
        *(m for m in re.finditer(r"\b\d{1,2}\b", sentence) if _day(sentence, m)),
    ]
    if not found:
        return ""
    match = draw.choice(found)
    new = match[0]
    while new in sentence:
        if not match[0].isdigit():
            new = draw.choice(_MONTHS)
        elif len(match[0]) == 4:
            new = str(int(match[0]) + draw.choice([-9, -5, -3, -2, -1, 1, 2, 3, 5, 9]))
        else:
            new = str(draw.randrange(1, 29))
    return _put(sentence, match, new)


def name(sentence: str, draw: random.Random) -> str:
    """Another country, capital or person of the same kind."""
    found = [
        (m, kind)
        for kind in _KINDS
        for m in re.finditer(rf"\b(?:{'|'.join(kind)})\b(?! \()", sentence)
    ]
    if not found:
        return ""
    match, kind = draw.choice(found)
    return _put(sentence, match, _other(sentence, kind, draw))


def negation(sentence: str, draw: random.Random) -> str:
    """A negation taken out, or put in where there is none."""
    if re.search(r"\bnot only\b|\bnot least\b", sentence):
        return ""
    for pattern, new in ((r"\bno longer\b", "still"), (r" (?:not|never)\b", ""), (r"\bno\b", "a")):
        if match := re.search(pattern, sentence):
            return _put(sentence, match, new)
    helper = r"\b(?:is|are|was|were|has|have|had|will|would|can|could|did|does)\b"
    if match := re.search(helper, sentence):
        return _put(sentence, match, f"{match[0]} not")
    if match := re.search(rf"\b(?:{'|'.join(_DENIED)})\b", sentence):
        return _put(sentence, match, f"did not {_DENIED[match[0]]}")
    return ""


def view_dropped(sentence: str, draw: random.Random) -> str:
    """What somebody holds, stated flatly."""
    if match := _SEEN.fullmatch(sentence):
        return _sentence(f"{match['what']} is {match['as']}")
    match = _HELD.fullmatch(sentence) or _HELD_LAST.fullmatch(sentence)
    return _sentence(match["what"]) if match else ""


def view_moved(sentence: str, draw: random.Random) -> str:
    """What somebody holds, given to somebody else."""
    match = _HELD.fullmatch(sentence) or _HELD_LAST.fullmatch(sentence)
    if not match or re.fullmatch(r"[Tt]h(?:is|at|ese)|It|He|She|They|It", match["who"]):
        return ""
    who = _other(sentence, draw.choice([_PEOPLE, _CAPITALS]), draw)
    return sentence[: match.start("who")] + who + sentence[match.end("who") :]


def direction(sentence: str, draw: random.Random) -> str:
    """A word of direction, turned into its opposite."""
    return _replaced(sentence, _OPPOSITES, draw)


def scope(sentence: str, draw: random.Random) -> str:
    """A hedge or a part made certain or whole."""
    return _replaced(sentence, _WIDER, draw)


def framed(sentence: str, draw: random.Random) -> str:
    """The sentence as its author's argument."""
    if essay_voice(sentence) != "author" or leans(sentence):
        return ""
    first, _, rest = sentence.partition(" ")
    common = first in ("The", "In", "By", "A", "Today", "At", "Throughout", "While", "Perhaps")
    return f"The author argues that {first.lower() if common else first} {rest}"


def clause_dropped(sentence: str, draw: random.Random) -> str:
    """The sentence without a relative clause at its end."""
    return re.sub(r", (?:which|who|where|whose|whereas|when) [^,]+\.$", ".", sentence)


def date_dropped(sentence: str, draw: random.Random) -> str:
    """The sentence without the day it speaks of."""
    return re.sub(r" on \d{1,2} [A-Z]\w+ \d{4}(?=[ ,.])", "", sentence, count=1)


def split(sentence: str, draw: random.Random) -> str:
    """The first of two statements that share a sentence."""
    first, *_ = sentence.split(";")
    if first == sentence:
        first, *_ = re.split(r", while (?=[A-Z]|the )", sentence)
    return first + "." if first != sentence and len(first.split()) >= FEWEST_WORDS else ""


def units(sentence: str, draw: random.Random) -> str:
    """The sentence with its figures and negations written another way."""
    for pattern, new in (
        (r"\$(\d[\d.,]*) (million|billion|trillion)", r"\1 \2 dollars"),
        (r"\$(\d[\d.,]*)bn", r"\1 billion dollars"),
        (r"(\d) per cent\b", r"\1%"),
        (r"(\d)%", r"\1 percent"),
        (r"\b(did|does|is|was|were|has|had) not\b", r"\1n't"),
        (r"\bUnited States\b", "US"),
    ):
        changed = re.sub(pattern, new, sentence)
        if changed != sentence:
            return changed
    return ""


def itself(sentence: str, draw: random.Random) -> str:
    """The sentence, unchanged."""
    return sentence


Change = Callable[[str, random.Random], str]
SWAPS: dict[Swapped, Change] = {
    "number": number,
    "date": date,
    "name": name,
    "negation": negation,
    "view dropped": view_dropped,
    "view moved": view_moved,
    "direction": direction,
    "scope": scope,
}
KEEPS: dict[Kept, Change] = {
    "itself": itself,
    "framed": framed,
    "clause dropped": clause_dropped,
    "date dropped": date_dropped,
    "split": split,
    "units": units,
}


def _claims(sentence: str) -> bool:
    """Whether a sentence says something, of which the corpus itself is not the subject."""
    long = len(sentence.split()) >= FEWEST_WORDS
    return long and not asks(sentence) and not sentence.startswith("This brief")


def _day(sentence: str, match: re.Match[str]) -> bool:
    return bool(
        re.match(rf" (?:and \d+ )?(?:{'|'.join([*_MONTHS, 'May'])})\b", sentence[match.end() :])
    )


def _other(sentence: str, kind: Sequence[str], draw: random.Random) -> str:
    """One of a kind that the sentence does not name, under any name."""
    named = {
        form
        for forms in zip_longest(_COUNTRIES, _ADJECTIVES, _CAPITALS[:9], fillvalue="-")
        if any(f in sentence for f in forms)
        for form in forms
    }
    if "United States" in sentence or "US" in sentence or "American" in sentence:
        named.add("Washington")
    return draw.choice([other for other in kind if other not in sentence and other not in named])


def _replaced(sentence: str, table: dict[str, str], draw: random.Random) -> str:
    found = list(re.finditer(rf"\b(?:{'|'.join(table)})\b", sentence))
    if not found:
        return ""
    match = draw.choice(found)
    return _put(sentence, match, table[match[0]])


def _put(sentence: str, match: re.Match[str], new: str) -> str:
    return sentence[: match.start()] + new + sentence[match.end() :]


def _sentence(text: str) -> str:
    text = text.rstrip(".")
    return text[0].upper() + text[1:] + "."
