"""Several defenses as one: in order, each on what the others before it made of the target."""

from contextlib import ExitStack

import pytest
import torch

from crossrisk.defenses.composed import Composed, Step, joined, parts_of
from crossrisk.defenses.defense import Artifact, Defense
from crossrisk.defenses.sham import Sham
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Mechanism, Risk
from crossrisk.targets.target import GenerationConfig
from tests.defenses.cases import CHATS, DATA, defense, scores, state_hash


def composed(*cases: str, strengths: tuple[float, ...] = ()) -> Composed:
    strengths = strengths or (1.0,) * len(cases)
    return Composed(tuple(Step(defense(case), DATA, 0, s) for case, s in zip(cases, strengths, strict=True)))


def fitted_on(one: Defense, target) -> Artifact:
    return one.fit(target, DATA, seed=0, strength=1.0)


@pytest.mark.parametrize("cases", [("dpo", "npo"), ("npo", "pii_scrubber", "self_reminder")])
def test_it_is_its_parts_put_on_one_after_the_other(cases, target):
    whole = composed(*cases)
    assert isinstance(whole, Defense)
    artifact = fitted_on(whole, target)
    with whole.deploy(target, artifact) as defended:
        said, fingerprint = defended.generate(CHATS, GenerationConfig(6)), defended.fingerprint
    with ExitStack() as stack:
        standing = target
        for case in cases:
            one = defense(case)
            standing = stack.enter_context(one.deploy(standing, fitted_on(one, standing)))
        assert standing.fingerprint == fingerprint
        assert standing.generate(CHATS, GenerationConfig(6)) == said


def test_it_is_undone_bit_for_bit_also_after_an_error(target):
    before, said = state_hash(target), scores(target)
    whole = composed("task_vector", "npo")
    artifact = fitted_on(whole, target)
    assert state_hash(target) == before
    with whole.deploy(target, artifact) as defended:
        assert scores(defended) != said
    assert state_hash(target) == before
    with pytest.raises(KeyboardInterrupt), whole.deploy(target, artifact):
        raise KeyboardInterrupt
    assert state_hash(target) == before
    assert scores(target) == said


def test_the_first_part_is_the_single_defense_and_the_second_is_another_than_alone(target, fitted):
    first, second = parts_of(fitted_on(composed("task_vector", "npo"), target))
    assert first.sha256 == fitted("task_vector")[1].sha256
    assert second.sha256 != fitted("npo")[1].sha256


def test_another_order_is_another_defense(target):
    one, other = composed("task_vector", "npo"), composed("npo", "task_vector")
    assert (one.name, other.name) == ("task_vector+npo", "npo+task_vector")
    assert one.settings != other.settings
    assert fitted_on(one, target).sha256 != fitted_on(other, target).sha256


def test_saved_it_deploys_as_it_was_fitted(target, tmp_path):
    whole = composed("self_reminder", "npo", "task_vector")
    artifact = fitted_on(whole, target)
    artifact.save(tmp_path)
    loaded = Artifact.load(tmp_path)
    assert loaded.sha256 == artifact.sha256
    with whole.deploy(target, artifact) as defended:
        expected, fingerprint = scores(defended), defended.fingerprint
    with whole.deploy(target, loaded) as defended:
        assert (scores(defended), defended.fingerprint) == (expected, fingerprint)


def test_parts_of_strength_0_leave_the_others_as_they_are(target, fitted):
    whole = composed("npo", "task_vector", strengths=(0.0, 1.0))
    artifact = fitted_on(whole, target)
    assert [part.kind for part in parts_of(artifact)] == ["nothing", "delta"]
    vector, alone = fitted("task_vector")
    with whole.deploy(target, artifact) as defended, vector.deploy(target, alone) as single:
        assert scores(defended) == scores(single)


def test_what_was_joined_comes_apart_again():
    parts = [Artifact("delta", {"a.weight": torch.ones(2), "1/b": torch.zeros(1)}, {"scale": 2.0}), Artifact("nothing")]
    assert [part.sha256 for part in parts_of(joined(parts))] == [part.sha256 for part in parts]


def test_what_it_is_for_is_what_all_of_its_parts_are_for():
    one = composed("dpo", "safe_unlearning")
    assert one.risk is Risk.SAFETY and one.mechanism is Mechanism.TRAINING
    two = composed("dpo", "npo")
    assert two.risk is None and two.threat is None and two.mechanism is Mechanism.TRAINING
    three = composed("self_reminder", "npo")
    assert three.mechanism is Mechanism.COMPOSED
    assert set(two.needs.data) >= {"pairs", "forget", "retain"} and two.needs.gradients


def test_it_has_likelihoods_and_weights_only_where_every_part_has():
    assert composed("dpo", "npo").covers == {"generate", "score", "weights"}
    assert composed("self_reminder", "npo").covers == {"generate", "score"}
    assert composed("npo", "pii_scrubber").covers == {"generate"}


def test_a_composition_has_a_card_of_its_parts():
    card = composed("dpo", "npo").card
    assert defense("dpo").card.title in card.title and defense("npo").card.formula in card.formula


def test_its_sham_is_the_sham_of_every_part(target):
    whole = composed("task_vector", "npo")
    artifact, scrambled = fitted_on(whole, target), fitted_on(Sham(whole), target)
    assert scrambled.sha256 != artifact.sha256
    for real, random in zip(parts_of(artifact), parts_of(scrambled), strict=True):
        assert real.kind == random.kind and set(real.tensors) == set(random.tensors)
        assert real.sha256 != random.sha256
    said = scores(target)
    with Sham(whole).deploy(target, scrambled) as defended:
        assert scores(defended) != said


def test_the_same_part_twice_is_refused():
    with pytest.raises(RequestError, match="'dpo' twice with the same settings"):
        composed("dpo", "npo", "dpo")
    beta = DEFENSES.get("dpo")(beta=0.3, steps=1)
    assert Composed((Step(defense("dpo"), DATA, 0), Step(beta, DATA, 0))).name == "dpo+dpo"


@pytest.mark.parametrize("last", ["dp_sgd", "fine_tuned"])
def test_what_brings_a_model_of_its_own_comes_first(last):
    with pytest.raises(RequestError, match=f"put '{last}' first"):
        composed("npo", last)
    with pytest.raises(RequestError, match=f"the one that 'safe_decoding' stands on: put '{last}' first"):
        composed("safe_decoding", last)
    assert composed(last, "npo").name == f"{last}+npo"
    assert composed("memfree", last).name == f"memfree+{last}"
    assert composed("self_reminder", last).name == f"self_reminder+{last}"


def test_a_checkpoint_on_a_changed_model_is_refused():
    ready = DEFENSES.get("checkpoint")(model="some/model")
    with pytest.raises(RequestError, match="put 'checkpoint' first"):
        Composed((Step(defense("dpo"), DATA, 0), Step(ready, DATA, 0)))


def test_one_part_is_no_composition():
    with pytest.raises(RequestError, match="two steps or more"):
        composed("dpo")
