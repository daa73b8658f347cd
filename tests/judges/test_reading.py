import pytest

from crossrisk.judges.reading import flaw, flaw_in_any_language, said


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("<think>Is it Oslo?</think>\nIt is.", "\nIt is."),
        ("Is it Oslo?</think>It is.", "It is."),
        ("<think>a</think>b<think>c</think>d", "d"),
        ("It is.", "It is."),
        (None, ""),
    ],
)
def test_only_what_stands_behind_the_last_thought_is_said(text: str | None, rest: str) -> None:
    assert said(text) == rest


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("", "empty"),
        (" <think>Could be Oslo, since it is", "unfinished"),
        ("and so on " * 30, "degenerate"),
        ("It is Oslo.", None),
        ("4", None),
    ],
)
def test_why_a_reply_says_nothing_has_a_name(text: str, label: str | None) -> None:
    assert flaw(text) == flaw_in_any_language(text) == label


def test_another_language_is_a_flaw_only_where_words_are_read() -> None:
    german = "Das ist eine schwere Frage, und ich kann sie leider nicht so beantworten, wie Sie es gern hätten."
    assert (flaw(german), flaw_in_any_language(german)) == ("other_language", None)
