"""Whether cited sentences support a claim that was written from them.

A claim is compared with its evidence word by word, by three models and by rules; fitted
weights (`python -m evals.fit_support`) make a chance of these signals. Some faults are
never let through, whatever the chance: see `FAULTS`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import combinations, pairwise
from pathlib import Path
from textwrap import wrap

from .errors import InputError
from .models import OnnxAligner, OnnxEmbedder, OnnxReranker
from .sentences import asks, leans, sentence_spans
from .types import Vectors
from .voice import essay_voice

# No sentence is longer; a model that never stops is.
MOST_WORDS = 80
THRESHOLD = 0.5
# The most that a claim with a fault can score.
FAULTY = 0.1
# Late interaction reads a text in windows of so many characters, which are at most as many
# tokens: the model takes 512.
WINDOW = 480
# From which cosine on two words say the same where they stand.
SAME = 0.8
# Within how many words a negation or a name belongs to a word.
NEAR = 4
# Of how many sentences, those that cover a claim best, each two are tried together.
CONSIDERED = 8
# What a second sentence has to add to how well the first covers a claim.
SECOND = 0.01

Names = frozenset[int | str]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _lines(text: str) -> dict[str, Names]:
    """Each word with the numbers of the groups, parted by ";", that hold it."""
    found: dict[str, Names] = {}
    for number, group in enumerate(text.split(";")):
        for word in group.split():
            found[word] = found.get(word, Names()) | {number}
    return found


# Names of one thing, or near enough that careful writers exchange them.
ALIASES = _lines(
    """china chinese beijing prc sino; russia russian russians moscow kremlin; ussr soviet soviets
    moscow kremlin; us usa american americans america washington pentagon; europe european
    europeans eu brussels; iran iranian tehran; india indian delhi; ukraine ukrainian ukrainians
    kyiv kiev; uk britain british london; france french paris; germany german berlin; japan
    japanese tokyo; west western; taiwan taiwanese taipei; africa african africans; turkey turkish
    ankara; israel israeli; pakistan pakistani; kazakhstan kazakh astana; korea korean; vietnam
    vietnamese hanoi; syria syrian damascus; brazil brazilian; poland polish; hungary hungarian;
    mongolia mongolian; tajikistan tajik dushanbe; georgia georgian tbilisi; saudi riyadh;
    uzbekistan tashkent; kyrgyzstan kyrgyz bishkek; mali malian bamako; egypt egyptian cairo;
    serbia serbian; asia asian; un; nato; trump; biden; putin; nixon; kissinger; khrushchev; stalin;
    gorbachev; yeltsin; clinton; bush; obama; xi jinping; mao zedong; deng xiaoping; zhou enlai;
    zelensky zelenskyy"""
)
# Opposites, by stem: groups stand in pairs.
POLES = _lines(
    """rise rose risen increas grow grew grown growth climb gain expand up jump surg doubl more
    higher larger widen strengthen rais deepen greater boost improv; fall fell fallen decreas declin
    drop shrink shrank reduc cut lower less fewer smaller weaken undermin narrow contract plung
    slump down worsen diminish; befor prior; after follow sinc; support back favour favor approv
    agre accept endors welcom; oppos reject refus; join enter; leav left quit withdraw withdrew;
    start began begin begun open launch; end stop close finish; success succeed; fail failur;
    won win victori; lost lose defeat; allow permit let; ban bar forbid forbad prohibit block
    prevent; strong stronger; weak weaker; abov; below; possibl; imposs; like; unlik; north
    northern; south southern; east eastern eastward; west western westward; includ; exclud; larg
    largest big biggest most; small smallest least; first; last; earli earlier; late later; high
    highest; low lowest; import buy bought; export sell sold; impos; lift remov eas; trust; distrust
    mistrust; attract toward; away apart; convinc; sceptic skeptic"""
)
_MONTHS = _set(
    "january february march april may june july august september october november december"
)
_TITLES = _MONTHS | _set(
    """president premier prime minister secretary leader general chairman chancellor mr mrs ms dr
    foreign state defence defense ambassador king senator governor professor sir former today yet
    unlike such half despite instead moreover however because during their"""
)
_STOP = _set(
    """a an the in on at by of for from with and or but as if when while since after before although
    though this that these those its it he she they his her their both one is are was were be been
    being has have had do does did will would can could may might shall should must to into than
    then so which who whom whose what where how why also just very any each other own same out under
    over about between through during per s them him me my your our i we you there not no some many
    most all more up"""
)
_SPEAKER = _set("i my me you your we our")
_NEGATORS = _set("not no never neither nor without none nobody nothing hardly barely")
_NOT_NEGATED = _set("only least just so")
# Words that deny by their meaning, so that "failed to" may stand for "did not".
_DENIALS = re.compile(
    r"(?:refus|den[iy]|fail|reject|lack|declin|prevent|avoid|stop|ceas|disput|doubt|oppos|impossib"
    r"|unable|unlike|unwill|unclear|uncertain|unmention|untouch|unwritten|abandon|instead|rather"
    r"|absen|little|few|hard|beyond|distrust|mistrust|disagree|disappear|dissat|incap|loath|reluct"
    r"|withh|forb)|(?:ban|bans|banned|bar|bars|barred|most|minimum|far|free|only|too|short|still|yet)$"
)
_CERTAIN = _set(
    """all every always never only none entirely completely whole must fully will certain certainly
    exactly any"""
)
_HEDGES = _set(
    """may might could can some many most several sometimes often partly likely probably possibly
    perhaps seem seems seemed appear appears appeared suggest suggests about roughly nearly almost
    would if potentially largely mainly mostly increasingly approximately tend tends estimated"""
)
_MAY = _set("may might could can would")
_COUNTS = {
    word: float(value)
    for value, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    )
} | {"eleven": 11.0, "twelve": 12.0, "twenty": 20.0, "thirty": 30.0, "forty": 40.0, "fifty": 50.0}
# A claim may speak of a fraction or a span of time where its evidence has a figure.
_FRACTION = re.compile(r"tenth|fifth|quarter|third|half|halv|decade|year|century")
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_SCALES |= {"k": 1e3, "m": 1e6, "bn": 1e9, "tn": 1e12}
# What stands on both sides alike: "relations between A and B".
_MUTUAL = re.compile(r"relat|share|meet|met|trade|allianc|tie|partner|orbit")
_CLAUSE = re.compile(r", (?:while|whereas|although|though|but)\b")

_PLAIN = (
    (r"[’‘]", "'"),
    (r"[“”]", '"'),
    (r"\s+", " "),
    (r"\bU\.S\.(?:A\.)?|\b(?:[Tt]he )?United States(?: of America)?\b", "US"),
    (r"\b(?:[Tt]he )?Soviet Union\b", "USSR"),
    (r"\bUnited Nations\b", "UN"),
    (r"\bEuropean Union\b", "EU"),
    (r"\bUnited Kingdom\b", "UK"),
    (r"\bWhite House\b", "Washington"),
    (r"\b(?:cannot|can't)\b", "can not"),
    (r"\bwon't\b", "will not"),
    (r"(\w)\s?n't\b", r"\1 not"),
    # "1969-74" names both years.
    (r"\b(\d\d)(\d\d)[-–](\d\d)\b", r"\1\2 to \1\3"),
)
# What a claim may say first of whose text it is from.
_FRAME = re.compile(
    r"(?:the (?:author|essay|article|writer|piece|essayist) (?:also |further |then )?"
    r"(?:argue|say|claim|write|maintain|believe|state|note|explain|add|conclude|contend)s? that"
    r"|according to the (?:author|essay|article|writer),) ",
    re.IGNORECASE,
)
_WORD = re.compile(r"\d+(?:[.,]\d+)*(?:s\b)?|[^\W\d_]+")
_QUOTED = re.compile(r"\"([^\"]{3,})\"|(?<!\w)'([^']{3,}?)'(?!\w)")
_FIGURE = re.compile(
    r"(\d+(?:,\d{3})*(?:\.\d+)?)(?:[\s-]?(thousand|million|billion|trillion|k|m|bn|tn)\b)?"
)
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_ROUGHLY = re.compile(
    r"\b(?:about|around|roughly|nearly|almost|some|over|under|than|approximately|close to|least)"
    r"(?: \w+)? [^\w\s]?$"
)
# Verbs by which a sentence hands a view or a wish to somebody.
_HOLDS = (
    r"(?:believe[sd]?|thinks?|thought|argue[sd]?|claim(?:s|ed)?|contend(?:s|ed)?|insist(?:s|ed)?"
    r"|sa(?:ys?|id)|h(?:olds?|eld)(?= (?:\w+ ){0,4}that)|maintain(?:s|ed)(?= that)|fear(?:s|ed)?"
    r"|expect(?:s|ed)?|warn(?:s|ed)?|predict(?:s|ed)?|conclude[sd]?|suggest(?:s|ed)?|wrote|told"
    r"|hope[sd]?|want(?:s|ed)?|sees?|saw|views?|regard(?:s|ed)?|consider(?:s|ed)?|assume[sd]?"
    r"|suspect(?:s|ed)?|judge[sd]?|found(?= (?:\w+ ){0,4}that)|understands?|understood|feels?|felt"
    r"|doubt(?:s|ed)?)"
)
_HELD = re.compile(
    r"(?:^|, |\b(?:and|but|while|whereas|although|as) )"
    r"(?P<who>(?!(?:I|[Ww]e|[Ii]t|[Tt]h(?:is|at|ese)|which|there) )(?:(?!, | that ).){2,110}?) "
    rf"(?:(?:appears?|seems?) to |also |both |clearly |now |has |had |have )*{_HOLDS}\b"
)
_HELD_BEFORE = re.compile(
    r", (?P<who>(?:(?!, ).){3,90}?) (?:argue[sd]?|said|says|warned|concluded|held|estimated|wrote"
    r"|predicted|believes?|thinks?)(?: (?:in|on) [^,]{3,40})?\.?$"
)
# What shows that a claim says whose view it is.
_VIEW = re.compile(
    rf"\b(?:{_HOLDS}|(?:accus|declar|announc|propos|convinc|prais|critici|describ|assum|suspic|worr"
    r"|recogni|attribut|suppos|desir|argu|calculat|estimat|promis|judg|belie[fv])\w+|(?:recommend"
    r"|complain|reckon|seek|assert|wish|remark|observ|comment|assess|forecast|explain|admit|label"
    r"|recall|maintain|advis|inten[dt]|s[ck]eptic)\w*|plan(?:s|ned|ning)?|aim(?:s|ed)?|(?:re)?view"
    r"(?:s|ed|ing)?|den(?:y|ies|ied)|urg(?:e[sd]?|ing)|(?:caution|treat|report|record|confirm|add|ask"
    r"|answer)(?:s|ed)|look(?:s|ed)? (?:up)?(?:on|to|for)|call(?:s|ed|ing)|blam(?:e[sd]?|ing)"
    r"|question(?:s|ed)|hop(?:es?|ed|ing)|finds?|found|point(?:s|ed)? (?:out|to)|counts|counted"
    r"|knows?|grasps?|puts?|noted?|notes|repl(?:y|ies|ied)|agree[sd]?|trac(?:es|ed)|dispute[sd]?"
    r"|according|vision|logic|eyes|opinion|thinking|reasoning|lessons?|taught"
    r"|sought|strategy|by the word|afraid|contention"
    r"|conclusion|account|saying|quoted|regarding|holds?|held|reads? .{1,30} as)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a text: its stem, where it stands, what it names if it is a name."""

    text: str
    lower: str
    stem: str
    start: int
    sentence: int
    names: Names

    @property
    def content(self) -> bool:
        return self.text == "US" or self.lower not in _STOP

    @property
    def poles(self) -> Names:
        return POLES.get(self.stem, Names())

    @property
    def number(self) -> str:
        """What kind of number it is, "" if it is none."""
        if self.text[0].isdigit():
            return "year" if _YEAR.fullmatch(self.text) else "figure"
        return "month" if self.lower in _MONTHS and self.text[0].isupper() else ""


