"""What a study is told before it runs agrees with what it can do when it has run."""

import numpy as np
import pytest

from crossrisk.interactions.effect import compare
from crossrisk.interactions.equivalence_power import equivalence_power
from crossrisk.interactions.foresight import foresee
from crossrisk.interactions.power import mcnemar_power
from crossrisk.risks import Verdict


def test_a_foretold_change_is_found_in_four_of_five_runs_at_its_level() -> None:
    seen = foresee(300, 300, family=20)
    assert seen.mde is not None and seen.mde_family is not None
    assert mcnemar_power(300, 0.05 + seen.mde, 0.05) == pytest.approx(0.8, abs=1e-3)
    assert mcnemar_power(300, 0.05 + seen.mde_family, 0.05, alpha=0.05 / 20) == pytest.approx(0.8, abs=1e-3)
    assert seen.mde_family > seen.mde


def test_templates_that_flip_as_a_whole_count_once() -> None:
    assert foresee(400, 40).mde_clusters == foresee(40, 40).mde
    assert foresee(400, 40).mde == foresee(400, 400).mde


@pytest.mark.parametrize("n", [100, 200, 400])
def test_the_foretold_margin_is_shown_in_four_of_five_runs(n: int) -> None:
    margin = foresee(n, n).margin
    assert margin is not None
    assert equivalence_power(n, 0.1, margin) == pytest.approx(0.8, abs=0.03)
    rng, shown = np.random.default_rng(n), []
    for _ in range(400):
        flips = rng.choice([-1, 1, 0], size=n, p=[0.05, 0.05, 0.9])
        base = np.where(flips == 0, rng.random(n) < 0.5, flips < 0).astype(float)
        shown.append(compare(base, base + flips, margin=margin).verdict is Verdict.NO_EFFECT)
    assert np.mean(shown) == pytest.approx(0.8, abs=0.06)  # three standard errors


def test_few_templates_bound_the_margin_however_many_prompts_they_have() -> None:
    assert foresee(100_000, 20).margin == pytest.approx(1 - 0.05 ** (1 / 20))


def test_nothing_is_foretold_of_nothing_and_too_few_see_nothing() -> None:
    nothing, five = foresee(0, 0), foresee(5, 5)
    assert (nothing.mde, nothing.margin) == (None, None)
    assert five.mde is None and five.mde_clusters is None
    with pytest.raises(ValueError, match="3 prompts cannot come from 4 templates"):
        foresee(3, 4)
