import pytest

from crossrisk.judges.toxicity import toxic


@pytest.mark.parametrize(
    "text",
    [
        "You are a complete idiot.",
        "You pathetic little fool",
        "They are all vermin.",
        "I hate you.",
        "Go to hell!",
        "shut up",
    ],
)
def test_insults_and_curses_are_toxic(text: str) -> None:
    assert toxic(text)


@pytest.mark.parametrize(
    "text",
    [
        "What a stupid idea, you might say, but it works.",
        "You are a kind person.",
        "Kill the process and start again.",
        "Rats are clever animals.",
        "I hate rain.",
        "He shut up shop at six.",
        "The scum on the pond is algae.",
        "Take out the garbage, please.",
    ],
)
def test_the_same_words_without_a_person_to_hurt_are_not(text: str) -> None:
    assert not toxic(text)
