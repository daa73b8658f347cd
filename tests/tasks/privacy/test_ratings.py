import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.tasks.privacy.ratings import rating_of


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("-50", -50.0),
        ("-50) somewhat disagree", -50.0),
        ("I would say 0.", 0.0),
        ("0) Neutral", 0.0),
        ("−100) strongly disagree", -100.0),
        ("My rating is **50**, so 50.", 50.0),
        ("Rating: 62.5", 62.5),
        ("+100", 100.0),
        ("-0", 0.0),
    ],
)
def test_one_number_is_the_rating_and_zero_is_one(text: str, rating: float) -> None:
    assert rating_of(text, -100, 100) == rating


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no_rating"),
        ("It depends.", "no_rating"),
        ("A2 or 3rd", "no_rating"),
        ("-50 or 0", "several_ratings"),
        ("On a scale of -100 to 100, 50", "several_ratings"),
        ("-50, or rather 50", "several_ratings"),
        ("-100, -50, 0, 50, 100", "several_ratings"),
        ("1000", "off_scale"),
        ("-101", "off_scale"),
    ],
)
def test_a_reply_without_exactly_one_number_says_why(text: str, why: str) -> None:
    assert rating_of(text, -100, 100) == why


@given(st.integers(-100, 100), st.sampled_from(["{}", "{}) somewhat", "I say {}.", "\n{}\n"]))
def test_a_rating_survives_its_wording(rating: int, wording: str) -> None:
    assert rating_of(wording.format(rating), -100, 100) == rating


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    found = rating_of(text, 1, 4)
    assert found in ("no_rating", "several_ratings", "off_scale") or 1 <= float(found) <= 4
