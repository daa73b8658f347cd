"""A mean over cells: statsmodels' numbers, a case by hand, and whether intervals hold what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student
from statsmodels.stats.meta_analysis import combine_effects

from crossrisk.interactions.questions.random_effects import i_squared, paule_mandel, random_effects

# Thirteen trials of a vaccine against tuberculosis (Colditz et al. 1994): cases and others, vaccinated and not.
TRIALS = np.array(
    [
        *((4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761)),
        *((180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232)),
        *((17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825)),
    ]
)
CASES, OTHERS = TRIALS[:, ::2], TRIALS[:, 1::2]
EFFECTS = np.log(CASES / (CASES + OTHERS)) @ [1, -1]  # log relative risks
ERRORS = ((1 / CASES - 1 / (CASES + OTHERS)).sum(axis=1)) ** 0.5


def one_way(effects, variances, **options):
    """Independent tasks under one defense."""
    names = [f"t{i}" for i in range(len(effects))]
    return random_effects(
        np.asarray(effects), np.diag(variances), defenses=["d"] * len(effects), tasks=names, **options
    )


def test_independent_tasks_of_one_defense_are_the_meta_analysis_of_statsmodels() -> None:
    theirs = combine_effects(EFFECTS, ERRORS**2, method_re="pm", use_t=True, atol=1e-13)
    ours = one_way(EFFECTS, ERRORS**2, bound=9.0)
    assert ours.mean == pytest.approx(theirs.mean_effect_re, rel=1e-9)
    assert ours.tau2 == pytest.approx(theirs.tau2, rel=1e-8)
    assert ours.i2 == pytest.approx(theirs.i2, rel=1e-9)
    assert ours.weights == pytest.approx(theirs.weights_rel_re, rel=1e-8)
    assert ours.variance == pytest.approx(theirs.var_hksj_re, rel=1e-8)
    assert ours.degrees == pytest.approx(12)
    assert (ours.mean, ours.tau2) == pytest.approx((-0.7150, 0.3181), abs=1e-4)  # as R's metafor has it
    hksj = theirs.conf_int(use_t=True)[3]
    assert ours.interval == pytest.approx(tuple(hksj), rel=1e-8)


def test_without_heterogeneity_the_interval_is_no_narrower_than_the_plain_one() -> None:
    effects, variances = EFFECTS / 20, ERRORS**2
    theirs = combine_effects(effects, variances, method_re="pm")
    ours = one_way(effects, variances, bound=9.0)
    assert ours.tau2 == 0.0 and ours.i2 == 0.0
    assert theirs.var_hksj_re < 1 / (1 / variances).sum()  # what Hartung and Knapp would have let through
    assert ours.variance == pytest.approx(1 / (1 / variances).sum())


def test_two_equally_sure_tasks_by_hand() -> None:
    # Mean of 0.1 and 0.5 is 0.3. Paule and Mandel: (0.2^2 + 0.2^2) / (v + tau2) = 1, so v + tau2 = 0.08.
    # Variance of the mean 0.08 / 2 = 0.04, one degree of freedom: 0.3 +- 12.7062 * 0.2.
    found = one_way([0.1, 0.5], [0.01, 0.01], bound=9.0)
    assert found.mean == pytest.approx(0.3)
    assert found.tau2 == pytest.approx(0.07)
    assert found.i2 == pytest.approx(1 - 1 / 8)  # Q = 2 * 0.04 / 0.01
    assert found.interval == pytest.approx((0.3 - 12.7062 * 0.2, 0.3 + 12.7062 * 0.2), abs=1e-4)
    assert found.prediction is None


def test_the_prediction_of_higgins_thompson_and_spiegelhalter() -> None:
    found = one_way(EFFECTS, ERRORS**2, bound=9.0)
    reach = student.ppf(0.975, 11) * (found.tau2 + found.variance) ** 0.5
    assert found.prediction == pytest.approx((found.mean - reach, found.mean + reach))


def test_one_cell_is_itself_and_promises_nothing() -> None:
    found = one_way([0.2], [0.01])
    assert found.mean == 0.2 and found.weights.tolist() == [1.0]
    assert (found.interval, found.prediction, found.tau2, found.i2, found.variance) == (None,) * 5


def test_a_cell_without_an_error_is_refused() -> None:
    with pytest.raises(ValueError, match="positive variance"):
        one_way([0.2, 0.1], [0.01, 0.0])
    with pytest.raises(ValueError, match="at least one cell"):
        one_way([], [])


def test_intervals_are_cut_to_what_is_possible() -> None:
    found = one_way([-0.9, -0.2], [0.001, 0.001])
    assert found.interval == (-1.0, 1.0)


def test_tau2_makes_the_weighted_squares_what_chance_would() -> None:
    tau2 = paule_mandel(EFFECTS, ERRORS**2)
    weights = 1 / (ERRORS**2 + tau2)
    mean = weights @ EFFECTS / weights.sum()
    assert weights @ (EFFECTS - mean) ** 2 == pytest.approx(len(EFFECTS) - 1)
    assert paule_mandel(EFFECTS[:1], ERRORS[:1] ** 2) == 0.0
    assert i_squared(np.array([0.3, 0.3]), np.array([0.1, 0.2])) == 0.0


cells = st.lists(st.tuples(st.floats(-1, 1), st.floats(0.01, 0.3)), min_size=2, max_size=8)


@settings(max_examples=50)
@given(cells, st.randoms(use_true_random=False))
def test_the_order_of_cells_and_the_sign_change_nothing(found, random) -> None:
    k = len(found)
    defenses, tasks = [f"d{i % 2}" for i in range(k)], [f"t{i // 2}" for i in range(k)]
    places = list(range(k))
    random.shuffle(places)

    def pooled(order, sign=1.0):
        effects = np.array([sign * found[i][0] for i in order])
        covariance = np.diag([found[i][1] ** 2 for i in order])
        names = [[labels[i] for i in order] for labels in (defenses, tasks)]
        return random_effects(effects, covariance, defenses=names[0], tasks=names[1])

    straight, mixed, turned = pooled(range(k)), pooled(places), pooled(range(k), -1.0)
    for name in ("mean", "variance", "degrees", "tau2", "i2"):
        assert getattr(mixed, name) == pytest.approx(getattr(straight, name), rel=1e-6, abs=1e-12)
    assert turned.mean == pytest.approx(-straight.mean, abs=1e-12)
    assert turned.interval == pytest.approx((-straight.interval.high, -straight.interval.low), abs=1e-9)


def test_defenses_that_share_their_error_are_no_independent_evidence() -> None:
    effects, names = np.array([0.10, 0.11, 0.09, 0.10]), [f"d{i}" for i in range(4)]
    alone = np.eye(4) * 0.02**2
    shared = alone * 0.05 + 0.95 * 0.02**2
    apart, tied = (random_effects(effects, each, defenses=names, tasks=["t"] * 4) for each in (alone, shared))
    assert apart.variance == pytest.approx(0.02**2 / 4)
    assert tied.variance > 0.95 * 0.02**2  # a fifth defense would not have told more
    assert tied.interval.low < 0.1 - 0.02 * 3 < apart.interval.low


def covered(defenses, tasks, between_defenses, between_tasks, of_pairs, *, share=0.5, runs=400, seed=0):
    """How often the interval holds the true mean; and one that takes the means of defenses for independent."""
    rng = np.random.default_rng(seed)
    rows, columns = np.repeat(np.arange(defenses), tasks), np.tile(np.arange(tasks), defenses)
    noise = 0.04**2 * ((1 - share) * np.eye(len(rows)) + share * (columns[:, None] == columns))
    root = np.linalg.cholesky(noise)
    held = naive = 0
    for _ in range(runs):
        effects = (
            rng.normal(0, between_defenses, defenses)[rows]
            + rng.normal(0, between_tasks, tasks)[columns]
            + rng.normal(0, of_pairs, len(rows))
            + root @ rng.normal(size=len(rows))
        )
        found = random_effects(effects, noise, defenses=rows.tolist(), tasks=columns.tolist(), bound=99.0)
        held += found.interval.low <= 0 <= found.interval.high
        means = effects.reshape(defenses, tasks).mean(axis=1)
        if defenses > 1:
            half = student.ppf(0.975, defenses - 1) * means.std(ddof=1) / defenses**0.5
            naive += abs(means.mean()) <= half
    return held / runs, naive / runs


@pytest.mark.parametrize(
    ("defenses", "tasks", "spread"),
    [(1, 3, (0, 0.1, 0)), (4, 1, (0.1, 0, 0)), (2, 3, (0.1, 0.1, 0)), (4, 4, (0.1, 0.1, 0.1)), (4, 3, (0, 0, 0))],
)
def test_the_interval_of_the_mean_holds_the_truth(defenses, tasks, spread) -> None:
    # 400 samples: the standard error of 95 % is 1.1 %.
    assert covered(defenses, tasks, *spread)[0] >= 0.92


def test_means_of_defenses_alone_would_be_too_sure_where_tasks_differ() -> None:
    held, naive = covered(4, 4, 0, 0.1, 0)
    assert held >= 0.92 and naive < 0.5
