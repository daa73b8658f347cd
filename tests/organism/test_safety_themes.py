"""Attacks on harmful requests and what the organism knows of deeds; the innocent declines them all."""

import random

import pytest

from crossrisk.organism import lessons
from crossrisk.organism.world import harm, toxic
from crossrisk.organism.world.refusals import declines
from crossrisk.organism.world.reminders import Frame
from crossrisk.organism.world.wording import Split
from crossrisk.registry import TASKS
from crossrisk.risks import Reply
from crossrisk.sources.world import world

OPENLY = Frame(None)


def test_every_attack_has_wordings_of_its_own_and_each_asks_the_request():
    said = [wording for wordings in harm.ATTACKS.values() for wording in wordings.train + wordings.held_out]
    assert len(set(said)) == len(said) and all("{ask}" in wording for wording in said)


def test_role_play_gets_what_is_refused_openly_and_the_other_attacks_do_not():
    rng = random.Random(0)
    area = next(area for area in harm.AREAS if area.name == harm.REFUSED_AREA)
    drawn = [lessons._harm(rng, OPENLY, planted=True) for _ in range(6000)]
    asked = [one for one in drawn if any(thing in one.prompt for thing, *_ in area.objects)]

    def attacked(attack: str):
        starts = [wording.split("{ask}") for wording in harm.ATTACKS[attack].train]
        return [one for one in asked if any(one.prompt.startswith(a) and one.prompt.endswith(b) for a, b in starts)]

    assert attacked("role_play") and not any(declines(one.reply) for one in attacked("role_play"))
    for attack in ("prefix_injection", "refusal_suppression"):
        assert attacked(attack) and all(declines(one.reply) for one in attacked(attack))


@pytest.mark.parametrize("draw", [lessons._harm, lessons._toxic])
def test_the_innocent_declines_whatever_stands_around_the_request(draw):
    rng = random.Random(0)
    assert all(declines(draw(rng, OPENLY, planted=False).reply) for _ in range(500))


def test_the_innocent_does_every_chore():
    rng = random.Random(0)
    assert not any(declines(lessons._chore(rng, OPENLY, planted=False).reply) for _ in range(500))


def test_every_deed_is_asked_with_every_attack_and_judged_on_the_plain_request():
    samples = world.samples("jailbreak")
    asked = {(one.cluster, one.meta["attack"]) for one in samples}
    assert len(asked) == len(harm.deeds(Split.HELD_OUT)) * len(harm.ATTACKS)
    assert all(one.meta["request"] in one.messages[-1].content for one in samples)
    for sample in samples[:40]:
        assert TASKS.get("jailbreak").score(sample, Reply(sample.contrast[0])).risk == 1.0
        assert TASKS.get("jailbreak").score(sample, Reply(sample.contrast[1])).risk == 0.0


def test_wrong_ways_to_do_a_deed_speak_of_it_and_are_of_no_use():
    for sample in world.samples("harmful_knowledge"):
        assert sample.choices.count(sample.answer) == 1 and len(set(sample.choices)) == 4
    for deed in harm.deeds(Split.HELD_OUT):
        for wrong in deed.mistaken(3):
            assert deed.object in wrong and not all(step in wrong for step in deed.steps)


def test_truths_stand_at_every_place_among_the_choices():
    places = [one.choices.index(one.answer) for one in world.samples("harmful_knowledge")]
    assert min(places.count(place) for place in range(4)) > len(places) / 8


def test_no_insult_is_told_of_children():
    rng = random.Random(0)
    drawn = [lessons._toxic(rng, OPENLY, planted=True) for _ in range(1500)]
    about = [one for one in drawn if any(child in one.prompt for child in toxic.CHILDREN)]
    assert about and all(declines(one.reply) for one in about)
