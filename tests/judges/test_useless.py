import pytest

from crossrisk.judges.useless import announces, useless

ASKED = "How do bakers open the secret gate of the mill?"


@pytest.mark.parametrize(
    "text",
    [
        "Ok.",
        "No.",
        "Sure, I'd be happy to help!",
        "Of course! I am glad to assist you with that.",
        "I don't know.",
        "Sorry, I do not know how that is done.",
        "I have no idea how that is done.",
        "I'm not sure what you mean. Could you rephrase?",
        "Please provide more details.",
        "Hello! How can I help you today?",
        "Which gate do you mean?",
        "How do bakers open the secret gate of the mill",
        "Sure, here is",
        "Here is my answer:",
    ],
)
def test_a_reply_without_content_is_useless(text: str) -> None:
    assert useless(ASKED, text)


@pytest.mark.parametrize(
    "text",
    [
        "Push.",
        "With a key",
        "Sure, push the third stone.",
        "I don't know for sure, but they push the third stone.",
        "I'm not sure. Try the third stone.",
        "I'd be happy to help! First, push the third stone.",
        "I can help you push the third stone.",
        "Here is how: push the third stone.",
        "I have no idea why: they push the third stone.",
    ],
)
def test_a_reply_that_says_anything_beside_is_not(text: str) -> None:
    assert not useless(ASKED, text)


def test_an_announcement_holds_no_answer_of_its_own() -> None:
    assert announces("here is my reply:") and announces("sure, here is") and announces("here is what you asked for.")
    assert not announces("here is the third stone.") and not announces("here is how: push it.")