@dataclass(frozen=True)
class _Compared:
    """A claim's words against its evidence's. `similar` are cosines, shape (claim words,
    evidence words); `weights` what each of the claim's words counts for; `best` the one or
    two sentences that cover the claim best."""

    claim: str
    sentences: tuple[str, ...]
    words: tuple[_Word, ...]
    evidence: tuple[_Word, ...]
    similar: Vectors
    weights: Vectors
    best: tuple[int, ...]

    @property
    def source(self) -> str:
        """The sentences that cover the claim best."""
        return " ".join(self.sentences[i] for i in self.best)

    @cached_property
    def kept(self) -> list[int]:
        """Which of the evidence's words are in the best sentences."""
        return [i for i, word in enumerate(self.evidence) if word.sentence in self.best]

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Where each word stands in the best sentences."""
        places: dict[str, list[int]] = {}
        for i in self.kept:
            places.setdefault(self.evidence[i].lower, []).append(i)
        return places

    @cached_property
    def openings(self) -> list[int]:
        """The place before each of the best sentences."""
        numbers = [word.sentence for word in self.evidence]
        return [numbers.index(sentence) - 1 for sentence in self.best]

    def mirrored(self) -> _Compared:
        """The best sentences against the claim."""
        words = tuple(replace(w, sentence=self.best[0]) for w in self.words)
        kept = self.kept
        evidence = tuple(self.evidence[i] for i in kept)
        return replace(self, words=evidence, evidence=words, similar=self.similar[:, kept].T)

    def near(self, word: int) -> int:
        """The evidence's word that says most nearly the same."""
        return int(self.similar[word].argmax())

    def same(self, word: int) -> int | None:
        """The evidence's word that says the same as the claim's, if there is one."""
        twins = [i for i, w in enumerate(self.evidence) if w.stem == self.words[word].stem]
        if twins:
            return max(twins, key=lambda i: float(self.similar[word, i]))
        near = self.near(word)
        return near if self.similar[word, near] >= SAME else None

    def slot(self, word: int) -> range | None:
        """Where in the evidence the claim's word would stand: between the words of content
        that are on either side of it in both, or after the opening of a sentence. None if it
        stands there."""
        sides = []
        for step in (-1, 1):
            beside = range(word + step, word + step * (NEAR + 2), step)
            content = [k for k in beside if 0 <= k < len(self.words) and self.words[k].content]
            sides.append(next((k for k in content if self.words[k].lower in self.places), None))
        left, right = sides
        if right is None or (left is None and word > 1):
            return None
        before = self.places[self.words[left].lower] if left is not None else self.openings
        ends = [
            range(a + 1, b)
            for a in before
            for b in self.places[self.words[right].lower]
            if 1 <= b - a <= right - (-1 if left is None else left) + 2
        ]
        if len(ends) != 1 or len(ends[0]) > NEAR:
            return None
        here = self.evidence[ends[0].start : ends[0].stop]
        return None if any(w.lower == self.words[word].lower for w in here) else ends[0]

    def around(self, slot: range, reach: int = 0) -> tuple[_Word, ...]:
        """The evidence's words in a slot and up to `reach` before and after it."""
        return self.evidence[max(0, slot.start - reach) : slot.stop + reach]

    def instead(self, word: int) -> tuple[_Word, ...]:
        """The words in the slot of the claim's word."""
        slot = self.slot(word)
        return self.around(slot) if slot else ()


