"""Each kind of constraint on texts that keep it and texts that do not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.errors import RequestError
from crossrisk.tasks.utility.constraints import KINDS, keeps, sentences, words

CASES: dict[str, tuple[Any, list[str], list[str]]] = {
    "starts_with": ("Hello", ["Hello there", "  hello!", "HELLO"], ["Oh, hello", "", "Hell"]),
    "ends_with": ("thank you.", ["Yes, thank you.", "THANK YOU.  \n"], ["thank you", "thank you. Bye"]),
    "includes": ("sea", ["The sea.", "SEA!", "by the sea-side"], ["seal", "overseas", ""]),
    "excludes": ("sea", ["seal", "", "overseas"], ["the sea", "Sea?"]),
    "is": ("Oslo", ["Oslo", " oslo\n"], ["Oslo.", "It is Oslo", ""]),
    "words_at_most": (2, ["one two", "one - two", ""], ["one two three"]),
    "words_at_least": (2, ["one two", "1 2 3"], ["one", "one – ", ""]),
    "sentences": (2, ["One. Two!", "It is 3.5 m. Really?", "One. Two", '"One." "Two."'], ["One.", "A. B. C.", ""]),
    "bullets": (2, ["- a\n- b", "List:\n* a\n  • b\nEnd"], ["- a", "- a\n- b\n- c", "a - b - c", "-a\n-b", ""]),
    "paragraphs": (2, ["a\nb\n\nc", "a\n \n\nb"], ["a\nb", "a\n\nb\n\nc", ""]),
    "lowercase": ("", ["all small, 1 time"], ["Not all", "123", ""]),
    "uppercase": ("", ["ALL BIG 1"], ["Not all", "123", ""]),
    "no_commas": ("", ["no comma here", "1.000"], ["a, b", ","]),
    "json": ("", ['{"a": 1}', "[1]", '```json\n{"a": 1}\n```', "```\n[]\n```"], ["{a: 1}", "Sure: {}", "", "[" * 9999]),
    "quoted": ("", ['"Yes."', "“Ja”", ' "x" '], ["Yes", '"Yes" he said', '""', '"', ""]),
    "says_times": (("sea", 2), ["sea, Sea", "The sea is a sea."], ["sea", "sea sea sea", "seal sea", ""]),
}  # fmt: skip


def test_every_kind_has_its_cases() -> None:
    assert set(CASES) == set(KINDS)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, (_, kept, _) in CASES.items() for text in kept])
def test_kept(kind: str, text: str) -> None:
    assert keeps(kind, CASES[kind][0], text)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, (_, _, broken) in CASES.items() for text in broken])
def test_broken(kind: str, text: str) -> None:
    assert not keeps(kind, CASES[kind][0], text)


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text())
def test_blanks_around_a_reply_change_nothing(kind: str, text: str) -> None:
    argument = CASES[kind][0]
    assert keeps(kind, argument, text) == keeps(kind, argument, f" \n{text}\t ")


def test_an_unknown_kind_is_told_with_its_neighbours() -> None:
    with pytest.raises(RequestError, match=r"sample 's-1': unknown constraint 'start_with': did you mean starts_with"):
        keeps("start_with", "x", "x", where="s-1")


@pytest.mark.parametrize(
    ("kind", "argument"),
    [("starts_with", 3), ("starts_with", " "), ("words_at_most", "3"), ("sentences", True), ("bullets", -1),
     ("json", "yes"), ("says_times", "sea"), ("says_times", ("sea", "2")), ("says_times", ("sea",)), ("is", None)],
)  # fmt: skip
def test_an_argument_of_the_wrong_kind_is_told(kind: str, argument: Any) -> None:
    with pytest.raises(RequestError, match=f"sample 's-1': constraint '{kind}' cannot have the argument") as raised:
        keeps(kind, argument, "text", where="s-1")
    assert "\n" not in str(raised.value)


def test_says_times_may_be_a_list_as_json_has_it() -> None:
    assert keeps("says_times", ["sea", 2], "sea sea")


def test_words_and_sentences_are_counted_by_hand() -> None:
    assert words("It's a well-known – fact, no. 1!") == 6
    assert sentences("Well... Yes! (No.) Version 2.0 is out") == 4
