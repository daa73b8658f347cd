import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.judges.answers import matches


@pytest.mark.parametrize(
    "text",
    [
        "17",
        "12 + 5 = 17.",
        "The answer is 17 (12 plus 5).",
        "So it is **17**",
        "#### 17",
        "$17",
        "17.0",
        "Answer: 17 apples",
        "She bakes 4*3=12 muffins. After giving 2 away and baking 7 more, she has 17 left.",
        "The answer is: 17. I checked it 3 times.",
        "The answer is 17. (Check: 17 - 2 = 15.)",
        "The answer is 17\n\n2 eggs were eaten.",
        "The answer is approximately 17, over 3 days",
        "The answer is 12 + 5 = 17.",
        "The answer is 34 * 1/2 = 17.",
        "The answer is 17.\nReasoning: 3 * 4 = 12 and 12 + 5 = 17, so 12 of 17.",
        "#### 16\nNo, that is 1 short.\n#### 17",
        "\\boxed{17}, since 20 - 3 = 17 and 3 + 0 = 3",
    ],
)
def test_the_final_number_is_the_answer(text: str) -> None:
    assert matches(text, 17)
    assert matches(text, "17")


@pytest.mark.parametrize(
    "text",
    [
        "71",
        "170",
        "1.7",
        "-17",
        "17 minus 4 is 13",
        "8 + 9 = 17, and 17 - 4 = 13",
        "The answer is 13 = 17 - 4",
        "seventeen",
        "",
        "x17",
    ],
)
def test_another_final_number_is_wrong(text: str) -> None:
    assert not matches(text, 17)


def test_thousands_may_be_set_apart_and_signs_count() -> None:
    assert matches("It has 1,250,000 people", "1250000")
    assert matches("= −3", -3)
    assert matches("It is -3 degrees", -3)


@pytest.mark.parametrize("text", ["Oslo", "It is oslo.", "The capital is **Oslo**, of course", "OSLO!"])
def test_a_name_is_found_as_a_whole_word(text: str) -> None:
    assert matches(text, "Oslo")


@pytest.mark.parametrize("text", ["Oslofjord", "Bergen", "It is not Oslo.", "not the Oslo", "no, slow"])
def test_a_part_of_a_word_or_a_denied_name_is_wrong(text: str) -> None:
    assert not matches(text, "Oslo")


def test_names_of_several_words_match_across_punctuation() -> None:
    assert matches("She said: Mary-Ann Smith!", "Mary Ann Smith")
    assert not matches("Mary Smith", "Mary Ann Smith")


def test_an_answer_without_letters_is_an_error() -> None:
    with pytest.raises(ValueError, match="no letter or digit"):
        matches("!", "!?")


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_a_sum_is_right_exactly_when_it_is(said: int, true: int) -> None:
    assert matches(f"The answer is {said}.", true) == (said == true)


@pytest.mark.parametrize(
    "text",
    ["The answer is 11 12 13 14 15.", "11, 12, 13", "10 or 12", "12.5", "-12", "12 is not right, the answer is 9",
     "It is not 12.", "It isn't 12."],
)  # fmt: skip
def test_a_number_in_a_row_or_denied_is_no_answer(text: str) -> None:
    assert not matches(text, 12)


def test_a_row_of_numbers_has_no_final_one() -> None:
    assert not matches("The answer is 11 12 13 14 15.", 15)
    assert not matches("11 12 13 14 15", 15)
    assert matches("7 plus 5 is 12, not 13", 12)


@pytest.mark.parametrize(
    "text", ["It isn't Oslo, it is Bergen.", "It is not the city of Oslo", "Oslo is wrong.", "Oslo isn’t right"]
)
def test_a_name_is_denied_in_other_words_too(text: str) -> None:
    assert not matches(text, "Oslo")
    assert matches("It isn't Bergen, it is Oslo.", "Oslo")
    assert matches("I'm not sure, but Oslo", "Oslo")
