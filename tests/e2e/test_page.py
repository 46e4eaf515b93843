"""The page in a real browser, served by the real command."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from essayqa import EssayQA

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a `chromium` to drive")

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ANSWER_MS = 60_000


@contextmanager
def served(*args: str | Path, data_dir: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "essayqa", "serve", "--port", str(port), *map(str, args)],
        env={**os.environ, "ESSAYQA_DATA": str(data_dir)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 90
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, "the page's server ended"
                assert time.monotonic() < deadline, "the page's server did not answer"
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url(engine: EssayQA) -> Iterator[str]:
    with served(data_dir=engine.config.data_dir) as url:
        yield url


@contextmanager
def visit(browser: Browser, url: str) -> Iterator[Page]:
    """A fresh page, opened; it must have asked nothing of any other host."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
    page.goto(url)
    expect(box(page)).to_be_visible(timeout=30_000)
    yield page
    page.close()
    elsewhere = [
        address
        for address in asked
        if urlsplit(address).scheme not in ("data", "blob")
        and urlsplit(address).hostname != "127.0.0.1"
    ]
    assert asked
    assert elsewhere == []


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    with visit(browser, url) as page:
        yield page


def box(page: Page) -> Locator:
    return page.get_by_label("Your question")


def answers(page: Page) -> Locator:
    return page.locator(".answer")


def ask(page: Page, question: str) -> Locator:
    """Types a question; the answer that appears."""
    before = answers(page).count()
    box(page).fill(question)
    box(page).press("Enter")
    expect(answers(page)).to_have_count(before + 1, timeout=ANSWER_MS)
    return answers(page).nth(before)


def test_a_typed_question_is_answered_with_its_sources(page: Page) -> None:
    answer = ask(page, "How much is trade between Moscow and Beijing worth?")
    expect(answer).to_contain_text("Trade between Moscow and Beijing now tops $200bn.")
    expect(answer).to_contain_text("[1]")
    expect(answer).to_contain_text("Sources")
    expect(answer.locator(".sources li").first).to_contain_text("Enter Trump")
    expect(box(page)).to_have_value("")
    follow_up = ask(page, "Why?")
    expect(follow_up).to_contain_text("Read as: How much is trade between Moscow and Beijing")


