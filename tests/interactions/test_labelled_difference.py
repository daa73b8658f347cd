"""A judge calibrated in each arm: the differences it invents and hides are undone, and the intervals hold."""

import numpy as np
import pytest
from numpy.typing import NDArray

from crossrisk.interactions import compare
from crossrisk.interactions.judge_error import Confusion, rogan_gladen
from crossrisk.interactions.labelled_difference import correct_by_labels, correct_per_arm

Floats = NDArray[np.float64]
ALIKE, SPARES_MORE, FINDS_LESS = (0.97, 0.85), (0.97, 0.95), (0.80, 0.85)


def judged(rng: np.random.Generator, truth: Floats, errors: tuple[float, float]) -> Floats:
    """What a judge of this sensitivity and specificity says."""
    luck = rng.random(len(truth))
    return np.where(truth == 1, luck < errors[0], luck > errors[1]).astype(float)


def labels(rng: np.random.Generator, truth: Floats, told: Floats, count: int) -> Floats:
    """Half of each verdict, drawn at random; NaN for the rest."""
    risky, other = (rng.permutation(np.flatnonzero(told == verdict)) for verdict in (1.0, 0.0))
    half = min(len(risky), max(count // 2, count - len(other)))
    chosen = np.concatenate([risky[:half], other[: count - half]])
    given = np.full(len(truth), np.nan)
    given[chosen] = truth[chosen]
    return given


def paired(rng: np.random.Generator, n: int, base: float, defended: float) -> tuple[Floats, Floats]:
    """True risks of both arms, of prompts whose difficulty is much the same in both."""
    difficulty = rng.random(n)
    before, after = (np.where(rng.random(n) < 0.7, difficulty, rng.random(n)) for _ in range(2))
    return (before < base).astype(float), (after < defended).astype(float)


# True rates, judge in base, judge in defended, what is told of the change (reference: methods of judge error).
TABLE = [
    (0.4, 0.1, ALIKE, ALIKE, -0.246),
    (0.3, 0.3, ALIKE, SPARES_MORE, -0.070),
    (0.3, 0.3, ALIKE, FINDS_LESS, -0.051),
]


@pytest.mark.parametrize(("base", "defended", "before", "after", "invented"), TABLE)
def test_what_a_judge_invents_or_hides_is_undone_without_bias(
    base: float, defended: float, before: tuple[float, float], after: tuple[float, float], invented: float
) -> None:
    rng, told, corrected, apart = np.random.default_rng(0), [], [], []
    for _ in range(200):
        truths = paired(rng, 400, base, defended)
        verdicts = judged(rng, truths[0], before), judged(rng, truths[1], after)
        told.append(verdicts[1].mean() - verdicts[0].mean())
        given = [labels(rng, *pair, 50) for pair in zip(truths, verdicts, strict=True)]
        by_labels = correct_by_labels(*verdicts, *given, draws=2)
        cards = [Confusion(*np.rint([500 * a, 500 * (1 - a), 500 * (1 - b), 500 * b])) for a, b in (before, after)]
        per_arm = correct_per_arm(*verdicts, *cards, draws=2)
        assert by_labels is not None and per_arm is not None
        corrected.append(by_labels[0].delta)
        apart.append(per_arm.delta)
    assert np.mean(told) == pytest.approx(invented, abs=4 * np.std(told) / 200**0.5)
    assert np.mean(corrected) == pytest.approx(defended - base, abs=4 * np.std(corrected) / 200**0.5)
    assert np.mean(apart) == pytest.approx(defended - base, abs=4 * np.std(apart) / 200**0.5)
    assert abs(np.mean(told) - (defended - base)) > 0.04


def test_by_hand() -> None:
    """10 replies: 4 called risky, of which 2 labelled and 1 risky; 6 not, of which 3 labelled and 1 risky."""
    verdicts = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], float)
    given = np.array([1, 0, np.nan, np.nan, 1, 0, 0, np.nan, np.nan, np.nan])
    all_safe = np.where(np.isnan(given), np.nan, 0.0)
    found = correct_by_labels(verdicts, verdicts, given, all_safe)
    assert found is not None
    corrected, base, defended = found
    assert corrected.base == pytest.approx(0.4 * 0.5 + 0.6 / 3)  # .4
    assert (corrected.defended, corrected.delta) == pytest.approx((0.0, -0.4))
    assert (base.labelled, base.sensitivity, base.specificity) == (5, pytest.approx(0.5), pytest.approx(2 / 3))
    assert defended.sensitivity is None and defended.specificity == pytest.approx(0.6)
    assert rogan_gladen(0.4, 0.5, 2 / 3) == pytest.approx(corrected.base)  # the same estimator, by Bayes' rule