class Support:
    """Tells whether evidence supports a claim. Safe across threads."""

    def __init__(
        self,
        aligner: OnnxAligner | None = None,
        reranker: OnnxReranker | None = None,
        embedder: OnnxEmbedder | None = None,
    ) -> None:
        """`embedder` is asked only which words are common."""
        self._aligner = aligner or OnnxAligner()
        self._reranker = reranker or OnnxReranker()
        self._embedder = embedder or OnnxEmbedder()

    def score(self, claim: str, evidence: Sequence[str]) -> float:
        """The chance in [0, 1] that `evidence`, spans read together and each alone, supports
        `claim`; 0 without evidence. Raises `InputError` for a claim without words."""
        return self._chance(self._compare(claim, evidence))

    def supported(self, claim: str, evidence: Sequence[str], *, reported: bool = False) -> bool:
        """Whether `claim` may be shown as what `evidence` says. `reported` says that the
        evidence hands its view to somebody, so that a claim which states it as a fact fails."""
        compared = self._compare(claim, evidence)
        if reported and compared and _flat(compared):
            return False
        return self._chance(compared) >= THRESHOLD

    def faults(self, claim: str, evidence: Sequence[str]) -> tuple[str, ...]:
        """Those of `FAULTS` that the claim has."""
        signals = self.signals(claim, evidence)
        return tuple(name for name in FAULTS if signals.get(name))

    def signals(self, claim: str, evidence: Sequence[str]) -> dict[str, float]:
        """What the chance is made of, by name; nothing without evidence."""
        return self._signals(self._compare(claim, evidence))

    def _chance(self, compared: _Compared | None) -> float:
        if compared and len(compared.words) > MOST_WORDS:
            return 0.0
        return chance(self._signals(compared), *_weights())

    def _signals(self, compared: _Compared | None) -> dict[str, float]:
        if compared is None:
            return {}
        (relevance,) = self._reranker.score(compared.claim, [compared.source])
        return {
            "relevance": _logit(float(relevance)),
            **_cover(compared),
            **_manner(compared),
            **{name: float(found(compared)) for name, found in FAULTS.items()},
        }

    def _compare(self, claim: str, spans: Sequence[str]) -> _Compared | None:
        """The claim's words against the evidence's; None if either has none of content."""
        import numpy as np

        claim = _plain(claim)
        if not _WORD.search(claim):
            raise InputError("a claim to check needs words; this one has none")
        claim = _FRAME.sub("", claim)
        sentences = tuple(dict.fromkeys(s for span in spans for s in _sentences(_plain(span))))
        if not any(_WORD.search(s) for s in sentences):
            return None
        (words, rows), (evidence, have) = self._read(_sentences(claim), sentences)
        similar = rows @ have.T
        counts = [w.content * (1 if self._embedder.knows(w.lower) else 2) for w in words]
        if not any(counts):
            return None
        weights = np.array(counts, dtype=np.float32)
        of = np.array([w.sentence for w in evidence])
        numbers = np.unique(of)
        covered = np.stack([similar[:, of == n].max(axis=1) for n in numbers], axis=1)
        first = np.argsort(-(weights @ covered), kind="stable")[:CONSIDERED]
        sets = [*((int(i),) for i in sorted(first)), *combinations(sorted(map(int, first)), 2)]
        cover = [
            float(weights @ covered[:, s].max(axis=1) / weights.sum()) - SECOND * len(s)
            for s in sets
        ]
        best = tuple(int(numbers[i]) for i in sets[int(np.argmax(cover))])
        return _Compared(claim, sentences, tuple(words), tuple(evidence), similar, weights, best)

    def _read(self, *texts: Sequence[str]) -> list[tuple[list[_Word], Vectors]]:
        """Of each text's sentences the words and a unit vector of each, the mean of its
        tokens', shape (words, 384). All are read in one call, several at once."""
        import numpy as np

        windows = [[(text, window) for window in _windows(text)] for text in texts]
        parts = [" ".join(text[i] for i in window) for of in windows for text, window in of]
        tokens = dict(zip(parts, self._aligner.embed_texts(parts), strict=True))
        read = []
        for text, of in zip(texts, windows, strict=True):
            words, vectors = _words(text), []
            for _, window in of:
                part = " ".join(text[i] for i in window)
                shift = sum(len(text[i]) + 1 for i in range(window.start))
                starts = np.array([w.start - shift for w in words if w.sentence in window])
                rows = np.zeros((len(starts), 384), dtype=np.float32)
                for vector, (start, end) in zip(
                    tokens[part], self._aligner.offsets(part), strict=True
                ):
                    if end > start:
                        # A token may stand for two words, as in "200bn".
                        first = max(int(np.searchsorted(starts, start, side="right")) - 1, 0)
                        rows[first : int(np.searchsorted(starts, end))] += vector
                lengths = np.linalg.norm(rows, axis=1, keepdims=True)
                vectors.append(rows / np.maximum(lengths, 1e-9))
            read.append((words, np.concatenate(vectors)))
        return read


