"""What neurons/ says of the planted organism, held against its truth; prompts that check did not choose."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.neurons.planted import HARMLESS, RISKS, TASKS, Prompts, detect, outcomes, planted, undone

from crossrisk.organism.planted import Recipe


@pytest.fixture(scope="module")
def small():
    return planted(1, Recipe(prompts=32)), Prompts.of_world(32, seed=1)


@pytest.fixture(scope="module")
def found(small):
    return detect(*small, defended=True, seed=1)


def test_what_the_planted_defense_moved_is_found_and_no_decoy(found):
    assert found.recall >= 0.9 and found.precision >= 0.9
    assert found.decoys == 0 and found.found.warning is None


def test_what_is_found_lowers_the_first_risk_and_raises_the_second(found):
    assert not found.found.raises_first.any()


def test_patching_it_back_undoes_the_planted_side_effect_and_random_sets_do_not(small, found):
    model, prompts = small
    first, second = prompts.check
    back = undone(model, replace(prompts, check=(first[::4], second[::4])), found.found, seed=1)
    assert back.change[0] < -0.2 and back.change[1] > 2
    assert min(back.grafted) >= 0.8 and min(back.found) >= 0.8
    assert all(abs(shares.mean()) < 0.1 for shares in back.random)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_over_seeds_the_planted_conflicts_are_found_and_are_the_cause(seed):
    model, prompts = planted(seed), Prompts.of_world(144, seed)
    moved = detect(model, prompts, defended=True, seed=seed)
    assert moved.recall >= 0.9 and moved.precision >= 0.9 and moved.decoys == 0
    alone = detect(model, prompts, defended=False, seed=seed)
    assert alone.recall >= 0.9
    back = undone(model, prompts, moved.found, seed=seed)
    assert min(*back.grafted, *back.found) >= 0.8
    assert max(float(np.abs(shares.mean())) for shares in back.random) < 0.1


@pytest.mark.slow
def test_the_side_effect_shows_in_the_replies_and_utility_stays():
    model = planted(0)
    base, defended = (
        outcomes(arm, [*TASKS[RISKS[0]], *TASKS[RISKS[1]], *HARMLESS], 144) for arm in (model.base, model.defended)
    )
    change = {task: defended[task] - base[task] for task in base}
    assert all(change[task] <= -0.05 for task in TASKS[RISKS[0]])
    assert all(change[task] >= 0.1 for task in TASKS[RISKS[1]])
    assert all(abs(change[task]) <= 0.03 for task in HARMLESS)
