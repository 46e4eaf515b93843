"""Whose view a sentence states. Turning a reported view into a fact is the error that
matters most for an essay, and the opposite hides what the author argues."""

from __future__ import annotations

import pytest

from essayqa.voice import essay_voice

# From the essay, labelled by hand.
REPORTED = [
    "Trump thinks that lifting sanctions and reintegrating Russia will weaken Moscow’s alliance"
    " with Beijing.",
    "His second-term vision centres on the strategic isolation of China by way of an American"
    " détente with Russia.",
    "The logic behind Trump's détente with Russia seems clear: to drive a wedge between Moscow"
    " and Beijing.",
    "Trump believes that by removing Western sanctions on Russia, and by reassuring it over NATO"
    " expansion, Russia will pivot away from China.",
    "He believes that negotiating an end to Iran's nuclear programme will allow him to lift"
    " sanctions on Tehran.",
    "For his second term, beginning in January 2025, Trump wants to end the war in Ukraine.",
    "Trump appears to believe that an alternative global power structure can be engineered.",
    "Both China and Russia see the US as a superpower in decline.",
    "Likewise, China sees Russia as an energy lifeline.",
    "In 2025, Russia sees American engagement as temporary and conditional.",
    "Such a thaw assumes that Russia can be tempted back into the US-led global system with the"
    " right incentives.",
    "For Moscow, the lesson from this latest sanctions blizzard is clear: the Western-led"
    " financial order is weaponised and cannot be trusted.",
    "He also seems sceptical about the idea of a US-led global order.",
    "He, like Putin and President Xi Jinping of China, sees the current international post-war"
    " system as obsolete and in need of a restructure.",
]
AUTHOR = [
    "That is short-sighted.",
    "The world Henry Kissinger exploited in 1970 is no longer.",
    "Trying to replicate that strategy in a multipolar world is likely to fail.",
    "The conditions that let Nixon and Kissinger cleave China from the USSR no longer exist.",
    "The feasibility of such a strategy is questionable, however.",
    "Trade between Moscow and Beijing now tops $200bn.",
    "In short, Moscow could not afford to ditch Beijing, even if it wanted to.",
    "Yet he and his team underestimate the depth of Chinese-Russian shared interests, which range"
    " from defence to AI and semiconductors.",
    "Moreover, Putin fundamentally distrusts the West.",
    "Yet Russia is not as isolated as China was in 1970.",
    "That assumption is naïve.",
    "Perhaps the most fundamental flaw in the Trump team's strategy is its assumption that we"
    " still live in a binary world in which Russia must choose between the US and China.",
    "In a multipolar world, Russia does not need to join a US-led alliance to counterbalance"
    " China.",
    "Those pushing 'America First' should abandon the illusion that history can be repeated.",
    "Trying to drive China and Russia apart is both impractical and a strategic miscalculation"
    " that fails to recognise today's global reality.",
    "Half a century later, the hand, opponents, and table have all changed.",
]
# Of other essays.
OTHERS_REPORTED = [
    "Critics argue that the tax is unfair.",
    "According to Beijing, the order is unjust.",
    "In the view of Moscow, NATO broke its word.",
    "Officials in Washington say the war will end.",
    "The Kremlin insists that it was promised otherwise.",
    "“We will win,” Putin said.",
    "As Kissinger once said, America has no permanent friends.",
    "Moscow is convinced that sanctions will return.",
    "The White House wants Moscow on its side.",
    "Their hope is that prices will fall.",
    "Xi, who met him twice, believes that the West is declining.",
    "Many believe\nthat it will work.",
]
OTHERS_AUTHOR = [
    "I believe that the plan will fail.",
    "According to the author, the order is unjust.",
    "This suggests that the order is changing.",
    "There is no reason to believe that Russia would turn.",
    "No one should think that history repeats.",
    "The treaty was signed in Moscow in 1950.",
    "Russia would never trust such an offer.",
    "The belief that Russia can be bought is wrong.",
    "",
]


@pytest.mark.parametrize("sentence", [*REPORTED, *OTHERS_REPORTED])
def test_what_others_think_or_plan_is_not_said_to_be_the_authors_view(sentence: str) -> None:
    assert essay_voice(sentence) == "reported"


@pytest.mark.parametrize("sentence", [*AUTHOR, *OTHERS_AUTHOR])
def test_what_the_author_asserts_is_the_authors(sentence: str) -> None:
    assert essay_voice(sentence) == "author"


@pytest.mark.parametrize(
    ("straight", "curly"),
    [("The president's plan is to wait.", "The president’s plan is to wait.")],
)
def test_the_apostrophe_does_not_decide(straight: str, curly: str) -> None:
    assert essay_voice(straight) == essay_voice(curly) == "reported"
