"""essayqa as a part of LlamaIndex: exact spans in, its own evaluators content."""

from __future__ import annotations

import asyncio

from llama_index.core.base.response.schema import Response, StreamingResponse
from llama_index.core.evaluation import SemanticSimilarityEvaluator
from llama_index.core.tools import QueryEngineTool

from essayqa import EssayQA
from essayqa.llamaindex import EssayQueryEngine, EssayRetriever

QUESTION = "How much is trade between Moscow and Beijing worth?"


def test_nodes_are_exact_spans(engine: EssayQA) -> None:
    texts = {d.id: d.text for d in engine.documents}
    found = EssayRetriever(engine, 4).retrieve("malacca")
    assert len(found) == 4
    answered = EssayQueryEngine(engine).query(QUESTION)
    assert isinstance(answered, Response)
    for node in (*found, *answered.source_nodes):
        place = node.node.metadata
        span = texts[place["document_id"]][place["start"] : place["end"]]
        assert span == node.node.get_content()
        # Nothing is put before the text for a model to read.
        assert span == node.node.get_content(metadata_mode="llm")  # type: ignore[arg-type]


def test_a_query_is_an_answer(engine: EssayQA) -> None:
    response = EssayQueryEngine(engine).query(QUESTION)
    assert isinstance(response, Response)
    expected = engine.ask(QUESTION)
    assert response.response == expected.text
    assert response.metadata
    assert response.metadata["status"] == "answered"
    assert len(response.source_nodes) == len(expected.citations)
    asked_later = asyncio.run(EssayQueryEngine(engine).aquery(QUESTION))
    assert str(asked_later) == str(response)


def test_a_stream_brings_sentences_and_their_nodes(engine: EssayQA) -> None:
    response = EssayQueryEngine(engine, streaming=True).query(QUESTION)
    assert isinstance(response, StreamingResponse)
    pieces = list(response.response_gen)
    answer = engine.ask(QUESTION)
    assert len(pieces) == len(answer.sentences)
    assert "tops $200bn. [1]" in "".join(pieces)
    assert [n.node.get_content() for n in response.source_nodes] == [
        c.quote for c in answer.citations
    ]


def test_a_declined_question_streams_the_refusal(engine: EssayQA) -> None:
    response = EssayQueryEngine(engine, streaming=True).query("Who painted the Mona Lisa?")
    assert isinstance(response, StreamingResponse)
    assert "".join(response.response_gen) == engine.ask("Who painted the Mona Lisa?").text
    assert response.source_nodes == []


def test_an_agent_can_use_it_as_a_tool(engine: EssayQA) -> None:
    tool = QueryEngineTool.from_defaults(
        EssayQueryEngine(engine), name="essay", description="Answers about the essay."
    )
    output = tool.call(QUESTION)
    assert "tops $200bn" in output.content
    assert output.raw_output.source_nodes


def test_an_evaluator_accepts_the_response(engine: EssayQA) -> None:
    from llama_index.core.embeddings import MockEmbedding

    response = EssayQueryEngine(engine).query(QUESTION)
    assert isinstance(response, Response)
    evaluator = SemanticSimilarityEvaluator(embed_model=MockEmbedding(8))
    result = evaluator.evaluate_response(
        query=QUESTION,
        response=response,
        reference="More than 200 billion dollars.",
    )
    assert result.score is not None
