"""What must hold for every defense, whatever it does."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from crossrisk.defenses.composed import stands_on_its_model
from crossrisk.defenses.defense import Artifact, Defense, FitData
from crossrisk.errors import NotScorable, RequestError
from crossrisk.registry import DEFENSES
from crossrisk.targets.target import GenerationConfig
from tests.defenses.cases import CASES, CHATS, READ, SETTINGS, TELLING, TRAINED, behaviour, defense, scores, state_hash

IDENTITY = ("null",)
# They are other people's files, which the tests of ready defenses make first: without one there is nothing to fit.
READY = {"checkpoint", "adapter"}
EFFECTIVE = tuple(case for case in CASES if case not in IDENTITY)


def test_every_registered_defense_is_a_case_of_these_tests():
    assert {name for name, _ in SETTINGS.values()} == set(DEFENSES.built_in) - READY


@pytest.mark.parametrize("case", CASES)
def test_it_is_a_defense_whose_settings_are_plain(case):
    one = defense(case)
    assert isinstance(one, Defense)
    assert Artifact("nothing", meta={"settings": dict(one.settings)}).sha256
    assert one == defense(case) and hash(one.name) == hash(defense(case).name)


@pytest.mark.parametrize("case", CASES)
def test_at_strength_zero_nothing_moves_by_a_single_bit(case, target, data):
    one = defense(case)
    artifact = one.fit(target, data, seed=0, strength=0.0)
    with one.deploy(target, artifact) as defended:
        assert behaviour(one, defended) == behaviour(one, target)


@pytest.mark.parametrize("case", EFFECTIVE)
def test_deployed_it_changes_what_the_model_says_and_the_fingerprint(case, target, fitted):
    one, artifact = fitted(case)
    base = behaviour(one, target)
    with one.deploy(target, artifact) as defended:
        assert behaviour(one, defended) != base
        assert defended.fingerprint != target.fingerprint


@pytest.mark.parametrize("case", CASES)
def test_on_exit_the_target_is_as_it_was_bit_for_bit(case, target, fitted):
    before, said = state_hash(target), scores(target)
    one, artifact = fitted(case)
    with one.deploy(target, artifact) as defended:
        defended.generate(CHATS, GenerationConfig(3))
    assert state_hash(target) == before
    assert scores(target) == said


@pytest.mark.parametrize("case", [case for case in EFFECTIVE if not case.startswith("sham")])
def test_what_belongs_to_its_model_is_known_before_any_is_loaded(case, target, fitted):
    """A study that would put another model in its place is refused when it is planned."""
    one, artifact = fitted(case)
    with one.deploy(target, artifact) as defended:
        assert bool(defended.marks or defended.activation_edits) is stands_on_its_model(one)


@pytest.mark.parametrize("case", CASES)
def test_an_error_inside_the_block_does_not_leave_the_defense_behind(case, target, fitted):
    before, said = state_hash(target), scores(target)
    one, artifact = fitted(case)
    with pytest.raises(KeyboardInterrupt), one.deploy(target, artifact):
        raise KeyboardInterrupt
    assert state_hash(target) == before
    assert scores(target) == said


@pytest.mark.parametrize("case", CASES)
def test_where_it_has_no_likelihoods_there_are_none_rather_than_the_models_own(case, target, fitted):
    one, artifact = fitted(case)
    if "score" in one.covers:
        pytest.skip("it has likelihoods")
    with one.deploy(target, artifact) as defended, pytest.raises(NotScorable, match="output filter"):
        scores(defended)


@pytest.mark.parametrize("case", (*TRAINED, *READ))
def test_fitting_leaves_the_target_and_everybody_elses_randomness_alone(case, target, data, capfd):
    before = state_hash(target)
    torch.manual_seed(7), random.seed(7), np.random.seed(7)
    expected = torch.rand(3).tolist(), random.random(), np.random.rand()
    torch.manual_seed(7), random.seed(7), np.random.seed(7)
    defense(case).fit(target, data, seed=0, strength=1.0)
    assert (torch.rand(3).tolist(), random.random(), np.random.rand()) == expected
    assert state_hash(target) == before
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("case", (*TRAINED, *READ))
def test_the_same_seed_gives_the_same_artifact_whatever_was_drawn_before(case, target, data, fitted):
    torch.manual_seed(123), random.seed(123)
    assert defense(case).fit(target, data, seed=0, strength=1.0).sha256 == fitted(case)[1].sha256


@pytest.mark.parametrize("case", TRAINED)
def test_another_seed_gives_another_artifact(case, target, data, fitted):
    assert defense(case).fit(target, data, seed=1, strength=1.0).sha256 != fitted(case)[1].sha256


@pytest.mark.parametrize("case", CASES)
def test_a_saved_artifact_deploys_as_the_one_that_was_fitted(case, target, fitted, tmp_path):
    one, artifact = fitted(case)
    artifact.save(tmp_path)
    loaded = Artifact.load(tmp_path)
    with one.deploy(target, artifact) as defended:
        expected, fingerprint = behaviour(one, defended), defended.fingerprint
    with one.deploy(target, loaded) as defended:
        assert behaviour(one, defended) == expected
        assert defended.fingerprint == fingerprint
    assert loaded.sha256 == artifact.sha256


@pytest.mark.parametrize("case", CASES)
def test_what_the_defended_model_says_does_not_hang_on_the_rest_of_the_batch(case, target, fitted):
    one, artifact = fitted(case)
    with one.deploy(target, artifact) as defended:
        chats = (*CHATS, TELLING)
        together = defended.generate(chats, GenerationConfig(8))
        alone = [defended.generate([chat], GenerationConfig(8))[0] for chat in chats]
    assert [reply.text for reply in together] == [reply.text for reply in alone]


@pytest.mark.parametrize("case", (*TRAINED, *READ))
def test_without_the_data_that_it_needs_a_fit_says_which(case, target):
    one = defense(case)
    with pytest.raises(RequestError, match=rf"'{one.needs.data[0]}'.*made-up"):
        one.fit(target, FitData("made-up", "0"), seed=0, strength=1.0)


@pytest.mark.parametrize("case", (*TRAINED, *READ))
def test_a_model_that_only_answers_cannot_be_fitted(case, data):
    one = defense(case)
    with pytest.raises(RequestError, match=r"needs (gradients|weights)"):
        one.fit(SimpleNamespace(name="openai/some-model", model=None), data, seed=0, strength=1.0)


@pytest.mark.parametrize("strength", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("case", ["self_reminder", "dpo", "npo", "task_vector"])
def test_a_strength_that_is_no_amount_is_refused(case, strength, target, data):
    with pytest.raises(RequestError, match="strength"):
        defense(case).fit(target, data, seed=0, strength=strength)


@pytest.mark.parametrize("case", ["dpo", "npo", "task_vector"])
def test_the_artifact_is_the_more_deployed_the_greater_the_strength(case, target, data):
    """Half the strength is half the change of weights, so the likelihoods move about half as far."""
    moves = []
    base = np.concatenate([np.array(row) for row in scores(target)])
    for strength in (0.01, 0.02):
        one = defense(case)
        with one.deploy(target, one.fit(target, data, seed=0, strength=strength)) as defended:
            moves.append(np.concatenate([np.array(row) for row in scores(defended)]) - base)
    assert np.abs(moves[1] - 2 * moves[0]).max() < 0.1 * np.abs(moves[1]).max() + 1e-4
