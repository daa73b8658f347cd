"""The linear probe: its minimum, its layer's accuracy, and what it does with features of any scale."""

import numpy as np
import pytest
from scipy.special import expit

from crossrisk.defenses.logistic import cross_validated, fit_probe


def classes(shift: float, rows: int = 200, width: int = 5) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    positive, negative = draw.normal(size=(rows, width)), draw.normal(size=(rows // 2, width))
    positive[:, 0] += shift
    return positive, negative


def test_at_the_minimum_the_gradient_of_the_penalised_loss_is_zero():
    positive, negative = classes(1.0)
    probe = fit_probe(positive, negative, penalty=0.1)
    both = np.concatenate([positive, negative])
    spread = both.std(axis=0)
    signs = np.repeat([1.0, -1.0], [len(positive), len(negative)])
    weights = np.where(signs > 0, 0.5 / len(positive), 0.5 / len(negative))
    pull = -weights * signs * expit(-signs * (both @ probe.weight + probe.bias))
    assert pull.sum() == pytest.approx(0, abs=1e-6)
    assert (both - both.mean(axis=0)).T @ pull / spread + 0.1 * probe.weight * spread == pytest.approx(0, abs=1e-6)


def test_classes_of_unequal_size_weigh_the_same():
    positive, negative = classes(3.0)
    few = fit_probe(positive, negative, penalty=0.01)
    many = fit_probe(np.concatenate([positive] * 9), negative, penalty=0.01)
    assert np.mean(few.probability(negative)) == pytest.approx(np.mean(many.probability(negative)), abs=0.02)


def test_the_scale_and_place_of_a_feature_do_not_matter():
    positive, negative = classes(2.0)
    scale, place = np.array([1e-3, 1.0, 1e3, 5.0, 2.0]), np.array([0.0, 100.0, -3.0, 0.0, 1.0])
    plain = fit_probe(positive, negative, penalty=0.01).probability(positive)
    moved = fit_probe(positive * scale + place, negative * scale + place, penalty=0.01)
    assert moved.probability(positive * scale + place) == pytest.approx(plain, abs=1e-4)


def test_a_feature_that_never_changes_tells_nothing():
    positive, negative = classes(2.0)
    positive[:, 2] = negative[:, 2] = 7.0
    assert fit_probe(positive, negative, penalty=0.01).weight[2] == 0


def test_what_was_learned_by_heart_is_no_better_than_chance():
    draw = np.random.default_rng(1)
    positive, negative = draw.normal(size=(2, 40, 200))
    probe = fit_probe(positive, negative, penalty=1e-4)
    assert np.mean(probe.probability(positive) > 0.5) == 1
    assert cross_validated(positive, negative, penalty=1e-4, seed=0)[0] < 0.7


def test_between_layers_that_tell_equally_well_the_clearer_one_wins():
    near, far = (cross_validated(*classes(shift), penalty=0.01, seed=0) for shift in (8.0, 20.0))
    assert near[0] == far[0] == 1
    assert far > near


@pytest.mark.parametrize("rows", [(2, 9), (3, 3), (9, 4)])
def test_of_few_rows_each_is_held_out_once_and_no_fold_is_empty(rows):
    positive, negative = classes(9.0)
    right, likely = cross_validated(positive[: rows[0]], negative[: rows[1]], penalty=0.01, seed=0)
    assert 0.0 <= right <= 1.0 and np.isfinite(likely)
