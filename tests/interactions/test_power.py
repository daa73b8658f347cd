"""What a comparison can see, against brute force, simulation and published sample sizes."""

import numpy as np
import pytest
from scipy.stats import binom, multinomial

from crossrisk.interactions.effect import compare
from crossrisk.interactions.equivalence_power import equivalence_power, equivalence_sample_size
from crossrisk.interactions.paired import mcnemar_exact
from crossrisk.interactions.power import (
    clusters_for_margin,
    mcnemar_mde,
    mcnemar_power,
    paired_sample_size,
    standard_error_mde,
    tost_sample_size,
)
from crossrisk.interactions.score_interval import equivalence_interval
from crossrisk.risks import Verdict

# Two-sided .05, 80 % power; rows: noise flips each way; columns: n; in points.
MDE_POINTS = {
    0.00: {50: 15.4, 100: 7.8, 200: 3.9, 313: 2.5, 450: 1.8, 1000: 0.8},
    0.01: {50: 17.2, 100: 9.6, 200: 5.5, 313: 3.9, 450: 3.1, 1000: 1.8},
    0.03: {50: 20.5, 100: 12.1, 200: 7.5, 313: 5.6, 450: 4.4, 1000: 2.7},
    0.05: {50: 23.0, 100: 14.2, 200: 8.9, 313: 6.6, 450: 5.3, 1000: 3.3},
    0.10: {50: 28.2, 100: 17.7, 200: 11.4, 313: 8.7, 450: 7.0, 1000: 4.5},
}


@pytest.mark.parametrize("noise", MDE_POINTS)
def test_minimum_detectable_effects_are_those_of_the_reference_table(noise: float) -> None:
    for n, points in MDE_POINTS[noise].items():
        assert mcnemar_mde(n, noise) == pytest.approx(points / 100, abs=0.00051)


@pytest.mark.parametrize(("n", "worse", "better"), [(12, 0.5, 0.1), (40, 0.2, 0.05), (40, 0.05, 0.2), (25, 0.6, 0.4)])
def test_power_is_the_chance_of_a_significant_table(n: int, worse: float, better: float) -> None:
    expected = sum(
        binom.pmf(flips, n, worse + better) * binom.pmf(up, flips, worse / (worse + better))
        for flips in range(1, n + 1)
        for up in range(flips + 1)
        if mcnemar_exact(up, flips - up) <= 0.05
    )
    assert mcnemar_power(n, worse, better) == pytest.approx(expected, abs=1e-9)


def test_power_at_the_minimum_detectable_effect_is_four_fifths_by_simulation() -> None:
    change = mcnemar_mde(200, 0.05) or 0.0
    rng = np.random.default_rng(0)
    tables = rng.multinomial(200, [0.05 + change, 0.05, 0.9 - change], size=4000)
    found = np.mean([mcnemar_exact(int(up), int(down)) < 0.05 for up, down, _ in tables])
    assert found == pytest.approx(0.8, abs=0.02)


def test_more_pairs_see_more_and_more_noise_hides_more() -> None:
    by_n = [mcnemar_mde(n, 0.02) or 1.0 for n in (30, 100, 300, 1000, 20_000)]
    by_noise = [mcnemar_mde(300, noise) or 1.0 for noise in (0, 0.02, 0.1, 0.2)]
    assert by_n == sorted(by_n, reverse=True)
    assert by_noise == sorted(by_noise)


def test_five_pairs_and_pure_noise_can_see_nothing() -> None:
    assert mcnemar_mde(5, 0.0) is None
    assert mcnemar_mde(6, 0.0) == pytest.approx(0.8 ** (1 / 6), abs=1e-4)
    assert mcnemar_mde(50, 0.5) is None
    assert mcnemar_power(100, 0.0, 0.0) == 0.0


def test_a_known_standard_error_gives_the_published_sample_size_of_969() -> None:
    # Miller (2024): variance 1/9, 969 questions see 3 points with 80 % power.
    assert standard_error_mde((1 / 9 / 969) ** 0.5, 10**9) == pytest.approx(0.03, abs=1e-5)


def test_few_clusters_see_less_than_many_at_the_same_error() -> None:
    assert (standard_error_mde(0.02, 5) or 0) > 1.3 * (standard_error_mde(0.02, 500) or 0)
    assert standard_error_mde(0.02, 1) is None
    assert standard_error_mde(0.5, 10) is None


def test_sample_sizes_of_mean_changes_are_the_published_ones() -> None:
    # Miller (2024): 969 questions see 3 points at variance 1/9. With 198 questions and a variance of replies of 1/6 in
    # either arm, ten replies a question in place of one bring the change that is seen from 13.3 to 7.6 points.
    assert paired_sample_size(0.03, 1 / 9) == 969
    assert paired_sample_size(0.1327, 1 / 9, noise=(1 / 6, 1 / 6)) == pytest.approx(198, abs=1)
    assert paired_sample_size(0.0757, 1 / 9, noise=(1 / 6, 1 / 6), attempts=(10, 10)) == pytest.approx(198, abs=1)
    with pytest.raises(ValueError, match="change of 0"):
        paired_sample_size(0.0, 1 / 9)


@pytest.mark.parametrize(
    ("margin", "sizes"), [(0.05, (138, 343, 686)), (0.03, (381, 952, 1904)), (0.02, (857, 2142, 4283))]
)
def test_sample_sizes_of_equivalence_are_the_published_ones(margin: float, sizes: tuple[int, ...]) -> None:
    # The table rounds its quantiles to 1.645 and 1.282.
    assert [tost_sample_size(margin, flips) for flips in (0.04, 0.1, 0.2)] == pytest.approx(sizes, rel=5e-4)


def test_equivalence_within_five_points_needs_59_clusters() -> None:
    same = np.zeros(59)
    assert clusters_for_margin(0.05) == 59
    assert compare(same, same).verdict is Verdict.NO_EFFECT
    assert compare(same[:58], same[:58]).verdict is Verdict.INCONCLUSIVE
    assert clusters_for_margin(0.03) == 99


def test_exact_power_of_equivalence_is_the_chance_of_a_table_that_shows_it() -> None:
    n, margin, expected = 60, 0.15, 0.0
    for worse in range(n + 1):
        for better in range(n - worse + 1):
            change = np.repeat([1.0, -1.0, 0.0], [worse, better, n - worse - better])
            interval = equivalence_interval(change, None) if worse + better < 25 else None
            if interval is not None and -margin < interval.low and interval.high < margin:
                expected += float(multinomial.pmf([worse, better, n - worse - better], n, [0.04, 0.04, 0.92]))
    assert equivalence_power(n, 0.08, margin) == pytest.approx(expected, abs=1e-6)
    with pytest.raises(ValueError, match="n = 0"):
        equivalence_power(0, 0.1, 0.05)


def test_exact_sample_sizes_of_equivalence_exceed_the_normal_limit_and_reach_their_power() -> None:
    for flips in (0.04, 0.1):
        n = equivalence_sample_size(0.05, flips)
        assert n > tost_sample_size(0.05, flips)
        assert 0.8 <= equivalence_power(n, flips, 0.05) < 0.83


def test_no_sample_size_is_less_than_what_shows_anything() -> None:
    assert tost_sample_size(0.05, 0.0) == clusters_for_margin(0.05)
    assert paired_sample_size(0.03, 0.0) == 1
    assert clusters_for_margin(1.0) == 1