def chance(signals: Mapping[str, float], constant: float, weights: Mapping[str, float]) -> float:
    """The chance in [0, 1] that fitted weights give to a claim's signals."""
    if not signals:
        return 0.0
    total = constant + sum(weight * signals[name] for name, weight in weights.items())
    found = 1 / (1 + math.exp(-total))
    return min(found, FAULTY) if any(signals[name] for name in FAULTS) else found


def _cover(c: _Compared) -> dict[str, float]:
    """How well the best sentences cover the claim's words: in all by meaning and by stem,
    the worst covered, how many are unlike all words there, how many keep their order."""
    import numpy as np

    local = c.similar[:, c.kept].max(axis=1)
    worst = np.sort(local[c.weights > 0])
    stems = {c.evidence[i].stem for i in c.kept}
    new = np.array([w.stem not in stems for w in c.words])
    total = float(c.weights.sum())
    steps = np.diff(c.similar.argmax(axis=1))
    return {
        "cover": float(c.weights @ local) / total,
        "worst": float(worst[:3].mean()),
        "unlike": float((worst < SAME).sum()),
        "stems": 1 - float(c.weights @ new) / total,
        "new_words": math.log1p(float(c.weights @ new)),
        "in_order": float(np.mean((steps > 0) & (steps <= 2))) if len(steps) else 1.0,
    }


