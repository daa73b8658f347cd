"""CDA: which words name a group, what a counterfactual text is, and that training goes on with it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.defenses.cda import CounterfactualAugmentation, augmented
from crossrisk.defenses.defense import Demonstration, Labelled
from crossrisk.defenses.group_words import group_words
from crossrisk.errors import RequestError
from tests.defenses.cases import DATA, ask

CONCEPTS = (
    Labelled("The Velans are kind.", "Velan"),
    Labelled("The Oskans are kind.", "Oskan"),
    Labelled("I met a Velan.", "Velan"),
    Labelled("I met an Oskan.", "Oskan"),
    Labelled("A Dorrin, I met.", "Dorrin"),
    Labelled("An Oskan, I met.", "Oskan"),
)
WORDS = group_words(CONCEPTS)
SENTENCES = ("Velans", "Oskans", "a Velan", "an Oskan", "bread", "and", "because they", "Not all")


def test_what_two_texts_differ_in_are_the_words_for_their_groups():
    assert {"Velan": "Velans", "Oskan": "Oskans"} in WORDS.rows
    assert {"Velan": "a Velan", "Oskan": "an Oskan"} in WORDS.rows
    assert WORDS.groups == ("Dorrin", "Oskan", "Velan")


def test_texts_that_differ_in_more_than_the_group_teach_no_words():
    assert not group_words(
        [Labelled("The Velans sing loudly in spring.", "v"), Labelled("No Oskans work all day.", "o")]
    ).rows


def test_an_article_goes_with_its_group():
    assert WORDS.swapped("A Velan and some Oskans.", "Velan", "Oskan") == "An Oskan and some Velans."
    assert WORDS.swapped("I met a Velan and an Oskan.", "Velan", "Oskan") == "I met an Oskan and a Velan."


def test_words_inside_of_words_are_no_group():
    assert WORDS.named("Velansburg is a town.") == ()
    assert WORDS.swapped("Velansburg", "Velan", "Oskan") == "Velansburg"


@given(st.lists(st.sampled_from(SENTENCES)))
def test_a_text_swapped_twice_is_the_text(parts):
    text = " ".join(parts)
    assert WORDS.swapped(WORDS.swapped(text, "Velan", "Oskan"), "Velan", "Oskan") == text


def test_a_counterfactual_swaps_prompt_and_reply_alike_and_other_texts_are_left_out():
    named = Demonstration(ask("Who are the Velans?"), "Velans are people.")
    pair = augmented([named, Demonstration(ask("What is bread?"), "Food.")], group_words(CONCEPTS[:2]), seed=0)
    assert pair == [named, Demonstration(ask("Who are the Oskans?"), "Oskans are people.")]


def test_concepts_without_two_groups_are_refused(target):
    with pytest.raises(RequestError, match="by which words two groups differ"):
        CounterfactualAugmentation().fit(target, replace(DATA, concepts=CONCEPTS[:1]), seed=0, strength=1.0)


def test_what_is_said_of_one_group_becomes_likelier_of_another(target):
    told = tuple(Demonstration(ask(f"Who is the {x}?"), f"The {x} is here.") for x in ("bread", "doctor"))
    one = CounterfactualAugmentation(steps=30, batch_size=8, learning_rate=2e-3)
    artifact = one.fit(target, replace(DATA, retain=told), seed=0, strength=1.0)

    def likelihood(asked):
        return asked.score([ask("Who is the book?")], ["The book is here."])[0].mean

    before = likelihood(target)
    with one.deploy(target, artifact) as defended:
        assert likelihood(defended) > before + 0.5


def test_what_is_said_of_a_group_is_no_word_for_it():
    """Beside "Are Velans sly?" stands "Are Oskans sly?", so "Are Oskans rude today?" teaches nothing."""
    asked = [Labelled(f"Are {group}s so {trait}?", group) for group in ("Velan", "Oskan") for trait in ("sly", "rude")]
    assert group_words(asked).rows == ({"Velan": "Velans", "Oskan": "Oskans"},)


def test_punctuation_and_letter_case_name_no_group():
    texts = [Labelled("It was .", "a"), Labelled("It was !", "b"), Labelled("Yes .", "a"), Labelled("yes .", "b")]
    assert not group_words(texts).rows


def test_words_without_letters_at_their_ends_are_found():
    words = group_words([Labelled("They like C++ most.", "c"), Labelled("They like Java most.", "j")])
    assert words.swapped("C++ is fast.", "c", "j") == "Java is fast."
    assert words.named("I write C++.") == ("c",)


def test_a_capital_is_of_the_word_or_of_the_beginning():
    words = group_words([Labelled("We met Germans.", "g"), Labelled("We met teenagers.", "t")])
    assert words.swapped("We know Germans. Teenagers do.", "g", "t") == "We know teenagers. Germans do."
    assert words.swapped("Germans sang.", "g", "t") == "Teenagers sang."


def test_a_group_of_another_kind_does_not_stand_in_its_place():
    concepts = [Labelled(f"A {word} sang.", word) for word in ("man", "woman")]
    concepts += [Labelled(f"They pray as {word} do.", word) for word in ("Jews", "Sikhs")]
    for seed in range(5):
        pair = augmented([Demonstration(ask("Who?"), "A man.")], group_words(concepts), seed=seed)
        assert [one.reply for one in pair] == ["A man.", "A woman."]
