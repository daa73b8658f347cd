"""How many pairs show that nothing changed: against every table that can be, and against the textbook's formula."""

import numpy as np
import pytest
from scipy.stats import multinomial

from crossrisk.interactions.equivalence_power import equivalence_power, equivalence_sample_size
from crossrisk.interactions.paired import equivalent
from crossrisk.interactions.power import tost_sample_size
from crossrisk.interactions.score_interval import equivalence_interval


@pytest.mark.parametrize(
    ("n", "flip_rate", "margin"), [(25, 0.1, 0.25), (30, 0.3, 0.3), (40, 0.02, 0.1), (12, 0.0, 0.3)]
)
def test_power_is_the_chance_of_all_tables_that_are_called_equivalent(n: int, flip_rate: float, margin: float) -> None:
    chance = 0.0
    for worse in range(n + 1):
        for better in range(n - worse + 1):
            change = np.repeat([1.0, -1.0, 0.0], [worse, better, n - worse - better])
            interval = equivalence_interval(change, None)
            assert interval is not None
            if equivalent(interval, margin):
                table = [worse, better, n - worse - better]
                chance += multinomial.pmf(table, n, [flip_rate / 2, flip_rate / 2, 1 - flip_rate])
    assert equivalence_power(n, flip_rate, margin) == pytest.approx(chance, abs=1e-9)


@pytest.mark.parametrize("flip_rate", [0.04, 0.1, 0.2])
@pytest.mark.parametrize("margin", [0.05, 0.03])
def test_so_many_pairs_reach_the_power_and_the_formula_promises_too_much(margin: float, flip_rate: float) -> None:
    exact, formula = equivalence_sample_size(margin, flip_rate), tost_sample_size(margin, flip_rate)
    assert 0.80 <= equivalence_power(exact, flip_rate, margin) < 0.83
    assert equivalence_power(formula, flip_rate, margin) < 0.785


def test_with_many_flips_the_formula_is_what_exact_numbers_tend_to() -> None:
    ratios = [equivalence_sample_size(0.04, flips) / tost_sample_size(0.04, flips) for flips in (0.02, 0.1, 0.4)]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[0] > 1.5 and 1.0 < ratios[-1] < 1.05