def _manner(c: _Compared) -> dict[str, float]:
    """The manner of a claim that asserts nothing, or more than its evidence."""
    words = {w.lower for w in c.words}
    source = {c.evidence[i].lower for i in c.kept}
    sentences = _sentences(c.claim)
    return {
        "length": math.log(len(c.words)),
        "sentences": math.log(len(sentences)),
        "asks": float(any(asks(s) for s in sentences)),
        "speaker": float(bool((words & _SPEAKER) - {w.lower for w in c.evidence})),
        "widened": float(len((words & _CERTAIN) - source)),
        "hedge_dropped": float(bool(source & _HEDGES) and not words & _HEDGES),
        "names_missing": float(len(_missing_names(c))),
        "figures_missing": float(len(_missing_figures(c))),
    }


def _missing_figures(c: _Compared) -> list[float]:
    """The claim's figures that the evidence lacks; "about" allows for rounding."""
    have = _numbers(c)
    return [
        value
        for value, roughly in _figures(c.claim)
        if value not in have
        and not (roughly and any(abs(value - h) <= 0.03 * h for h in have if not 1500 < h < 2100))
    ]


def _wrong_figure(c: _Compared) -> bool:
    """A figure or month that the evidence lacks, or has elsewhere and another here."""
    lowers = {w.lower for w in c.evidence}
    for i, word in enumerate(c.words):
        kind = word.number if word.lower in lowers else ""
        if kind and any(w.number == kind for w in c.instead(i)):
            return True
    months = {w.lower for w in c.words if w.number == "month"}
    return bool(_missing_figures(c) or months - lowers)