def test_labels_of_every_reply_are_the_truth() -> None:
    rng = np.random.default_rng(1)
    truths = paired(rng, 200, 0.4, 0.2)
    verdicts = judged(rng, truths[0], ALIKE), judged(rng, truths[1], FINDS_LESS)
    found = correct_by_labels(*verdicts, *truths)
    assert found is not None
    assert found[0].delta == pytest.approx(truths[1].mean() - truths[0].mean())
    assert found[2].sensitivity == pytest.approx(verdicts[1][truths[1] == 1].mean())
    assert found[2].specificity == pytest.approx(1 - verdicts[1][truths[1] == 0].mean())


def test_labels_rescue_a_judge_that_sees_nothing() -> None:
    """A defense whose replies the judge never calls risky: sensitivity 0, and yet a third of them are."""
    verdicts = np.array([1.0] * 60 + [0.0] * 60), np.zeros(120)
    given = np.tile([1.0, np.nan], 60), np.tile([1.0, np.nan, 0.0, np.nan, 0.0, np.nan], 20)
    found = correct_by_labels(*verdicts, *given)
    assert found is not None
    assert found[2].sensitivity == 0.0 and found[0].defended == pytest.approx(1 / 3)
    assert correct_per_arm(*verdicts, Confusion(60, 0, 0, 60), Confusion(0, 40, 0, 80)) is None  # by chance: J is 0


def test_the_order_of_the_prompts_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    truths = paired(rng, 150, 0.5, 0.3)
    verdicts = [judged(rng, truth, ALIKE) for truth in truths]
    given = [labels(rng, *pair, 40) for pair in zip(truths, verdicts, strict=True)]
    clusters, order = np.arange(150) % 30, rng.permutation(150)
    one = correct_by_labels(*verdicts, *given, clusters=clusters)
    other = correct_by_labels(
        *(each[order] for each in verdicts), *(each[order] for each in given), clusters=clusters[order]
    )
    assert one is not None and other is not None and one[0].interval is not None and other[0].interval is not None
    assert [*one[0].interval] == pytest.approx([*other[0].interval], abs=1e-9)
    assert one[0].p == pytest.approx(other[0].p) and one[0].delta == pytest.approx(other[0].delta)


def test_replies_that_are_the_same_cannot_differ_in_risk() -> None:
    """Both arms gave the same reply to 90 of 100 prompts; different people were lucky in what they were shown."""
    verdicts = np.array([1.0] * 50 + [0.0] * 50)
    given = np.full(100, np.nan), np.full(100, np.nan)
    given[0][[0, 1, 2, 60, 61]], given[1][[10, 11, 12, 70, 71]] = [1, 1, 1, 0, 0], [1, 0, 0, 1, 0]
    same = np.arange(100) % 10 != 9
    found = correct_by_labels(verdicts, verdicts, *given, same=same)
    blind = correct_by_labels(verdicts, verdicts, *given)
    nothing = correct_by_labels(verdicts, verdicts, *given, same=np.ones(100))
    assert found is not None and blind is not None and nothing is not None
    assert found[0].delta == pytest.approx(0.1 * blind[0].delta)
    assert found[0].interval is not None and blind[0].interval is not None
    assert found[0].interval.high - found[0].interval.low < 0.5 * (blind[0].interval.high - blind[0].interval.low)
    assert nothing[0].delta == 0.0 and nothing[0].p == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("lacking", ["base", "defended", "risky", "other"])
def test_without_labels_of_a_verdict_nothing_is_told(lacking: str) -> None:
    verdicts, none = np.array([1.0] * 10 + [0.0] * 10), np.full(20, np.nan)
    whole = np.tile([1.0, 0.0], 10)
    of_one = np.where(verdicts == (lacking == "other"), whole, np.nan)
    given = {"base": (none, whole), "defended": (whole, none)}.get(lacking, (whole, of_one))
    assert correct_by_labels(verdicts, verdicts, *given) is None


def test_a_verdict_that_nobody_got_needs_no_labels() -> None:
    verdicts = np.array([1.0, 0.0] * 10), np.zeros(20)
    assert correct_by_labels(*verdicts, np.tile([1.0, 0.0], 10), np.zeros(20)) is not None


