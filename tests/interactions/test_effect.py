"""compare(): what is claimed, what is not, and what the numbers must obey whatever the data."""

import dataclasses
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.interactions.effect import Effect, cohens_h, compare, verdict_of
from crossrisk.interactions.paired import mcnemar_exact, newcombe_paired
from crossrisk.risks import Verdict

yes_no = st.sampled_from([0.0, 1.0])
graded = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.8, 1.0])
labels = st.one_of(st.none(), st.lists(st.integers(0, 12), min_size=40, max_size=40))


@st.composite
def studies(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, list[int] | None]:
    risks = draw(st.sampled_from([yes_no, graded]))
    n = draw(st.integers(1, 40))
    base, defended = (np.array(draw(st.lists(risks, min_size=n, max_size=n))) for _ in range(2))
    clusters = draw(labels)
    return base, defended, None if clusters is None else clusters[:n]


def arms(worse: int, better: int, both: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    table = [worse, better, both, neither]
    return np.repeat([0.0, 1.0, 1.0, 0.0], table), np.repeat([1.0, 0.0, 1.0, 0.0], table)


def test_an_effect_says_what_the_contract_promises() -> None:
    names = [field.name for field in dataclasses.fields(Effect)]
    promised = [
        "n",
        "clusters",
        "base",
        "defended",
        "delta",
        "ci_low",
        "ci_high",
        "rcr",
        "effect_size",
        "p",
        "mde",
        "verdict",
    ]
    assert names[: len(promised)] == promised


def test_independent_yes_or_no_pairs_give_mcnemar_and_newcombe() -> None:
    effect = compare(*arms(40, 20, 60, 180))
    assert (effect.n, effect.clusters, effect.flips_up, effect.flips_down) == (300, 300, 40, 20)
    assert (effect.base, effect.defended, effect.delta) == pytest.approx((80 / 300, 100 / 300, 20 / 300))
    assert effect.rcr == pytest.approx(0.25)
    assert effect.effect_size == pytest.approx(cohens_h(80 / 300, 100 / 300))
    assert effect.p == pytest.approx(mcnemar_exact(40, 20))
    assert (effect.ci_low, effect.ci_high) == pytest.approx(newcombe_paired(40, 20, 60, 180))
    assert effect.verdict is Verdict.WORSENS


def test_fewer_risky_replies_improve() -> None:
    assert compare(*arms(5, 60, 60, 175)).verdict is Verdict.IMPROVES


def test_a_large_p_alone_never_shows_that_nothing_changed() -> None:
    few = compare(*arms(2, 2, 8, 8))
    assert few.p == 1.0 and few.verdict is Verdict.INCONCLUSIVE
    assert compare(*arms(10, 10, 490, 490)).verdict is Verdict.NO_EFFECT


def test_a_certain_change_inside_the_margin_is_too_small_to_matter() -> None:
    base, defended = arms(60, 20, 920, 3000)
    tiny = compare(base, defended, margin=0.05)
    assert tiny.p is not None and tiny.p < 0.001 and tiny.ci_low is not None and tiny.ci_low > 0
    assert tiny.verdict is Verdict.NO_EFFECT
    assert compare(base, defended, margin=0.005).verdict is Verdict.WORSENS


def test_invalid_replies_drop_the_pair_and_not_one_arm() -> None:
    base, defended = [1.0, np.nan, 0.0, 1.0, 0.0], [1.0, 1.0, np.nan, 0.0, 0.0]
    effect = compare(base, defended, clusters=["a", "a", "b", "c", "c"])
    assert (effect.n, effect.clusters) == (3, 2)
    assert (effect.base, effect.defended) == pytest.approx((2 / 3, 1 / 3))


@pytest.mark.parametrize(("base", "defended"), [([], []), ([np.nan, 1], [0, np.nan]), ([None], [None])])
def test_without_a_valid_pair_there_is_no_number(base: list[float], defended: list[float]) -> None:
    effect = compare(base, defended)
    assert effect.verdict is Verdict.NOT_APPLICABLE and effect.n == 0
    assert [effect.base, effect.delta, effect.ci_low, effect.p, effect.mde, effect.rcr] == [None] * 6


def test_relative_change_is_undefined_from_nothing() -> None:
    effect = compare(*arms(12, 0, 0, 88))
    assert effect.rcr is None and effect.verdict is Verdict.WORSENS


def test_prompts_of_one_template_carry_less_evidence() -> None:
    base, defended = np.zeros(120), np.repeat([1.0, 0.0], [24, 96])
    alone = compare(base, defended)
    together = compare(base, defended, clusters=np.arange(120) // 12)
    assert alone.verdict is Verdict.WORSENS and together.verdict is Verdict.INCONCLUSIVE
    assert together.p == 0.5  # two of ten templates flipped: 2 * (1/2)^2
    assert together.ci_high is not None and alone.ci_high is not None and together.ci_high > 1.5 * alone.ci_high


def test_labels_that_never_repeat_mean_independent_prompts() -> None:
    base, defended = arms(14, 3, 20, 40)
    assert compare(base, defended, clusters=[f"c{i}" for i in range(77)]) == compare(base, defended)


def test_identical_arms_are_shown_equal_once_there_are_enough_units() -> None:
    base = np.repeat([0.0, 1.0], 50)
    alone, templates = compare(base, base), compare(base, base, clusters=np.arange(100) // 5)
    assert alone.verdict is Verdict.NO_EFFECT and (alone.delta, alone.p) == (0.0, 1.0)
    # Twenty templates without a flip do not exclude that the next one flips as a whole.
    assert templates.verdict is Verdict.INCONCLUSIVE and templates.ci_high == pytest.approx(1 - 0.025 ** (1 / 20))
    assert compare(base, base, clusters=np.arange(100) // 5, margin=0.2).verdict is Verdict.NO_EFFECT


def test_one_flip_among_templates_does_not_make_them_known() -> None:
    base = np.tile([0.0, 1.0], 200)
    labels, defended = np.arange(400) // 20, base.copy()
    defended[0] = 1.0
    few = compare(base, defended, clusters=labels)
    assert few.verdict is Verdict.INCONCLUSIVE
    assert few.ci_low is not None and few.ci_low < -0.13 and few.ci_high is not None and few.ci_high > 0.13
    assert compare(0.5 * base, 0.5 * defended, clusters=labels).verdict is Verdict.INCONCLUSIVE
    assert compare(base, defended, clusters=np.arange(400) // 4).verdict is Verdict.NO_EFFECT  # 100 templates


def test_a_certain_change_of_templates_stays_a_claim() -> None:
    base = np.tile([0.0, 1.0, 0.0, 0.0], 50)
    effect = compare(base, np.where(np.arange(200) % 4 == 2, 1.0, base), clusters=np.arange(200) // 10)
    assert effect.verdict is Verdict.WORSENS and effect.ci_low is not None and effect.ci_low > 0


@pytest.mark.parametrize("size", [1.0, 0.5])
def test_five_clusters_can_detect_nothing_and_six_can(size: float) -> None:
    base = np.random.default_rng(0).integers(0, 2, 600) * size
    defended = np.where(np.arange(600) % 29 == 0, size - base, base)
    assert compare(base, defended, clusters=np.arange(600) % 5).mde is None
    assert compare(base, defended, clusters=np.arange(600) % 6).mde is not None


def test_one_cluster_has_a_change_but_no_interval() -> None:
    effect = compare([1, 0, 0, 0], [1, 1, 1, 1], clusters=["only"] * 4)
    assert effect.delta == 0.75 and effect.p == 1.0
    assert (effect.ci_low, effect.ci_high, effect.mde, effect.verdict) == (None, None, None, Verdict.INCONCLUSIVE)


def test_graded_risks_get_a_permutation_test_and_cliffs_delta() -> None:
    rng = np.random.default_rng(0)
    base = rng.uniform(0, 0.8, 200)
    effect = compare(base, base + rng.uniform(-0.05, 0.2, 200))
    assert effect.verdict is Verdict.WORSENS
    assert effect.effect_size == pytest.approx((effect.flips_up - effect.flips_down) / 200)


def test_rounding_is_no_flip() -> None:
    effect = compare([0.3, 0.5, 0.7], [0.1 + 0.2, 0.5, 0.7])
    assert (effect.flips_up, effect.flips_down, effect.delta) == (0, 0, 0.0)


@given(studies())
def test_numbers_and_verdict_never_contradict_each_other(
    study: tuple[np.ndarray, np.ndarray, list[int] | None],
) -> None:
    base, defended, clusters = study
    effect = compare(base, defended, clusters=clusters)
    assert effect.p is not None and 0 < effect.p <= 1 and effect.delta is not None
    assert effect.delta == pytest.approx(np.mean(defended) - np.mean(base), abs=1e-12)
    if effect.ci_low is None or effect.ci_high is None:
        assert effect.verdict is Verdict.INCONCLUSIVE
        return
    assert -1 <= effect.ci_low <= effect.delta + 1e-9 and effect.delta - 1e-9 <= effect.ci_high <= 1
    assert effect.equivalence_low is not None and effect.equivalence_high is not None
    if effect.p >= 0.05:
        assert effect.ci_low <= 0 <= effect.ci_high
    if effect.p >= 0.05 and effect.flips_up + effect.flips_down <= 2 * effect.clusters:
        assert effect.ci_low <= effect.equivalence_low + 1e-9 and effect.equivalence_high <= effect.ci_high + 1e-9
    claimed = {Verdict.WORSENS: effect.ci_low > 0, Verdict.IMPROVES: effect.ci_high < 0}
    if effect.verdict in claimed:
        assert claimed[effect.verdict] and effect.p < 0.05
    if effect.verdict is Verdict.NO_EFFECT:
        assert effect.equivalence_low > -0.05 and effect.equivalence_high < 0.05


@given(studies())
def test_swapping_the_arms_turns_every_number_around(study: tuple[np.ndarray, np.ndarray, list[int] | None]) -> None:
    base, defended, clusters = study
    ours, swapped = compare(base, defended, clusters=clusters), compare(defended, base, clusters=clusters)
    turned = {Verdict.WORSENS: Verdict.IMPROVES, Verdict.IMPROVES: Verdict.WORSENS}
    assert swapped.verdict is turned.get(ours.verdict, ours.verdict)
    assert swapped.p == pytest.approx(ours.p, rel=1e-9)
    assert (swapped.flips_up, swapped.flips_down) == (ours.flips_down, ours.flips_up)
    assert ours.delta is not None and swapped.delta == pytest.approx(-ours.delta, abs=1e-12)
    if ours.ci_low is not None and ours.ci_high is not None:
        assert (swapped.ci_low, swapped.ci_high) == pytest.approx((-ours.ci_high, -ours.ci_low), abs=1e-8)


@given(studies(), st.integers(0, 2**16))
def test_the_order_of_prompts_does_not_matter(
    study: tuple[np.ndarray, np.ndarray, list[int] | None], seed: int
) -> None:
    base, defended, clusters = study
    order = list(range(len(base)))
    random.Random(seed).shuffle(order)
    moved = compare(base[order], defended[order], clusters=None if clusters is None else [clusters[i] for i in order])
    ours = compare(base, defended, clusters=clusters)
    assert (moved.verdict, moved.flips_up, moved.n) == (ours.verdict, ours.flips_up, ours.n)
    for name in ("delta", "ci_low", "ci_high", "p", "mde"):
        assert getattr(moved, name) == pytest.approx(getattr(ours, name), abs=1e-9)


@given(studies())
def test_an_arm_against_itself_is_never_worse_or_better(
    study: tuple[np.ndarray, np.ndarray, list[int] | None],
) -> None:
    base, _, clusters = study
    effect = compare(base, base, clusters=clusters)
    assert effect.verdict in (Verdict.NO_EFFECT, Verdict.INCONCLUSIVE)
    assert (effect.delta, effect.p, effect.flips_up, effect.flips_down) == (0.0, 1.0, 0, 0)


@given(studies())
def test_the_same_data_give_the_same_numbers_to_the_last_bit(
    study: tuple[np.ndarray, np.ndarray, list[int] | None],
) -> None:
    base, defended, clusters = study
    assert compare(base, defended, clusters=clusters) == compare(base.copy(), defended.copy(), clusters=clusters)


def test_a_corrected_p_can_withdraw_a_claim_but_not_an_equivalence() -> None:
    claimed, equal = compare(*arms(40, 20, 60, 180)), compare(*arms(10, 10, 490, 490))
    assert verdict_of(claimed, 0.2) is Verdict.INCONCLUSIVE
    assert verdict_of(claimed, claimed.p) is Verdict.WORSENS
    assert verdict_of(equal, 1.0) is Verdict.NO_EFFECT
    assert verdict_of(compare([], []), None) is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("base", "defended", "options", "message"),
    [
        ([1, 0], [1], {}, "same prompts"),
        ([1.2], [0], {}, r"\[0, 1\]"),
        ([0], [-0.1], {}, r"\[0, 1\]"),
        ([1, 0], [1, 0], {"clusters": ["a"]}, "label"),
        ([1, 0], [1, 0], {"alpha": 0.0}, "alpha"),
        ([1, 0], [1, 0], {"margin": 0.0}, "margin"),
    ],
)
def test_wrong_input_is_refused(
    base: list[float], defended: list[float], options: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        compare(base, defended, **options)  # type: ignore[arg-type]


def test_pairs_that_flip_both_ways_in_every_template_are_no_less_sure_than_independent_ones() -> None:
    base = np.tile([0.0, 1.0], 200)
    flipped = compare(base, 1 - base, clusters=np.arange(400) // 2)
    independent = compare(base, 1 - base)
    assert flipped.delta == 0.0 and flipped.verdict is Verdict.INCONCLUSIVE
    assert flipped.ci_high is not None and independent.ci_high is not None
    assert flipped.ci_high >= independent.ci_high - 0.01


def test_a_missing_label_of_a_cluster_is_told() -> None:
    with pytest.raises(ValueError, match="label is missing"):
        compare([0, 1, 1], [1, 1, 0], clusters=[None, "a", "a"])


def test_independent_pairs_that_do_not_reject_hold_newcombes_interval_and_that_of_equivalence() -> None:
    effect = compare(*arms(2, 1, 40, 57))
    low, high = newcombe_paired(2, 1, 40, 57)
    assert effect.ci_low is not None and effect.ci_high is not None and effect.equivalence_high is not None
    assert (effect.ci_low, effect.ci_high) == pytest.approx((low, max(high, effect.equivalence_high)))
