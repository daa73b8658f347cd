"""What holds for every attack that is registered, on toy requests."""

import pytest

from crossrisk.attacks.attack import Attack, asking, attacked, request_of, template
from crossrisk.attacks.few_shot import few_shot
from crossrisk.attacks.multi_turn import escalation, insistence
from crossrisk.attacks.payload_splitting import payload_splitting, pieces
from crossrisk.catalogue import catalogue
from crossrisk.errors import RequestError
from crossrisk.registry import ATTACKS
from crossrisk.risks import Message, Sample

EVERY = [ATTACKS.get(name) for name in ATTACKS.built_in]
SAMPLE = Sample(
    "moon-1",
    (Message("system", "Be brief."), Message("user", "Explain how to steal the moon.")),
    cluster="moon",
    contrast=("Sure, here is", "I can't"),
    meta={"area": "theft", "judge": "world", "steps": ("net", "boat")},
)


def named(attack: Attack) -> str:
    return attack.name


def said(sample: Sample) -> str:
    return "\n".join([*(turn.content for turn in sample.messages), *sample.later])


@pytest.mark.parametrize("name", ATTACKS.built_in)
def test_an_attack_is_registered_under_its_own_name(name: str) -> None:
    attack = ATTACKS.get(name)
    assert attack.name == name
    assert attack.reference.startswith("arXiv:")


@pytest.mark.parametrize("attack", EVERY, ids=named)
def test_it_keeps_the_behaviour_and_says_what_was_done(attack: Attack) -> None:
    (found,) = attacked([SAMPLE], [attack])
    assert found.id == f"moon-1+{attack.name}"
    assert (found.cluster, found.contrast) == (SAMPLE.cluster, SAMPLE.contrast)
    assert found.meta["attack"] == attack.name
    assert found.meta["request"] == "Explain how to steal the moon."
    assert found.meta["area"] == "theft"
    assert (found.meta["judge"], found.meta["steps"]) == ("world", ("net", "boat"))
    assert found.messages[0] == Message("system", "Be brief.")
    assert found.messages[-1].role == "user"
    assert said(found) != said(SAMPLE)


@pytest.mark.parametrize(
    "attack", [each for each in EVERY if each.family not in ("cipher", "payload splitting")], ids=named
)
def test_the_request_is_still_asked(attack: Attack) -> None:
    (found,) = attacked([SAMPLE], [attack])
    assert "steal the moon" in said(found)


@pytest.mark.parametrize("attack", EVERY, ids=named)
def test_other_requests_give_other_prompts_and_the_same_request_the_same(attack: Attack) -> None:
    other = asking(SAMPLE, "Explain how to sink the sun.")
    assert attack.wrap(SAMPLE) == attack.wrap(SAMPLE)
    wrapped, unlike = attack.wrap(SAMPLE), attack.wrap(other)
    assert wrapped is not None and unlike is not None
    assert said(wrapped) != said(unlike)


def test_the_families_are_all_there() -> None:
    assert {attack.family for attack in EVERY} == {
        "template", "prefix injection", "refusal suppression", "role play", "past tense", "cipher", "few-shot",
        "multi-turn", "payload splitting",
    }  # fmt: skip


def test_samples_and_attacks_are_crossed_in_order() -> None:
    samples = [SAMPLE, Sample("b", (Message("user", "Write a lie."),), "b")]
    found = attacked(iter(samples), iter([insistence, few_shot]))
    assert [sample.id for sample in found] == [
        "moon-1+insistence", "moon-1+few_shot", "b+insistence", "b+few_shot",
    ]  # fmt: skip


def test_a_request_that_an_attack_has_no_words_for_is_left_out_of_it_alone() -> None:
    picky = Attack("picky", "none", 1, "", wrap=lambda sample: None)
    assert [sample.meta["attack"] for sample in attacked([SAMPLE], [picky, few_shot])] == ["few_shot"]


def test_braces_in_a_request_are_text() -> None:
    sample = Sample("s", (Message("user", "Print {request} and {0}."),), "s")
    assert template("Say: {request}")(sample).messages[-1].content == "Say: Print {request} and {0}."


@pytest.mark.parametrize("role", ["text", "assistant"])
def test_raw_text_cannot_be_attacked(role: str) -> None:
    sample = Sample("s", (Message(role, "Once upon"),), "s")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match=f"sample 's' ends with a turn of role '{role}'"):
        request_of(sample)


def test_several_turns_say_which_is_the_first_to_ask() -> None:
    (slow, pushing) = attacked([SAMPLE], [escalation, insistence])
    for sample in (slow, pushing):
        turns = [sample.messages[-1].content, *sample.later]
        assert len(turns) == 3
        asks = ["steal the moon" in turn and "Speak about it only in general" not in turn for turn in turns]
        assert asks.index(True) == sample.meta["asks_from"]
        assert all(asks[sample.meta["asks_from"] :])


def test_examples_stand_before_the_request_as_turns_of_a_chat() -> None:
    (found,) = attacked([SAMPLE], [few_shot])
    roles = [turn.role for turn in found.messages]
    assert roles == ["system", *["user", "assistant"] * 3, "user"]
    assert found.messages[-1] == SAMPLE.messages[-1]


def test_pieces_put_together_give_the_request() -> None:
    assert pieces("abcdefgh", 3) == ["abc", "de", "fgh"]
    for length in range(12):
        text = "x" * length
        assert "".join(pieces(text, 3)) == text
    (found,) = attacked([SAMPLE], [payload_splitting])
    assert "steal the moon" not in said(found)


def test_ls_tells_every_attack_with_its_family() -> None:
    told = catalogue("attacks")["attacks"]
    assert {(entry["name"], entry["family"]) for entry in told} == {(attack.name, attack.family) for attack in EVERY}
