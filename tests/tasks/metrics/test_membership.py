import math
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.tasks.metrics.membership import loss_score, min_k, min_k_plus_plus, zlib_score

TOKENS = st.lists(st.tuples(st.floats(-20, 0), st.floats(-10, 0), st.floats(0.01, 5)), min_size=1, max_size=80)


def test_scores_of_five_tokens_by_hand() -> None:
    log_probs = [-1.0, -4.0, -0.5, -2.0, -0.5]
    assert loss_score(log_probs) == pytest.approx(-1.6)
    assert zlib_score(log_probs, "one two") == pytest.approx(-1.6 / len(zlib.compress(b"one two")))
    assert min_k(log_probs) == -4.0  # a fifth of five is one
    assert min_k(log_probs, 0.4) == -3.0
    means, deviations = [-1.0, -2.0, -1.0, -2.0, -0.5], [1.0, 2.0, 0.25, 1.0, 1.0]
    # z: 0, -1, 2, 0, 0
    assert min_k_plus_plus(log_probs, means, deviations) == -1.0
    assert min_k_plus_plus(log_probs, means, deviations, 0.4) == -0.5


def reference_min_k_plus_plus(logits: np.ndarray, tokens: np.ndarray, share: float) -> float:
    """As the paper writes it, out of whole distributions: mean and variance of log p under p, at every place."""
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    mu = (p * log_p).sum(axis=1)
    sigma = np.sqrt((p * (log_p - mu[:, None]) ** 2).sum(axis=1))
    z = (log_p[np.arange(len(tokens)), tokens] - mu) / sigma
    return float(np.sort(z)[: max(1, int(len(z) * share))].mean())


def test_min_k_plus_plus_agrees_with_whole_distributions() -> None:
    rng = np.random.default_rng(1)
    for length in (1, 4, 5, 37):
        logits, tokens = rng.normal(0, 2, (length, 11)), rng.integers(0, 11, length)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        means = (np.exp(log_p) * log_p).sum(axis=1)
        deviations = np.sqrt((np.exp(log_p) * log_p**2).sum(axis=1) - means**2)
        found = min_k_plus_plus(log_p[np.arange(length), tokens].tolist(), means.tolist(), deviations.tolist())
        assert found == pytest.approx(reference_min_k_plus_plus(logits, tokens, 0.2))


def test_a_place_without_choice_says_nothing() -> None:
    assert min_k_plus_plus([0.0], [0.0], [0.0]) == 0.0


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        min_k_plus_plus([-1.0, -2.0], [-1.0], [1.0])


def test_a_text_that_compresses_well_is_held_against_membership() -> None:
    assert zlib_score([-1.0], "a" * 100) < zlib_score([-1.0], "Quick brown foxes jump over dogs; lazy cats nap.")


@pytest.mark.parametrize("length", [1, 4, 5, 9, 10, 35, 100, 1000])
def test_a_fifth_of_the_tokens_is_rounded_down_but_is_one_at_least(length: int) -> None:
    falling = [-float(n) for n in range(length)]
    count = max(1, length // 5)
    assert min_k(falling) == pytest.approx(np.mean(falling[-count:]))


@given(TOKENS)
def test_the_lowest_are_lower_than_all_and_know_no_order(tokens: list[tuple[float, float, float]]) -> None:
    log_probs, means, deviations = map(list, zip(*tokens, strict=True))
    assert min_k(log_probs) <= loss_score(log_probs) + 1e-9
    assert min_k(log_probs, 1.0) == pytest.approx(loss_score(log_probs))
    turned = [column[::-1] for column in (log_probs, means, deviations)]
    assert min_k_plus_plus(*turned) == pytest.approx(min_k_plus_plus(log_probs, means, deviations))
    assert 0.0 <= math.exp(loss_score(log_probs)) <= 1.0