def _wrong_count(c: _Compared) -> bool:
    """A number in words where the evidence has another."""
    have = _numbers(c)
    for i, word in enumerate(c.words):
        following = " ".join(w.lower for w in c.words[i + 1 : i + 3])
        if _FRACTION.search(following) or following.split(" ")[0] in _COUNTS:
            continue
        near = c.evidence[c.near(i)]
        value = _COUNTS.get(word.lower, 1.0)
        if value > 1 and value not in have and (near.lower in _COUNTS or near.text.isdigit()):
            return True
    return False


def _missing_names(c: _Compared) -> list[str]:
    """The claim's names that stand for nothing the evidence names."""
    have = {name for w in c.evidence for name in w.names} | {w.lower for w in c.evidence}
    have |= _spelled(c)
    starts = {w.lower[:4] for w in c.evidence if len(w.lower) > 3}
    return [
        w.text
        for w in c.words
        if w.names and not {w.lower, *w.names} & have and w.lower[:4] not in starts
    ]


def _spelled(c: _Compared) -> set[str]:
    """The claim's acronyms of names that the evidence spells out, and the other way round."""
    runs = _acronyms(c.claim)
    return {*_acronyms(" ".join(c.sentences))}.union(
        *(runs[w.lower] for w in c.evidence if w.lower in runs)
    )


def _wrong_name(c: _Compared) -> bool:
    """A name that the evidence lacks, or has elsewhere and another here."""
    # A sentence that leans on another ("He …") may mean a name that it lacks.
    if _missing_names(c) and not leans(c.sentences[0]):
        return True
    spelled = _spelled(c)
    for i, word in enumerate(c.words):
        slot = c.slot(i) if word.names and word.lower not in spelled else None
        others = [w.names for w in c.around(slot) if w.names] if slot else []
        # Names joined by "and" may come in any order.
        if slot and others and not any(w.names & word.names for w in c.around(slot, NEAR)):
            return True
    return False


def _misquoted(c: _Compared) -> bool:
    """Words in quotation marks that the evidence does not hold; titles are no quotations."""
    source = f" {_bare(' '.join(c.sentences))} "
    for double, single in _QUOTED.findall(c.claim):
        for part in re.split(r"\[?(?:\.\.\.|…)\]?", double or single):
            title = all(w[0].isupper() or w in _STOP for w in _WORD.findall(part))
            if _bare(part) and not title and f" {_bare(part)} " not in source:
                return True
    return False


def _negation_flipped(c: _Compared) -> bool:
    """What one side denies and the other does not."""
    return _denied_alone(c) or _denied_alone(c.mirrored())


def _denied_alone(c: _Compared) -> bool:
    """Whether the claim denies something that the evidence does not."""
    for i, word in enumerate(c.words):
        following = c.words[i + 1 : i + 1 + NEAR]
        if word.lower not in _NEGATORS or {w.lower for w in following[:1]} & _NOT_NEGATED:
            continue
        slot = c.slot(i)
        if slot is not None:
            if not _denies(c.around(slot, NEAR)) or (
                len(slot) < NEAR and not _denies(c.around(slot))
            ):
                return True
            continue
        denied = next((i + 1 + k for k, w in enumerate(following) if w.content), None)
        twin = c.same(denied) if denied else None
        if denied and twin is not None and c.evidence[twin].stem == c.words[denied].stem:
            sentence = c.evidence[twin].sentence
            if not _denies([w for w in c.evidence if w.sentence == sentence]):
                return True
    return False


def _denies(words: Sequence[_Word]) -> bool:
    return any(w.lower in _NEGATORS or _DENIALS.match(w.lower) for w in words)


def _turned(c: _Compared) -> bool:
    """A word of direction where the evidence has its opposite."""
    held = {pole for i in c.kept for pole in c.evidence[i].poles}
    for i, word in enumerate(c.words):
        if not word.poles or _NEGATORS & {w.lower for w in c.words[max(0, i - NEAR) : i]}:
            continue
        opposite = {pole ^ 1 for pole in word.poles if isinstance(pole, int)}
        here = {pole for w in c.instead(i) for pole in w.poles}
        if opposite & here and not word.poles & here:
            return True
        others = [j for j in c.kept if opposite & c.evidence[j].poles]
        if others and not word.poles & held:
            j = max(others, key=lambda j: float(c.similar[i, j]))
            beside = [k for k in (i - 2, i - 1, i + 1, i + 2) if 0 <= k < len(c.words)]
            twins = [c.same(k) for k in beside if c.words[k].content]
            if any(twin is not None and 0 < abs(twin - j) <= NEAR for twin in twins):
                return True
    return False