def test_the_button_asks_too(page: Page) -> None:
    box(page).fill("What is the boiling point of gallium?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(answers(page)).to_contain_text("Nearest passages", timeout=ANSWER_MS)
    expect(answers(page)).not_to_contain_text("[1]")


def test_a_clicked_example_is_asked(page: Page) -> None:
    page.get_by_text("What does Trump hope to get from Russia?").first.click()
    expect(answers(page)).to_have_count(1, timeout=ANSWER_MS)
    expect(page.locator(".message.user, .user").first).to_contain_text("Trump hope to get")
    expect(answers(page).locator(".sources li").first).to_be_visible()


def test_an_empty_line_asks_nothing(page: Page) -> None:
    box(page).fill("   ")
    box(page).press("Enter")
    expect(box(page)).to_have_value("")
    answer = ask(page, "Hello!")
    expect(answer).to_contain_text("Not a question")
    expect(answers(page)).to_have_count(1)


def test_markup_in_a_question_is_shown_not_run(page: Page) -> None:
    for question in (
        "<img src=x onerror=window.hacked=1>",
        "why <script>window.hacked=1</script> **bold** [a](javascript:window.hacked=1) $x$ ?",
    ):
        ask(page, question)
        expect(page.get_by_text(question, exact=True).first).to_be_visible()
    page.wait_for_timeout(500)
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0


HOSTILE = """---
title: "<img src=x onerror=window.hacked=1> Bells"
url: "javascript:window.hacked=1"
---
The bell <script>window.hacked=1</script> rings at seven for $5 and $6.

The gong <img src=x onerror="window.hacked=1"> sounds at noon.

The horn [blows at dusk](javascript:window.hacked=1) over **the** &lt;pier&gt;.
"""


def test_markup_in_a_corpus_is_shown_not_run(
    browser: Browser, tmp_path: Path, data_dir: Path
) -> None:
    (tmp_path / "bells.txt").write_text(HOSTILE)
    with (
        served("--corpus", tmp_path, data_dir=data_dir) as url,
        visit(browser, url) as page,
    ):
        for question, quote in (
            ("When does the bell ring?", "The bell <script>window.hacked=1</script> rings"),
            ("When does the gong sound?", 'The gong <img src=x onerror="window.hacked=1"> sounds'),
            ("When does the horn blow?", "The horn [blows at dusk](javascript:window.hacked=1)"),
        ):
            expect(ask(page, question)).to_contain_text(quote)
        page.wait_for_timeout(500)
        assert page.evaluate("window.hacked") is None
        assert page.locator("img[src=x], .answer script, .answer strong strong").count() == 0
        assert page.locator("a[href^=javascript]").count() == 0


def marked(page: Page) -> str:
    """The text that the page's address points at, as marked in the reader."""
    expect(page.locator(".reader :target")).to_be_in_viewport()
    return str(page.locator(".reader :target").text_content())


def test_a_clicked_citation_marks_the_quote_in_the_text(page: Page) -> None:
    answer = ask(page, "How much is trade between Moscow and Beijing worth?")
    answer.locator("sup a").first.click()
    assert marked(page) == "Trade between Moscow and Beijing now tops $200bn."


def test_a_folded_document_unfolds_for_its_quote(page: Page) -> None:
    answer = ask(page, "Where is the SCO's headquarters?")
    answer.locator("sup a").first.click()
    assert marked(page) in answer.locator("p").all_text_contents()[1]


def test_claims_can_be_narrowed_and_lead_to_sentence_and_evidence(
    page: Page, engine: EssayQA
) -> None:
    page.get_by_role("tab", name="Claims").click()
    rows = page.locator("#claims .claims > li")
    expect(rows).to_have_count(len(engine.claims()))
    page.get_by_label("Verdict").click()
    page.get_by_role("option", name="other sources dispute this").click()
    disputed = [c for c in engine.claims() if c.verdict == "disputed"]
    expect(rows).to_have_count(len(disputed))
    rows.first.get_by_role("link").first.click()
    assert marked(page) == disputed[0].quote.quote
    rows.first.locator("summary").click()
    rows.first.locator("li a").last.click()
    assert marked(page) == disputed[0].against[-1].quote
    page.get_by_label("Kind").click()
    page.get_by_role("option", name="a forecast").click()
    expect(page.get_by_text("No claim is of all these sorts.")).to_be_visible()


def test_a_checked_claim_shows_its_evidence_one_click_away(page: Page) -> None:
    answer = ask(page, "How much is trade between Moscow and Beijing worth?")
    verdict = answer.locator("details.claim").first
    expect(verdict.locator("ul").first).to_be_hidden()
    verdict.locator("summary").click()
    expect(verdict.locator("ul").first).to_be_visible()


def test_a_node_of_the_argument_map_leads_to_its_sentence(page: Page, engine: EssayQA) -> None:
    page.get_by_role("tab", name="Argument map").click()
    mapped = [c for c in engine.claims() if c.role]
    nodes = page.locator(".map a.node")
    expect(nodes).to_have_count(len(mapped))
    thesis = next(c for c in mapped if c.role == "thesis")
    page.locator(".map a.thesis").click()
    assert marked(page) == thesis.quote.quote
    # The keyboard reaches them too, and the list says the same.
    nodes.last.focus()
    page.keyboard.press("Enter")
    assert marked(page) in [c.quote.quote for c in mapped]
    page.get_by_text("The same as a list").click()
    expect(page.locator("#map details li")).to_have_count(len(mapped))


def test_the_conversation_can_be_cleared(page: Page) -> None:
    ask(page, "What does the essay say about BRICS?")
    page.get_by_role("button", name="Clear").click()
    expect(answers(page)).to_have_count(0)
    # The turns are forgotten with it.
    expect(ask(page, "Why won't it work?")).not_to_contain_text("BRICS?")
