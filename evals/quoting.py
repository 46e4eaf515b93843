"""Answers put together without a composer: sentences of passages, in due form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from essayqa import Answer, AnswerSentence, Citation, Passage

_SENTENCE = re.compile(r"\S.*?(?:[.?!](?=\s|$)|$)", re.DOTALL)


def sentences_of(passage: Passage) -> list[tuple[int, int]]:
    """Roughly the sentences of a passage, as spans of its document."""
    chunk = passage.chunk
    return [
        (chunk.start + m.start(), chunk.start + m.end()) for m in _SENTENCE.finditer(chunk.text)
    ]


def quote_passages(
    answer: Answer, passages: Sequence[Passage], *, each: int | None = None
) -> Answer:
    """An answered answer of the first `each` sentences, or all, of each passage."""
    sentences: list[AnswerSentence] = []
    citations: list[Citation] = []
    for passage in passages:
        chunk = passage.chunk
        for start, end in sentences_of(passage)[:each]:
            quote = chunk.text[start - chunk.start : end - chunk.start]
            number = len(citations) + 1
            citations.append(
                Citation(
                    number=number,
                    document_id=chunk.document_id,
                    title=chunk.title,
                    kind=chunk.kind,
                    heading=chunk.heading,
                    start=start,
                    end=end,
                    quote=quote,
                    url=chunk.url,
                )
            )
            sentences.append(
                AnswerSentence(
                    quote,
                    (number,),
                    "verbatim",
                    "background" if chunk.kind == "background" else "author",
                )
            )
    made = replace(answer, status="answered", reason=None, nearest=())
    return with_sentences(made, tuple(sentences), tuple(citations))


def with_sentences(
    answer: Answer, sentences: tuple[AnswerSentence, ...], citations: tuple[Citation, ...]
) -> Answer:
    if not sentences:
        return answer
    text = " ".join(
        f"{' '.join(s.text.split())} " + "".join(f"[{n}]" for n in s.citations) for s in sentences
    )
    return replace(answer, text=text, sentences=sentences, citations=citations)