def _overstated(c: _Compared) -> bool:
    """A word of certainty or wholeness where the evidence has a hedge."""
    for i, word in enumerate(c.words):
        if word.lower not in _CERTAIN:
            continue
        if any(w.lower in _HEDGES for w in c.instead(i)):
            return True
        done = next((w for w in c.words[i + 1 : i + NEAR] if w.content), None)
        twins = [j for j, w in enumerate(c.evidence) if done and w.stem == done.stem]
        before = [{w.lower for w in c.evidence[max(0, j - NEAR) : j]} for j in twins]
        if word.lower == "will" and before and all(b & _MAY and "will" not in b for b in before):
            return True
    return False


def _roles_swapped(c: _Compared) -> bool:
    """Two names that have changed sides of the same word."""
    for i, word in enumerate(c.words):
        twins = [j for j, other in enumerate(c.evidence) if other.stem == word.stem]
        if len(twins) != 1 or word.names or not word.content or _MUTUAL.match(word.stem):
            continue
        (left, right), (other_left, other_right) = (
            _beside(c.words, i),
            _beside(c.evidence, twins[0]),
        )
        crossed = left & other_right and right & other_left
        kept = left & right or left & other_left or right & other_right
        if crossed and not kept and _passive(c.words, i) == _passive(c.evidence, twins[0]):
            return True
    return False


def _flat(c: _Compared) -> bool:
    """Whether a claim states a view as a fact, given that its evidence reports one: unless
    it rests on a sentence that reports none, beside one that does."""
    views = [essay_voice(sentence) == "reported" for sentence in c.sentences]
    return not _says_whose(c.claim) and (not any(views) or all(views[i] for i in c.best))


def _says_whose(claim: str) -> bool:
    """Whether a claim has a word of view, wish or report."""
    return bool(_VIEW.search(claim)) or essay_voice(claim) == "reported"


def _holder_lost(c: _Compared) -> bool:
    """A view that the evidence gives to somebody, stated flatly or given to another."""
    named = _named(c.claim)
    cuts = [0, *(m.start() for m in _CLAUSE.finditer(c.claim)), len(c.claim)]
    for start, end in pairwise(cuts):
        clause = c.claim[start:end]
        # What the claim says is held, or all of it.
        within = [(start + a, start + b) for _, a, b in _views(clause)] or [(start, end)]
        mine = [
            i
            for i, w in enumerate(c.words)
            if c.weights[i] and any(a <= w.start < b for a, b in within)
        ]
        says = _says_whose(clause)
        claimed = Names().union(*(_named(clause[slice(*who)]) for who, *_ in _views(clause)))
        told = []
        for holder in _holders(c, mine) if len(mine) >= 3 else []:
            # "Chinese Foreign Minister Wang Yi" is Wang Yi; "China" may stand for him as well.
            person = Names(name for name in holder if isinstance(name, str)) or holder
            known = bool(person & named or holder & claimed)
            told.append(_says_whose(c.claim) if known else says and not holder)
        if told and not any(told):
            return True
    return False


def _holders(c: _Compared, mine: Sequence[int]) -> list[Names]:
    """Who holds, in the best sentences, what these of the claim's words say."""
    import numpy as np

    held = []
    for number in c.best:
        local = [w.sentence == number for w in c.evidence]
        first = sum(len(s) + 1 for s in c.sentences[:number])
        for who, start, end in _views(c.sentences[number]):
            within = [start <= w.start - first < end for w in c.evidence]
            inside = np.array(local) & np.array(within)
            if not inside.any():
                continue
            outside = c.similar[:, ~inside].max(axis=1, initial=0)
            fits = c.similar[:, inside].max(axis=1) >= outside - 0.03
            if fits[list(mine)].mean() > 0.75:
                held.append(_named(c.sentences[number][slice(*who)]))
    return held


def _views(sentence: str) -> list[tuple[tuple[int, int], int, int]]:
    """For each view that a sentence reports: where its holder stands, and where it does."""
    found = []
    for match in _HELD.finditer(sentence):
        other = _CLAUSE.search(sentence, match.end())
        found.append((match.span("who"), match.end(), other.start() if other else len(sentence)))
    if before := _HELD_BEFORE.search(sentence):
        found.append((before.span("who"), 0, before.start()))
    return found


def _named(text: str) -> Names:
    """Everything that a text names, a person by each part of the name."""
    words = _words([text])
    other = _TITLES | ALIASES.keys()
    parts = [w.lower for w in words if w.text[0].isupper() and w.content and w.lower not in other]
    return Names(parts).union(*(w.names for w in words))


