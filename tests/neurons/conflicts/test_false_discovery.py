"""Step-up corrections of which only the small p are at hand give what they give on all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from crossrisk.neurons.conflicts.false_discovery import Correction, adjusted, discoveries

LISTS = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@pytest.mark.parametrize(("correction", "theirs"), [("BH", "fdr_bh"), ("BY", "fdr_by")])
@given(values=LISTS)
def test_all_p_are_adjusted_as_by_statsmodels(correction: Correction, theirs: str, values: list[float]) -> None:
    p = np.array(values)
    assert adjusted(p, len(p), correction) == pytest.approx(multipletests(p, method=theirs)[1])


@pytest.mark.parametrize(("correction", "theirs"), [("BH", "fdr_bh"), ("BY", "fdr_by")])
@given(values=LISTS, inflation=st.lists(st.floats(1, 3), min_size=40, max_size=40))
def test_quick_lower_bounds_find_what_exact_p_find(
    correction: Correction, theirs: str, values: list[float], inflation: list[float]
) -> None:
    bound = np.array(values)
    exact = np.minimum(1.0, bound * np.array(inflation[: len(bound)]))
    found, p, corrected = discoveries(
        bound, lambda places: exact[places], tests=len(p_all := exact), q=0.2, correction=correction
    )
    reject, expected = multipletests(p_all, alpha=0.2, method=theirs)[:2]
    assert found.tolist() == np.flatnonzero(expected <= 0.2).tolist()
    assert reject[found].all()
    assert p.tolist() == exact[found].tolist()
    assert corrected == pytest.approx(expected[found])


def test_exact_p_are_asked_for_only_where_they_could_be_found() -> None:
    bound = np.array([1e-6, 0.04, 0.04, 0.9])
    asked: list[int] = []

    def exact(places: np.ndarray) -> np.ndarray:
        asked.extend(places.tolist())
        return bound[places]

    assert discoveries(bound, exact, tests=1_000, q=0.05, correction="BH")[0].tolist() == [0]
    assert asked == [0]
