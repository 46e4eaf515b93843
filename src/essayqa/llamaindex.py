"""essayqa for LlamaIndex users: a retriever and a query engine whose nodes are exact spans.

>>> from essayqa import EssayQA
>>> from essayqa.llamaindex import EssayQueryEngine
>>> print(EssayQueryEngine(EssayQA()).query("Why won't it work?"))
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.response.schema import RESPONSE_TYPE, Response, StreamingResponse
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from .engine import EssayQA
from .types import Answer, Citation, Passage, Shown
from .verify import escape_markdown


class EssayRetriever(BaseRetriever):
    """The `k` passages nearest to a query; `document.text[start:end]` of each node's
    metadata is its text."""

    def __init__(self, engine: EssayQA, k: int = 10, *, essay_only: bool = False) -> None:
        super().__init__()
        self._engine, self._k, self._essay_only = engine, k, essay_only

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._engine.search(query_bundle.query_str, self._k, essay_only=self._essay_only)
        return [_of_passage(passage) for passage in found]


class EssayQueryEngine(BaseQueryEngine):
    """Verified answers; the source nodes are the citations, in order, and the response's
    metadata is `Answer.to_dict()`. With `streaming`, text comes sentence by sentence, each
    proved before it is shown."""

    def __init__(
        self, engine: EssayQA, *, streaming: bool = False, essay_only: bool = False
    ) -> None:
        super().__init__(callback_manager=None)
        self._engine, self._streaming, self._essay_only = engine, streaming, essay_only

    def _query(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        question = query_bundle.query_str
        if not self._streaming:
            return _response(self._engine.ask(question, essay_only=self._essay_only))
        response = StreamingResponse(response_gen=_nothing(), source_nodes=[], metadata={})
        response.response_gen = self._stream(question, response)
        return response

    def _stream(self, question: str, response: StreamingResponse) -> Generator[str]:
        """The text of each sentence as it is proved; the nodes gather in `response`."""
        first = True
        for event in self._engine.stream(question, essay_only=self._essay_only):
            if isinstance(event, Shown):
                response.source_nodes += [_of_citation(c) for c in event.citations]
                marks = "".join(f"[{number}]" for number in event.sentence.citations)
                space = "" if first else " "
                yield f"{space}{escape_markdown(event.sentence.text)} {marks}"
                first = False
            elif isinstance(event, Answer):
                response.metadata = event.to_dict()
                if event.status == "declined":
                    yield event.text

    async def _aquery(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        answer = await self._engine.aask(query_bundle.query_str, essay_only=self._essay_only)
        return _response(answer)

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}


def _nothing() -> Generator[str]:
    yield from ()


def _response(answer: Answer) -> Response:
    return Response(
        response=answer.text,
        source_nodes=[_of_citation(citation) for citation in answer.citations],
        metadata=answer.to_dict(),
    )


def _of_citation(citation: Citation) -> NodeWithScore:
    span = {"document_id": citation.document_id, "start": citation.start, "end": citation.end}
    about = {"title": citation.title, "kind": citation.kind, "heading": citation.heading}
    name = f"{citation.document_id}:{citation.start}-{citation.end}"
    return NodeWithScore(node=_node(name, citation.quote, {**span, **about}), score=1.0)


def _of_passage(passage: Passage) -> NodeWithScore:
    data = passage.to_dict()
    text = data.pop("text")
    return NodeWithScore(node=_node(passage.chunk.id, text, data), score=data.pop("score"))


def _node(name: str, text: str, metadata: dict[str, Any]) -> TextNode:
    # What evaluators and models read is the text alone: metadata is not the corpus's words.
    hidden = list(metadata)
    return TextNode(
        id_=name,
        text=text,
        metadata=metadata,
        excluded_llm_metadata_keys=hidden,
        excluded_embed_metadata_keys=hidden,
    )
