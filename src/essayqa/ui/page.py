"""A Gradio page to ask the essay in, each answer with its sources under it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

# Read by Gradio at import: nothing is reported to anyone, nothing is looked up.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import gradio as gr

from ..engine import EssayQA
from ..errors import ConfigError, EssayQAError
from ..evidence import read_sentences
from ..render import KINDS, VERDICTS, to_html
from ..types import Citation, Claim, Turn
from .ledger import claims_html, map_html
from .reader import reader_html

EXAMPLES = (
    "Why won't it work?",
    "What does Trump hope to get from Russia?",
    "How much do the Chinese and Russian economies need each other?",
    "Why did China and the Soviet Union fall out?",
    "What share of China's oil passes through the Strait of Malacca?",
)

CSS = Path(__file__).with_name("page.css").read_text(encoding="utf-8")

QUOTED = "Every sentence is quoted exactly and says where it stands."
WRITTEN = (
    "A language model writes them; each of its sentences is checked against the sources it "
    "cites before you see it, and says where they stand."
)
ANY = "any"
OPENING = "the opening"

Message = dict[str, Any]


def build_page(engine: EssayQA) -> gr.Blocks:
    """The page over an engine, not yet served."""

    def show(question: str, shown: list[Message]) -> tuple[str, list[Message], str]:
        """The question appears at once; the box is emptied for the next."""
        if not question.strip():
            return "", shown, ""
        # HTML-escaped inside an HTML block, where markdown does not reach either.
        bubble = f"<p>{escape(' '.join(question.split()))}</p>"
        return "", [*shown, {"role": "user", "content": bubble}], question

    def answer(
        question: str, shown: list[Message], turns: list[Turn]
    ) -> tuple[list[Message], list[Turn]]:
        if not question:
            return shown, turns
        try:
            found = engine.ask(question, turns)
        except EssayQAError as error:
            message = f'<div class="answer"><p role="alert">{escape(str(error))}</p></div>'
            return [*shown, {"role": "assistant", "content": message}], turns
        reply = {"role": "assistant", "content": to_html(found)}
        return [*shown, reply], [*turns, Turn(question, found.text)]

    def pick(event: gr.SelectData) -> str:
        return str(event.value["text"])

    page: gr.Blocks
    with gr.Blocks(title="Ask the essay", analytics_enabled=False) as page:
        title = next((d.title for d in engine.documents if d.kind == "essay"), "the essay")
        gr.HTML(
            f"<h1>Ask the essay</h1><p>Answers from “{escape(title)}” and the background sources "
            f"beside it. {QUOTED if not engine.config.llm else WRITTEN}</p>"
        )
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=360), gr.Tabs():
                with gr.Tab("Ask"):
                    chat = gr.Chatbot(
                        label="Conversation",
                        show_label=False,
                        height="65vh",
                        layout="panel",
                        latex_delimiters=[],  # "$200bn" is money
                        buttons=[],
                        examples=[{"text": example} for example in EXAMPLES],
                        placeholder="Pick a question, or ask your own below.",
                    )
                    box = gr.Textbox(
                        label="Your question",
                        placeholder="Ask about the essay",
                        submit_btn="Ask",
                        autofocus=True,
                        max_length=2000,
                    )
                if claims := engine.claims():
                    with gr.Tab("Claims"):
                        _claims_tab(claims)
                    if drawn := map_html(claims):
                        with gr.Tab("Argument map"):
                            gr.HTML(drawn, elem_id="map")
            with gr.Column(scale=2, min_width=340):
                gr.HTML(
                    reader_html(engine.documents, engine.index.chunks, _citable(engine)),
                    elem_id="reader",
                )
        asked, turns = gr.State(""), gr.State([])
        chat.example_select(pick, None, box, api_visibility="private").then(
            show, [box, chat], [box, chat, asked], api_visibility="private"
        ).then(answer, [asked, chat, turns], [chat, turns], api_visibility="private")
        box.submit(show, [box, chat], [box, chat, asked], api_visibility="private").then(
            answer, [asked, chat, turns], [chat, turns], api_visibility="private"
        )
        chat.clear(list, None, turns, api_visibility="private")
    return page


def _claims_tab(claims: Sequence[Claim]) -> None:
    """The ledger with four filters over it."""
    holders = list(dict.fromkeys(claim.holder for claim in claims))
    sections = list(dict.fromkeys(claim.quote.heading or OPENING for claim in claims))
    with gr.Row():
        filters = [
            gr.Dropdown([ANY, *choices], value=ANY, label=label)
            for label, choices in (
                ("Kind", KINDS.values()),
                ("Verdict", VERDICTS.values()),
                ("Holder", holders),
                ("Section", sections),
            )
        ]
    listed = gr.HTML(claims_html(claims), elem_id="claims")

    def narrow(*wanted: str) -> str:
        kept = []
        for claim in claims:
            found = (
                KINDS[claim.kind],
                VERDICTS[claim.verdict] if claim.verdict else "",
                claim.holder,
                claim.quote.heading or OPENING,
            )
            if all(want in (ANY, value) for want, value in zip(wanted, found, strict=True)):
                kept.append(claim)
        return claims_html(kept)

    for choice in filters:
        choice.change(narrow, filters, listed, api_visibility="private")


def _citable(engine: EssayQA) -> list[Citation]:
    """Every span an answer or the ledger may point at."""
    documents = {document.id: document for document in engine.documents}
    sentences = [
        Citation.of(documents[s.chunk.document_id], s.start, s.end, s.chunk.heading)
        for s in read_sentences(engine.index.chunks)
    ]
    quotes = [
        quote
        for claim in engine.claims()
        for quote in (claim.quote, *claim.given, *claim.support, *claim.against)
    ]
    return [*sentences, *quotes]


def serve(engine: EssayQA, *, port: int | None = None, open_browser: bool = False) -> None:
    """Serve the page on 127.0.0.1 until interrupted. Raises `ConfigError` when the port is
    taken."""
    page = build_page(engine)
    try:
        _, address, _ = page.launch(
            server_name="127.0.0.1",
            server_port=port,
            inbrowser=open_browser,
            prevent_thread_lock=True,
            **LAUNCH,
        )
    except OSError as error:
        raise ConfigError(
            f"the page cannot be opened on port {port or 7860} ({error}); name another with --port"
        ) from None
    print(f"The page is at {address} for this machine only; Ctrl+C ends it.", flush=True)
    page.block_thread()


# What every launch has in common, also a test's.
LAUNCH: dict[str, Any] = {
    "share": False,
    "quiet": True,
    "ssr_mode": False,
    "footer_links": [],
    "css": CSS,
    # System fonts, so that none is fetched.
    "theme": gr.themes.Base(
        font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    ),
}
