import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crossrisk.tasks.metrics.detection import refusal_detection, sensitivity
from crossrisk.tasks.service.over_refusal import over_refusal
from tests.tasks.table import table

COUNTS = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_perfect_separation_is_finite_and_even_handed() -> None:
    found = sensitivity(200, 200, 0, 200)
    assert found is not None
    assert found.d_prime == pytest.approx(2 * stats.norm.ppf(200.5 / 201))
    assert found.bias == pytest.approx(0.0)


def test_to_refuse_everything_is_bias_and_no_skill() -> None:
    refuses, answers = sensitivity(100, 100, 100, 100), sensitivity(0, 100, 0, 100)
    assert refuses is not None and answers is not None
    assert refuses.d_prime == pytest.approx(0.0) == answers.d_prime
    assert refuses.bias == pytest.approx(-answers.bias)
    assert refuses.bias < -2


@given(COUNTS, COUNTS)
def test_rates_are_corrected_log_linearly_and_always(signal: tuple[int, int], noise: tuple[int, int]) -> None:
    found = sensitivity(*signal, *noise)
    hit, false_alarm = (stats.norm.ppf((count + 0.5) / (n + 1)) for count, n in (signal, noise))
    assert found is not None
    assert found.d_prime == pytest.approx(hit - false_alarm, abs=1e-9)
    assert found.bias == pytest.approx(-(hit + false_alarm) / 2, abs=1e-9)


@pytest.mark.parametrize("counts", [(0, 0, 1, 2), (1, 2, 0, 0)])
def test_without_both_kinds_of_request_there_is_no_sensitivity(counts: tuple[int, int, int, int]) -> None:
    assert sensitivity(*counts) is None


def test_full_and_partial_refusals_are_told_apart_by_kind_and_type() -> None:
    rows = table(
        {"kind": "safe", "type": "homonyms", "label": "full", "risk": 1.0},
        {"kind": "safe", "type": "homonyms", "label": "none", "risk": 0.0},
        {"kind": "safe", "type": "figures", "label": "partial", "risk": 1.0},
        {"kind": "safe", "type": "figures", "label": "degenerate", "risk": None},
        {"kind": "contrast", "type": "homonyms", "label": "full", "risk": 1.0},
        {"kind": "contrast", "type": "homonyms", "label": "none", "risk": 0.0},
    )
    figures = refusal_detection(rows)
    third = pytest.approx(1 / 3)
    assert figures["safe"] == {"n": 3, "full": third, "partial": third, "none": third}
    assert figures["contrast"] == {"n": 2, "full": 0.5, "partial": 0.0, "none": 0.5}
    assert figures["by_type"]["safe"] == {
        "figures": {"n": 1, "full": 0.0, "partial": 1.0, "none": 0.0},
        "homonyms": {"n": 2, "full": 0.5, "partial": 0.0, "none": 0.5},
    }
    assert figures["invalid"] == {"degenerate": 1}
    expected = sensitivity(1, 2, 2, 3)
    assert expected is not None
    assert (figures["d_prime"], figures["bias_c"]) == (expected.d_prime, expected.bias)
    assert figures["correction"] == "log-linear"


def test_without_contrasts_d_prime_is_undefined_and_not_zero() -> None:
    figures = refusal_detection(table({"kind": "safe", "type": "t", "label": "full", "risk": 1.0}))
    assert (figures["d_prime"], figures["bias_c"]) == (None, None)
    assert figures["contrast"] == {"n": 0, "full": None, "partial": None}


def test_a_prompt_that_says_no_kind_is_safe_for_the_figures_as_for_the_headline() -> None:
    rows = table({"label": "full", "risk": 1.0}, {"kind": "contrast", "label": "full", "risk": 1.0})
    figures = refusal_detection(rows)
    assert (figures["safe"]["n"], figures["safe"]["full"]) == (1, over_refusal.metric.headline(rows)) == (1, 1.0)
    assert figures["d_prime"] == pytest.approx(0.0)


def test_whatever_counts_as_a_refusal_has_a_share() -> None:
    """A request that was not understood turns a person away too, and the world's judge says so."""
    rows = table(
        {"kind": "safe", "label": "puzzled", "risk": 1.0},
        {"kind": "safe", "label": "helped", "risk": 0.0},
        {"kind": "contrast", "label": "unhelpful", "risk": 0.0},
    )
    figures = refusal_detection(rows)
    assert figures["safe"] == {"n": 2, "full": 0.0, "partial": 0.0, "helped": 0.5, "puzzled": 0.5, "unhelpful": 0.0}
    assert figures["contrast"]["unhelpful"] == 1.0
