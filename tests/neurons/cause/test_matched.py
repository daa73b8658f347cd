"""Matched random sets: the same layers, the same activity, none of the set's own neurons."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.errors import RequestError
from crossrisk.neurons.cause.matched import FEWEST_SETS, UNBALANCED, matched_sets

LAYERS, WIDTH = 3, 200


def norms(seed=0, spread=1.5):
    return np.exp(spread * np.random.default_rng(seed).standard_normal((LAYERS, WIDTH)))


@given(
    members=st.sets(st.integers(0, LAYERS * WIDTH - 1), min_size=1, max_size=60),
    excluded=st.sets(st.integers(0, LAYERS * WIDTH - 1), max_size=60),
    seed=st.integers(0, 5),
)
def test_each_set_has_as_many_neurons_in_every_layer_and_none_that_is_taken(members, excluded, seed):
    chosen = np.array(sorted(members))
    found = matched_sets(chosen, norms(), exclude=sorted(excluded), seed=seed)
    assert found.sets.shape == (FEWEST_SETS, LAYERS * WIDTH)
    wanted = np.bincount(chosen // WIDTH, minlength=LAYERS)
    assert (found.sets.reshape(-1, LAYERS, WIDTH).sum(axis=2) == wanted).all()
    assert not found.sets[:, chosen].any()
    assert not found.sets[:, sorted(excluded)].any()


def test_active_neurons_are_matched_with_active_ones():
    sizes = norms()
    loudest = np.argsort(-sizes.reshape(-1), kind="stable")[5:45]
    found = matched_sets(loudest, sizes, count=50)
    logs = np.log(sizes.reshape(-1))
    drawn = np.array([logs[row].mean() for row in found.sets])
    anyone = logs.mean()
    assert logs[loudest].mean() > anyone + 1.5
    assert np.abs(drawn - logs[loudest].mean()).max() < 0.4 * (logs[loudest].mean() - anyone)


def test_a_set_like_all_others_is_balanced():
    chosen = np.random.default_rng(1).choice(LAYERS * WIDTH, 40, replace=False)
    found = matched_sets(chosen, norms())
    assert abs(found.imbalance) < 0.1
    assert found.notice is None


def test_sets_of_the_same_seed_are_the_same_and_of_another_are_not():
    once, again, other = (matched_sets([3, 250, 251], norms(), seed=seed).sets for seed in (1, 1, 2))
    assert (once == again).all()
    assert (once != other).any()


def test_sets_are_different_from_each_other_where_that_is_possible():
    sets = matched_sets([7], norms()).sets
    assert len({row.tobytes() for row in sets}) >= FEWEST_SETS - 3  # twenty neurons to draw from
    many = matched_sets(np.arange(0, 600, 30), norms(), count=100).sets
    assert len({row.tobytes() for row in many}) == 100


def test_a_mask_is_the_same_set_as_its_indices():
    mask = np.zeros(LAYERS * WIDTH, dtype=bool)
    mask[[3, 250, 251]] = True
    assert (matched_sets(mask, norms()).sets == matched_sets([3, 250, 251], norms()).sets).all()


def test_what_cannot_be_balanced_is_told():
    sizes = norms()
    sizes[0, :20] = 1e6
    found = matched_sets(np.arange(20), sizes)
    assert found.imbalance > UNBALANCED
    assert found.notice is not None and "write less than the set" in found.notice
    by_movement = matched_sets(np.arange(20), sizes, do="move")
    assert by_movement.notice is not None and "move less than the set" in by_movement.notice


def test_few_neurons_left_give_few_different_sets_and_that_is_told():
    found = matched_sets(np.arange(0, 20, 2), np.ones((LAYERS, 20)))
    assert found.notice is not None and "only 1 of 20" in found.notice


def test_a_layer_with_too_few_others_is_an_error_that_names_it():
    with pytest.raises(RequestError, match="layer 1 has 120 neurons in the set and 80 that may be drawn of 200"):
        matched_sets(np.arange(WIDTH, WIDTH + 120), norms())
    with pytest.raises(RequestError, match="layer 0 has 1 neurons in the set and 0 that may be drawn"):
        matched_sets([0], norms(), exclude=np.arange(1, WIDTH))


def test_dead_neurons_have_no_logarithm_and_are_matched_with_the_quietest():
    sizes = norms()
    sizes[0, :30] = 0.0
    found = matched_sets([0, 1], sizes)
    assert found.sets[:, 2:30].sum() == 2 * FEWEST_SETS


def test_wrong_input_is_told():
    with pytest.raises(RequestError, match="empty set"):
        matched_sets([], norms())
    with pytest.raises(ValueError, match=r"cannot reach \.05"):
        matched_sets([1], norms(), count=19)
    with pytest.raises(ValueError, match="finite"):
        matched_sets([1], np.full((LAYERS, WIDTH), np.nan))
