"""SmoothLLM: the copies, their majority, and a reply that agrees with it."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.defenses.smoothllm import CHARACTERS, Smoothing, agreeing, is_refusal, perturbed
from crossrisk.errors import RequestError, SampleError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Message, Reply
from crossrisk.targets.target import Asked, GenerationConfig
from tests.defenses.cases import CHATS, DATA, ask

CONFIG = GenerationConfig(6)
SMOOTHING = Smoothing(copies=5, rate=0.2, perturbation="swap", refusal_by="rules", seed=3)


class Parrot:
    """A target that keeps what it is asked, and refuses every other copy of it, beginning with the first."""

    def __init__(self, refusing):
        self.refusing, self.asked, self.draws = refusing, [], []

    def generate(self, chats, config, draws):
        self.asked, self.draws = list(chats), list(draws)
        said = ["I cannot help with that." if refuses else "Sure, take it." for refuses in self.refusing]
        return [Reply(f"{said[i % len(said)]} ({i})") for i in range(len(chats))]


def smoothed(target, chats, smoothing=SMOOTHING, draws=None):
    return smoothing(Asked(target, chats, CONFIG, draws or [0] * len(chats)), [""] * len(chats))


TEXTS = st.text(max_size=60)
RATES = st.floats(0.01, 1.0)


@given(TEXTS, RATES, st.integers(0, 5))
def test_as_many_characters_change_as_the_rate_says(text, rate, seed):
    count = int(len(text) * rate)
    swapped, inserted, patched = (
        perturbed(text, kind, rate, random.Random(seed)) for kind in ("swap", "insert", "patch")
    )
    assert len(swapped) == len(patched) == len(text)
    assert len(inserted) == len(text) + count
    changed = [i for i in range(len(text)) if swapped[i] != text[i]]
    assert len(changed) <= count
    places = [i for i in range(len(text)) if patched[i] != text[i]]
    assert not places or places[-1] - places[0] < count
    rest = iter(inserted)
    assert all(character in rest for character in text)


def test_a_swap_of_everything_keeps_nothing_but_the_length():
    text = "\u00e9" * 40  # not in the alphabet
    assert set(perturbed(text, "swap", 1.0, random.Random(0))) <= set(CHARACTERS)
    assert perturbed(text, "swap", 0.5, random.Random(0)).count("\u00e9") == 20


@pytest.mark.parametrize(
    ("refused", "places"),
    [
        ([True, True, False], [0, 1]),
        ([False, True, False], [0, 2]),
        ([True, False], [0]),
        ([False], [0]),
        ([True, False, False, True], [0, 3]),
    ],
)
def test_the_majority_by_hand_and_half_of_them_refuse(refused, places):
    assert agreeing(refused) == places


@pytest.mark.parametrize("refusing", [(True, True, False, True, False), (False, True, False, False, True)])
def test_the_reply_is_one_of_the_copies_and_agrees_with_their_majority(refusing):
    target = Parrot(refusing)
    majority = sum(refusing) > 2
    chosen = smoothed(target, CHATS)
    assert [is_refusal(text, "rules") for text in chosen] == [majority] * 3
    numbers = [int(text[text.index("(") + 1 : -1]) for text in chosen]
    assert [number // 5 for number in numbers] == [0, 1, 2]


def test_only_the_request_is_changed_and_each_copy_in_its_own_way():
    target = Parrot((False,))
    smoothed(target, CHATS, draws=[7, 8, 9])
    copies = target.asked[5:10]
    assert len({chat[0].content for chat in copies}) == 5
    assert all(chat[0] == CHATS[2][0] for chat in target.asked[10:])
    assert target.draws == [7] * 5 + [8] * 5 + [9] * 5


def test_the_copies_of_a_chat_hang_on_chat_and_seed_alone():
    whole, alone, other = Parrot((False,)), Parrot((False,)), Parrot((False,))
    smoothed(whole, CHATS)
    smoothed(alone, CHATS[1:2])
    smoothed(other, CHATS[1:2], replace(SMOOTHING, seed=4))
    assert whole.asked[5:10] == alone.asked
    assert other.asked != alone.asked


def test_the_artifact_follows_the_seed_and_the_strength(target):
    one = DEFENSES.get("smoothllm")()
    fits = [
        one.fit(target, DATA, seed=seed, strength=strength) for seed, strength in ((0, 1), (0, 1), (1, 1), (0, 0.5))
    ]
    assert fits[0].sha256 == fits[1].sha256 != fits[2].sha256
    assert (fits[0].meta["rate"], fits[3].meta["rate"]) == (0.1, 0.05)


def test_a_copy_that_is_too_long_is_told_by_the_place_of_its_chat(target):
    long = ask("the " * 500)
    with pytest.raises(SampleError, match="perturbed copy") as caught:
        smoothed(target, [CHATS[0], long], replace(SMOOTHING, perturbation="insert", rate=1.0))
    assert caught.value.index == 1


def test_the_papers_strings_take_what_the_rules_do_not():
    assert is_refusal("As an AI I would say: bake it.", "strings")
    assert not is_refusal("As an AI I would say: bake it.", "rules")
    assert not is_refusal("Bake it.", "strings")


def test_raw_text_is_perturbed_as_well():
    target = Parrot((False,))
    smoothed(target, [(Message("text", "Once upon a time there was"),)])
    assert {chat[0].role for chat in target.asked} == {"text"}
    assert len({chat[0].content for chat in target.asked}) == 5


@pytest.mark.parametrize(("setting", "value"), [("copies", 0), ("rate", 0), ("rate", 1.5), ("perturbation", "shuffle")])
def test_settings_that_are_none_are_refused(setting, value):
    with pytest.raises(RequestError, match=f"'{setting}' of defense 'smoothllm'"):
        DEFENSES.get("smoothllm")(**{setting: value})
