"""Defenses on top of each other: each is fitted on what stands already, and all are undone in order."""

from itertools import permutations

import pytest

from crossrisk.errors import RequestError
from tests.defenses.cases import DATA, defense, scores, state_hash

STACKED = ("self_reminder", "dpo", "npo", "task_vector")


@pytest.mark.parametrize(("outer", "inner"), permutations(STACKED, 2))
def test_a_pair_in_either_order_is_undone_step_by_step(outer, inner, target, fitted):
    before, base = state_hash(target), scores(target)
    first, first_artifact = fitted(outer)
    second, second_artifact = fitted(inner)
    with first.deploy(target, first_artifact) as once:
        once_hash, once_scores = state_hash(once), scores(once)
        with second.deploy(once, second_artifact) as twice:
            assert scores(twice) != once_scores
            assert len({target.fingerprint, once.fingerprint, twice.fingerprint}) == 3
        assert state_hash(once) == once_hash
        assert scores(once) == once_scores
    assert state_hash(target) == before
    assert scores(target) == base


@pytest.mark.parametrize("inner", ["dpo", "npo", "task_vector"])
@pytest.mark.parametrize("outer", ["dpo", "npo"])
def test_a_fit_sees_the_defended_model_and_leaves_it_alone(outer, inner, target, fitted):
    standing, artifact = fitted(outer)
    one, on_base = fitted(inner)
    with standing.deploy(target, artifact) as defended:
        before, said = state_hash(defended), scores(defended)
        on_defended = one.fit(defended, DATA, seed=0, strength=1.0)
        assert state_hash(defended) == before
        assert scores(defended) == said
        with one.deploy(defended, on_defended) as twice:
            assert scores(twice) != said
        assert scores(defended) == said
    assert on_defended.sha256 != on_base.sha256
    assert set(on_defended.tensors) == set(on_base.tensors)


def test_a_fit_behind_a_reminder_is_fitted_on_reminded_prompts(target, fitted):
    reminder, words = fitted("self_reminder")
    with reminder.deploy(target, words) as reminded:
        behind = defense("npo").fit(reminded, DATA, seed=0, strength=1.0)
    assert behind.sha256 != fitted("npo")[1].sha256


@pytest.mark.parametrize("outer", ["dpo", "npo", "task_vector"])
def test_what_trains_a_copy_is_not_fitted_behind_edits_of_activations_that_the_copy_would_lack(outer, target, fitted):
    steering, vectors = fitted("steering_safety")
    with (
        steering.deploy(target, vectors) as steered,
        pytest.raises(RequestError, match=f"'{outer}' trains a copy.*put it first"),
    ):
        defense(outer).fit(steered, DATA, seed=0, strength=1.0)