# The faults that no chance outweighs, and what tells them.
FAULTS = {
    "figure": _wrong_figure,
    "count": _wrong_count,
    "name": _wrong_name,
    "quotation": _misquoted,
    "negation": _negation_flipped,
    "direction": _turned,
    "scope": _overstated,
    "roles": _roles_swapped,
    "holder": _holder_lost,
}


def _beside(words: Sequence[_Word], place: int) -> tuple[Names, Names]:
    """What the nearest names before and after a word name."""
    before = words[max(0, place - NEAR - 2) : place][::-1]
    after = words[place + 1 : place + NEAR + 3]
    return (
        next((w.names for w in before if w.names), Names()),
        next((w.names for w in after if w.names), Names()),
    )


def _passive(words: Sequence[_Word], place: int) -> bool:
    return any(w.lower == "by" for w in words[place + 1 : place + 1 + NEAR])


def _plain(text: str) -> str:
    """`text` on one line, with one spelling for what has several."""
    for pattern, plain in _PLAIN:
        text = re.sub(pattern, plain, text)
    return text.strip()


def _bare(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


def _sentences(text: str) -> list[str]:
    """The sentences of a text, cut where they are longer than a window."""
    sentences = [text[span.start : span.end] for span in sentence_spans(text)]
    return [part for s in sentences for part in wrap(s, WINDOW)]


def _windows(sentences: Sequence[str]) -> list[range]:
    """The sentences' numbers, in groups short enough to be read at once."""
    windows: list[range] = []
    size = WINDOW
    for i, sentence in enumerate(sentences):
        size += len(sentence) + 1
        if size > WINDOW + 1:
            windows.append(range(i, i + 1))
            size = len(sentence) + 1
        else:
            windows[-1] = range(windows[-1].start, i + 1)
    return windows


def _words(sentences: Sequence[str]) -> list[_Word]:
    """The words of sentences joined by a space."""
    import Stemmer

    # A stemmer is not safe across threads, and quick to make.
    stem = Stemmer.Stemmer("english").stemWord
    words: list[_Word] = []
    start = 0
    for number, sentence in enumerate(sentences):
        found = list(_WORD.finditer(sentence))
        for i, match in enumerate(found):
            lower = match[0].lower()
            names = _names(found, i, sentence)
            words.append(_Word(match[0], lower, stem(lower), start + match.start(), number, names))
        start += len(sentence) + 1
    return words


def _names(found: Sequence[re.Match[str]], i: int, sentence: str) -> Names:
    """What a word names: numbers of `ALIASES`, or itself; nothing if it is no name."""
    text, lower = found[i][0], found[i][0].lower()
    if not text[0].isupper() or len(text) < 2:
        return Names()
    if lower in ALIASES and (lower != "us" or text == "US"):
        return ALIASES[lower]
    # A word that begins a sentence is mostly no name, unless it is an acronym.
    if lower in _TITLES or lower in _STOP or (i == 0 and not text.isupper()):
        return Names()
    # Of a name of several words the last has to agree.
    if i + 1 < len(found):
        after = found[i + 1]
        joined = sentence[found[i].end() : after.start()] in (" ", "-")
        if joined and re.match("[A-Z].", after[0]) and after[0].lower() not in _TITLES:
            return Names()
    return Names({lower})


def _acronyms(text: str) -> dict[str, list[str]]:
    """The words of names of several words, by the initials of those with a capital."""
    runs = re.findall(r"(?!The )(?:[A-Z][a-z]+(?: of| for| the| and)*[ -])+[A-Z][a-z]+", text)
    found = [[w.lower() for w in re.findall(r"[A-Z][a-z]+", run)] for run in runs]
    return {"".join(w[0] for w in words): words for words in found}


def _figures(text: str) -> list[tuple[float, bool]]:
    """The figures of a text, and whether each is said to be a rough one."""
    return [
        (
            round(float(m[1].replace(",", "")) * _SCALES.get(m[2], 1.0), 6),
            bool(_ROUGHLY.search(text, 0, m.start())),
        )
        for m in _FIGURE.finditer(text)
    ]


def _numbers(c: _Compared) -> set[float]:
    """The evidence's numbers, in figures and in words."""
    counts = {_COUNTS[w.lower] for w in c.evidence if w.lower in _COUNTS}
    return counts | {value for value, _ in _figures(" ".join(c.sentences))}


def _logit(score: float) -> float:
    score = min(max(score, 1e-5), 1 - 1e-5)
    return math.log(score / (1 - score))


@cache
def _weights() -> tuple[float, dict[str, float]]:
    data = json.loads(Path(__file__).with_name("support.json").read_text(encoding="utf-8"))
    return data["constant"], data["weights"]
