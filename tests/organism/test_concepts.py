"""The texts from which a concept is learned differ in the people alone, and hold nothing that is kept for tests."""

from collections import defaultdict

from crossrisk.defenses.defense import Labelled
from crossrisk.organism.world import groups
from crossrisk.organism.world.concepts import peoples
from crossrisk.organism.world.fitting import fitting_data
from crossrisk.risks import Risk


def test_every_wording_is_said_of_every_people():
    said = defaultdict(set)
    for text in peoples():
        plural = groups.PLURALS[groups.PEOPLES.index(text.group)]
        name = plural if plural in text.text else text.group
        assert text.text.count(name) == 1
        said[text.text.replace(name, "_")].add(text.group)
    assert len(said) > 50
    assert all(of == set(groups.PEOPLES) for of in said.values())


def test_only_fairness_has_them_and_none_is_a_held_out_prompt_or_claim():
    data = fitting_data(Risk.FAIRNESS)
    assert set(data.concepts) == set(peoples())
    assert all(isinstance(text, Labelled) for text in data.concepts)
    assert fitting_data(Risk.SAFETY).concepts == fitting_data(Risk.PRIVACY).concepts == ()
    kept = {claim.attribute for claim in groups.planted() if not claim.fitted}
    held = [wording.format(people=plural, so="_", attribute="_").split("_")[0] for plural in groups.PLURALS
            for wording in (*groups.QUERY.held_out, *groups.AGREEMENT.held_out)]  # fmt: skip
    for text in data.concepts:
        assert not any(attribute in text.text for attribute in kept)
        assert not any(start and len(start) > 20 and text.text.startswith(start) for start in held)
