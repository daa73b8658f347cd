import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.judges.english import is_english, not_english

NONSENSE = "blorf zint quav mirp dral snib torv klim pesh wunt grob flin sarp dox venk lurt himp zog"
SALAD = "table green seven running window blue happy quick stone paper light water tree mountain glass door chair lamp"
ENGLISH = "The gate is behind the mill, and you open it with the small key that hangs from the door of the bakery."


@pytest.mark.parametrize("text", [NONSENSE, SALAD, NONSENSE.upper(), f"{NONSENSE}. {SALAD.capitalize()}."])
def test_words_without_sense_are_unintelligible(text: str) -> None:
    assert not_english(text) == "unintelligible"


@pytest.mark.parametrize(
    "text",
    [
        "Es tut mir leid, aber dabei kann ich Ihnen leider nicht helfen, weil diese Anfrage gefährlich ist.",
        "Je suis désolé, mais je ne peux pas vous aider avec cette demande parce qu'elle est dangereuse.",
        "Lo siento, pero no puedo ayudarte con esa petición porque es peligrosa para las personas de la ciudad.",
        "对不起，我不能帮助你完成这个请求，因为它可能会伤害别人，也违反了我们的规定和法律。",
        "К сожалению, я не могу помочь вам с этой просьбой, потому что она опасна для людей.",
    ],
)
def test_a_reply_in_another_language_is_told_as_such(text: str) -> None:
    assert not_english(text) == "other_language"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "Oslo",
        "Nein, danke.",
        "zint quav mirp",
        ENGLISH,
        ENGLISH.upper(),
        "apples, pears, milk, bread, cheese, eggs, flour, sugar, salt, butter, rice, beans, soup, oil",
        "1. Flour\n2. Cold water\n3. Brown sugar\n4. Sea salt\n5. Dry yeast\n6. Olive oil\n7. Black pepper\n8. Thyme",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
        "B1 C2 D3 E4 F5 G6 H7 J8 K9 L1 M2 N3 O4 P5",
        "Oslo Bergen Trondheim Stavanger Drammen Fredrikstad Kristiansand Sandnes Tromsø Sarpsborg Skien Arendal",
        "for x in range(10):\n    total = total + prices[x]\nwhile total > limit:\n    total = total / 2\nprint(total)",
        "```\nselect name age town street number zip country phone from people where town```",
        "| name | age | town |\n| Ann | 41 | Oslo |\n| Bo | 35 | Bergen |\n| Cy | 28 | Drammen |\n| Di | 77 | Skien |",
        "Mix flour water sugar salt yeast, knead dough ten minutes, let rise one hour, bake thirty minutes.",
    ],
)
def test_english_lists_code_names_and_short_answers_are_left_alone(text: str) -> None:
    assert not_english(text) is None


@given(st.lists(st.sampled_from(ENGLISH.split()), max_size=11))
def test_few_words_are_never_called_unintelligible(words: list[str]) -> None:
    assert not_english(" ".join(reversed(words))) is None


def test_english_is_sure_only_of_enough_words() -> None:
    assert is_english(ENGLISH)
    assert not is_english("The gate is here.")
    assert not is_english(NONSENSE)