def test_one_cluster_has_an_estimate_and_no_interval() -> None:
    verdicts = np.array([1.0, 0.0] * 10)
    found = correct_by_labels(verdicts, 1 - verdicts, verdicts, verdicts, clusters=np.zeros(20))
    assert found is not None and found[0].interval is None and found[0].p is None


@pytest.mark.parametrize(("base", "defended"), [([0.5], [1.0]), ([1.0], [np.nan]), ([], []), ([1.0], [1.0, 0.0])])
def test_other_verdicts_than_yes_and_no_are_refused(base: list[float], defended: list[float]) -> None:
    with pytest.raises(ValueError, match=r"verdicts"):
        correct_by_labels(base, defended, base, defended)


def coverage(reps: int, count: int, rate: float, change: float, errors: tuple[float, float], **world: int) -> float:
    """Share of intervals by labels that hold the true change."""
    rng, held, templates = np.random.default_rng(3), 0, world.get("templates", 0)
    clusters = np.arange(300) % templates if templates else None
    for _ in range(reps):
        truths = paired(rng, 300, rate, rate + change)
        verdicts = judged(rng, truths[0], ALIKE), judged(rng, truths[1], errors)
        given = [labels(rng, *pair, count) for pair in zip(truths, verdicts, strict=True)]
        found = correct_by_labels(*verdicts, *given, clusters=clusters, draws=1000)
        assert found is not None and found[0].interval is not None
        held += found[0].interval.low <= change <= found[0].interval.high
    return held / reps


@pytest.mark.parametrize(("count", "rate", "errors"), [
    (25, 0.05, FINDS_LESS), (25, 0.3, SPARES_MORE), (50, 0.6, FINDS_LESS), (200, 0.3, ALIKE),
])  # fmt: skip
def test_intervals_hold_the_true_change(count: int, rate: float, errors: tuple[float, float]) -> None:
    assert coverage(100, count, rate, 0.1, errors) >= 0.95 - 3 * (0.95 * 0.05 / 100) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("count", [25, 50, 200])
@pytest.mark.parametrize("rate", [0.05, 0.3, 0.6])
@pytest.mark.parametrize("errors", [ALIKE, SPARES_MORE, FINDS_LESS])
@pytest.mark.parametrize("templates", [0, 40])
def test_intervals_hold_over_labels_rates_and_errors(
    count: int, rate: float, errors: tuple[float, float], templates: int
) -> None:
    assert coverage(400, count, rate, 0.1, errors, templates=templates) >= 0.95 - 3 * (0.95 * 0.05 / 400) ** 0.5


def test_a_calibration_of_its_own_covers_where_one_for_both_arms_invents() -> None:
    rng, held, told = np.random.default_rng(4), 0, 0
    for _ in range(100):
        truths = paired(rng, 300, 0.3, 0.3)
        verdicts = judged(rng, truths[0], ALIKE), judged(rng, truths[1], SPARES_MORE)
        cards = []
        for found, spared in (ALIKE, SPARES_MORE):
            hits, rights = rng.binomial(50, found), rng.binomial(50, spared)
            cards.append(Confusion(hits, 50 - hits, 50 - rights, rights))
        corrected = correct_per_arm(*verdicts, *cards, draws=1000)
        assert corrected is not None and corrected.interval is not None
        held += corrected.interval.low <= 0 <= corrected.interval.high
        told += compare(*verdicts).ci_high < 0  # type: ignore[operator]
    assert held / 100 >= 0.95 - 3 * (0.95 * 0.05 / 100) ** 0.5
    assert told / 100 > 0.3


def test_a_change_at_the_margin_is_seldom_called_equivalent() -> None:
    rng, called = np.random.default_rng(5), 0
    for _ in range(100):
        truths = paired(rng, 400, 0.1, 0.2)
        verdicts = [judged(rng, truth, (0.99, 0.99)) for truth in truths]
        given = [labels(rng, *pair, 200) for pair in zip(truths, verdicts, strict=True)]
        found = correct_by_labels(*verdicts, *given, draws=1000)
        assert found is not None and found[0].equivalence is not None
        called += found[0].equivalence.low > -0.1 and found[0].equivalence.high < 0.1
    assert called / 100 <= 0.05 + 3 * (0.05 * 0.95 / 100) ** 0.5
