"""A language model's opinion of the answers, beside the scorers' and never instead of it.

LlamaIndex's evaluators ask the model; how far it agrees with the scorers is what is
reported. LlamaIndex is imported only once there is a model to ask.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from .cases import plain
from .results import Agreement, CaseResult, Judgement, Results, Verdict
from .run import Progress

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

KEY = "ESSAYQA_JUDGE_KEY"
PACKAGE = "llama-index-llms-openai-like"
# What the model is asked, and the scorers whose 1 means the same.
PAIRS = (
    ("faithfulness", "citation_recall"),
    ("faithfulness", "verbatim"),
    ("correctness", "fully_correct"),
)
# Of 5. From here on the evaluator's instructions mean "relevant and fully correct".
CORRECT_FROM = 4.0
REASON_LENGTH = 300
# A model on this machine may think for a while.
TIMEOUT = 180.0

_SPEC = re.compile(r"(?P<model>\S+)@(?P<url>https?://[^\s/]\S*)")
# "NO." and "yes, because" are answers, "No idea" is none.
_YES_OR_NO = re.compile(r"\W*(yes|no)\b(?! *\w)", re.IGNORECASE)


class JudgeError(ValueError):
    """There is no model to judge with; the message says what to do."""


def connect(spec: str) -> LLM:
    """The model that `spec`, "MODEL@http://host:port/v1", names on a server that speaks
    OpenAI's protocol, with the key in `ESSAYQA_JUDGE_KEY` if any. Raises `JudgeError`."""
    match = _SPEC.fullmatch(spec)
    if not match:
        raise JudgeError(f"{spec!r} names no judge; write it as MODEL@http://host:port/v1")
    try:
        from llama_index.llms.openai_like import OpenAILike
    except ImportError:
        raise JudgeError(f"a judge needs the package {PACKAGE}: pip install {PACKAGE}") from None
    try:
        return OpenAILike(
            model=match["model"],
            api_base=match["url"],
            # Without one, LlamaIndex would send this server the key in OPENAI_API_KEY.
            api_key=os.environ.get(KEY) or "none",
            is_chat_model=True,
            temperature=0.0,
            timeout=TIMEOUT,
            # LlamaIndex and its client both retry, so that more of them multiply.
            max_retries=1,
        )
    except ValueError as error:
        raise JudgeError(f"{match['model']!r} cannot judge: {error}") from None


def judge_cases(llm: LLM, results: Results, progress: Progress | None = None) -> Judgement:
    """What `llm` says of the answers of a run, and how far the scorers agree.

    Declined answers are left out, as they state nothing. A call that raises or a reply
    that cannot be read leaves its answer unscored, with the reason.
    """
    answered = [c for c in results.cases if c.answer and c.answer["status"] != "declined"]
    # One event loop for all, as the connections to a server belong to the loop they began in.
    verdicts = asyncio.run(_judge(llm, answered, progress))
    return Judgement(
        model=llm.metadata.model_name,
        agreements=tuple(_agreement(*pair, verdicts, answered) for pair in PAIRS),
        verdicts=tuple(verdicts),
    )


async def _judge(llm: LLM, cases: Sequence[CaseResult], progress: Progress | None) -> list[Verdict]:
    from llama_index.core.evaluation import CorrectnessEvaluator, FaithfulnessEvaluator
    from llama_index.core.evaluation.faithfulness import DEFAULT_EVAL_TEMPLATE

    # The template is given, since the one LlamaIndex has for "llama3:8b" names its blanks
    # otherwise than they are filled, and so would ask about nothing.
    faithfulness = FaithfulnessEvaluator(llm=llm, eval_template=DEFAULT_EVAL_TEMPLATE)
    correctness = CorrectnessEvaluator(
        llm=llm, score_threshold=CORRECT_FROM, parser_function=_score
    )
    verdicts = []
    for done, result in enumerate(cases, start=1):
        answer = result.answer or {}
        stated = " ".join(sentence["text"] for sentence in answer["sentences"])
        quotes = [citation["quote"] for citation in answer["citations"]]
        call = faithfulness.aevaluate(response=stated, contexts=quotes)
        verdicts.append(await _verdict(result.id, "faithfulness", call, _says_yes))
        # An answer to a question that has none cannot be compared with one.
        if facts := [fact["statement"] for fact in result.case["facts"]]:
            call = correctness.aevaluate(
                query=_asked(result), response=stated, reference=" ".join(facts)
            )
            verdicts.append(await _verdict(result.id, "correctness", call, attrgetter("passing")))
        if progress:
            progress(done, len(cases))
    return verdicts


async def _verdict(
    case_id: str, judge: str, call: Awaitable[Any], read: Callable[[Any], bool | None]
) -> Verdict:
    try:
        found = await call
    except Exception as error:  # whatever it is, it must not pass for an opinion
        return Verdict(case_id, judge, None, _reason(f"{type(error).__name__}: {error}"))
    passed, reply = read(found), found.feedback or ""
    if passed is None:
        reply = f"no verdict in the reply {reply!r}"
    return Verdict(case_id, judge, passed, _reason(reply))


def _says_yes(found: Any) -> bool | None:
    """The reply's first word. LlamaIndex's own reading passes whatever has "yes" in it and
    fails all else, even the "Empty Response" it puts for an error of the model."""
    match = _YES_OR_NO.match(found.feedback or "")
    return match[1].lower() == "yes" if match else None


def _score(reply: str) -> tuple[float | None, str]:
    """The score from 1 to 5 on the first line, or None, and the reply. LlamaIndex's own
    parser fails on a score alone, and takes any number."""
    try:
        score = float(reply.strip().partition("\n")[0])
    except ValueError:
        return None, reply
    return (score if 1 <= score <= 5 else None), reply


def _asked(result: CaseResult) -> str:
    """The question after those before it, without which a follow-up says little."""
    earlier = [turn["question"] for turn in result.case["history"]]
    return "\n".join([*earlier, result.case["question"]])


def _reason(text: str) -> str:
    """`text` on one line and not too long, without the key: servers quote it in errors."""
    key = os.environ.get(KEY)
    return plain(text.replace(key, "***") if key else text)[:REASON_LENGTH]


def _agreement(
    judge: str, scorer: str, verdicts: Sequence[Verdict], cases: Sequence[CaseResult]
) -> Agreement:
    scores = {case.id: case.scores[scorer].value for case in cases if scorer in case.scores}
    pairs, unscored = [], 0
    for verdict in verdicts:
        value = scores.get(verdict.case_id)
        if verdict.judge != judge or value is None:
            continue
        if verdict.passed is None:
            unscored += 1
        else:
            pairs.append((verdict.passed, value == 1))
    n = len(pairs)
    if not n:
        return Agreement(judge, scorer, 0, None, None, unscored)
    share = sum(said == scored for said, scored in pairs) / n
    said, scored = (sum(side) / n for side in zip(*pairs, strict=True))
    chance = said * scored + (1 - said) * (1 - scored)
    kappa = None if chance == 1 else (share - chance) / (1 - chance)
    return Agreement(judge, scorer, n, share, kappa, unscored)
