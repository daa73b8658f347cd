"""An effect that is valid whenever one stops: its numbers, its claims, and what it refuses to claim."""

import math
from itertools import product

import numpy as np
import pytest
from scipy.special import bdtr

from crossrisk.interactions.betting import Units, log_capital_above
from crossrisk.interactions.effect import compare
from crossrisk.interactions.power import mcnemar_power
from crossrisk.interactions.sequential import (
    Drawn,
    may_be_decided,
    mcnemar_e_values,
    sequential_effect,
    sequential_power,
    units_of,
)
from crossrisk.risks import Verdict

Floats = np.ndarray


def arms(changes: Floats) -> tuple[Floats, Floats]:
    """Yes-or-no risks of both arms that change so."""
    base = (changes < 0).astype(float)
    return base, base + changes


def flips(rng: np.random.Generator, n: int, up: float, down: float) -> Floats:
    return rng.choice([1.0, -1.0, 0.0], p=[up, down, 1 - up - down], size=n)


def test_e_values_by_hand() -> None:
    """The chance of the flips under the arcsine law over that under one half: 1/2, 3/8 and 1/8 by 2, 4 and 4."""
    assert mcnemar_e_values([0, 1, 2, 1, 0], [0, 0, 0, 1, 3]).tolist() == pytest.approx([1.0, 1.0, 1.5, 0.5, 2.5])


def test_over_all_sequences_of_flips_the_e_value_is_one_on_average() -> None:
    for n in range(1, 9):
        ups = [sum(sequence) for sequence in product((0, 1), repeat=n)]
        assert np.mean(mcnemar_e_values(ups, [n - up for up in ups])) == pytest.approx(1.0, abs=1e-12)


def test_bets_on_independent_flips_are_the_sequential_mcnemar_test() -> None:
    """Up to 255 flips to the last bits, and hardly otherwise for thousands."""
    changes = flips(np.random.default_rng(0), 4_000, 0.4, 0.3)
    both = np.stack([log_capital_above(Units(side, np.ones(4_000)), 0.0) for side in (changes, -changes)])
    betted, exact = np.exp(both).mean(axis=0), mcnemar_e_values(np.cumsum(changes > 0), np.cumsum(changes < 0))
    few = np.cumsum(changes != 0) <= 255
    np.testing.assert_allclose(betted[few], exact[few], rtol=1e-10)
    np.testing.assert_allclose(betted, exact, rtol=1e-3)


def test_the_p_value_is_one_over_the_largest_e_value_so_far() -> None:
    changes = flips(np.random.default_rng(1), 300, 0.15, 0.1)
    values = mcnemar_e_values(np.cumsum(changes > 0), np.cumsum(changes < 0))
    effect = sequential_effect(*arms(changes), Drawn("population", 300))
    assert effect.p == pytest.approx(1 / max(1.0, values.max()), rel=1e-9)


def test_what_was_asked_is_described_as_ever_and_only_the_inference_differs() -> None:
    rng = np.random.default_rng(2)
    before, after = rng.random(120).round(2), rng.random(120).round(2)
    before[[3, 50]], after[[7, 50, 90]] = math.nan, math.nan
    clusters = np.repeat(np.arange(40), 3)
    fixed = compare(before, after, clusters=clusters)
    for drawn in (Drawn("population", 300, 3), Drawn("benchmark", 300)):
        found = sequential_effect(before, after, drawn, clusters=clusters)
        for name in ("n", "clusters", "base", "defended", "rcr", "effect_size", "flips_up", "flips_down"):
            assert getattr(found, name) == getattr(fixed, name)
        assert found.delta == pytest.approx(fixed.delta) and found.ci_low < found.delta < found.ci_high
        assert found.mde is found.rcr_low is found.odds_ratio_high is None


def test_the_interval_leaves_out_no_change_just_where_p_is_below_alpha() -> None:
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(20):
        effect = sequential_effect(*arms(flips(rng, 150, 0.22, 0.1)), Drawn("benchmark", 400))
        assert (effect.p < 0.05) == (effect.ci_low > 0 or effect.ci_high < 0)
        seen.add(effect.p < 0.05)
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("up", "down", "verdict"),
    [(0.3, 0.02, Verdict.WORSENS), (0.02, 0.3, Verdict.IMPROVES), (0.01, 0.01, Verdict.NO_EFFECT)],
)
@pytest.mark.parametrize("drawn", [Drawn("population", 400), Drawn("benchmark", 400)])
def test_clear_cells_are_told_apart(drawn: Drawn, up: float, down: float, verdict: Verdict) -> None:
    assert sequential_effect(*arms(flips(np.random.default_rng(4), 300, up, down)), drawn).verdict is verdict


def test_few_prompts_leave_it_open_and_more_of_the_same_decide() -> None:
    pattern = np.tile([1.0, 0.0, 0.0, 0.0], 100)
    assert sequential_effect(*arms(pattern[:16]), Drawn("population", 400)).verdict is Verdict.INCONCLUSIVE
    assert sequential_effect(*arms(pattern[:80]), Drawn("population", 400)).verdict is Verdict.WORSENS


def test_a_change_below_the_smallest_effect_is_not_claimed() -> None:
    changes = np.r_[np.ones(4), np.zeros(96)]
    drawn = Drawn("benchmark", 100)
    assert sequential_effect(*arms(changes), drawn, margin=0.02).verdict is Verdict.WORSENS
    assert sequential_effect(*arms(changes), drawn, margin=0.02, smallest_effect=0.02).verdict is Verdict.WORSENS
    assert sequential_effect(*arms(changes), drawn, margin=0.05, smallest_effect=0.05).verdict is Verdict.NO_EFFECT


def test_a_benchmark_asked_to_its_end_is_a_fact_about_itself() -> None:
    effect = sequential_effect(*arms(np.r_[np.ones(6), np.zeros(94)]), Drawn("benchmark", 100), margin=0.05)
    assert (effect.ci_low, effect.ci_high, effect.p) == (pytest.approx(0.06), pytest.approx(0.06), 0.0)
    assert effect.verdict is Verdict.WORSENS
    general = sequential_effect(*arms(np.r_[np.ones(6), np.zeros(94)]), Drawn("population", 100), margin=0.05)
    assert general.verdict is Verdict.INCONCLUSIVE and general.p > 0.05


def test_nothing_changed_in_a_whole_benchmark_is_no_effect_with_p_one() -> None:
    effect = sequential_effect(np.ones(50), np.ones(50), Drawn("benchmark", 50))
    assert (effect.delta, effect.p, effect.verdict) == (0.0, 1.0, Verdict.NO_EFFECT)


def test_units_of_a_population_are_whole_templates_in_the_order_in_which_they_were_met() -> None:
    changes = np.array([1.0, 0.5, math.nan, -1.0, 0.0])
    units = units_of(changes, ["b", "b", "a", "a", "c"], Drawn("population", 9, 4))
    assert units.total.tolist() == [1.5 / 4, -1 / 4, 0.0] and units.size.tolist() == [2 / 4, 1 / 4, 1 / 4]
    assert units.of is None
    single = units_of(changes, ["b", "b", "a", "a", "c"], Drawn("benchmark", 9, 4))
    assert single.total.tolist() == [1.0, 0.5, 0.0, -1.0, 0.0] and single.size.tolist() == [1, 1, 0, 1, 1]
    assert single.of == 9


def test_invalid_pairs_neither_move_a_population_nor_a_whole_benchmark() -> None:
    """The estimand is the mean over pairs that both arms answer validly, as without a rule."""
    changes = flips(np.random.default_rng(5), 90, 0.3, 0.1)
    before, after = arms(changes)
    broken_before, broken_after = (np.insert(arm, [10, 40, 70], math.nan) for arm in (before, after))
    plain = sequential_effect(before, after, Drawn("population", 200))
    assert sequential_effect(broken_before, broken_after, Drawn("population", 200)) == plain
    whole = sequential_effect(broken_before, broken_after, Drawn("benchmark", 93))
    assert whole.ci_low == whole.ci_high == pytest.approx(changes.mean())


def test_a_cell_without_a_valid_pair_has_no_numbers() -> None:
    effect = sequential_effect([math.nan, 1.0], [0.0, math.nan], Drawn("benchmark", 10))
    assert (effect.n, effect.p, effect.delta, effect.verdict) == (0, None, None, Verdict.NOT_APPLICABLE)


@pytest.mark.parametrize(("base", "clusters"), [([0.0, 1.0], None), ([0.0], ["a", "b"])])
def test_unequal_arms_are_refused(base: list[float], clusters: list[str] | None) -> None:
    with pytest.raises(ValueError, match="must be the same prompts, at most 5"):
        sequential_effect(base, [0.0], Drawn("population", 5), clusters=clusters)


def test_more_prompts_than_the_set_has_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 2, got 3"):
        sequential_effect([0.0] * 3, [0.0] * 3, Drawn("benchmark", 2))


def test_rounding_of_logits_is_no_change() -> None:
    effect = sequential_effect([0.5] * 200, [0.500001] * 200, Drawn("population", 200))
    assert (effect.delta, effect.p, effect.verdict) == (0.0, 1.0, Verdict.NO_EFFECT)


def test_the_quick_look_misses_no_verdict() -> None:
    rng = np.random.default_rng(6)
    verdicts = set()
    for up, down in ((0.3, 0.1), (0.01, 0.01), (0.1, 0.1)):
        for _ in range(5):
            changes = flips(rng, 128, up, down)
            for drawn in (Drawn("population", 400), Drawn("benchmark", 400)):
                verdict = sequential_effect(*arms(changes), drawn).verdict
                quick = may_be_decided(units_of(changes, np.arange(128), drawn))
                assert quick or verdict is Verdict.INCONCLUSIVE
                verdicts.add((verdict, quick))
    assert {verdict for verdict, _ in verdicts} >= {Verdict.WORSENS, Verdict.NO_EFFECT, Verdict.INCONCLUSIVE}
    assert (Verdict.INCONCLUSIVE, False) in verdicts


@pytest.mark.parametrize("noise", [0.03, 0.1])
def test_who_peeks_with_mcnemars_test_is_fooled_and_who_peeks_with_e_values_is_not(noise: float) -> None:
    """2,000 runs of 1,000 prompts without a change; the naive one looks every 25, the sequential one at each."""
    changes = flips(np.random.default_rng(7), (2_000, 1_000), noise, noise)  # type: ignore[arg-type]
    up, down = (np.cumsum(changes == sign, axis=1)[:, 24::25] for sign in (1.0, -1.0))
    naive = (2 * bdtr(np.minimum(up, down).astype(float), up + down, 0.5) < 0.05).any(axis=1).mean()
    assert naive == pytest.approx(0.151 if noise == 0.03 else 0.237, abs=0.025)
    assert sequential_power(1_000, noise, noise)[0] <= 0.05


@pytest.mark.parametrize(
    ("up", "down", "power", "asked"),
    [
        (0.10, 0.05, 0.858, 518),
        (0.15, 0.05, 1.0, 172),
        (0.25, 0.05, 1.0, 60),
        (0.4, 0.05, 1.0, 28),
        (0.6, 0.02, 1.0, 13),
    ],
)
def test_power_and_prompts_asked_are_those_of_the_table(up: float, down: float, power: float, asked: float) -> None:
    """2,000 runs, cap 1,000; the fixed design finds the first in 98.2 % and all others always."""
    assert sequential_power(1_000, up, down) == (pytest.approx(power, abs=0.025), pytest.approx(asked, rel=0.05, abs=2))
    assert mcnemar_power(1_000, up, down) == pytest.approx(0.982 if up == 0.10 else 1.0, abs=1e-3)


def test_looking_seldom_costs_prompts_and_little_power() -> None:
    (often, first), (seldom, later) = (sequential_power(1_000, 0.15, 0.05, look=look) for look in (1, 100))
    assert first < later < first + 100 and seldom == pytest.approx(often, abs=0.02)
    assert sequential_power(5, 0.9, 0.0) == (0.0, 5.0)
    with pytest.raises(ValueError, match="at least one pair"):
        sequential_power(0, 0.1, 0.1)


def decided_at(changes: Floats, drawn: Drawn, *, look: int = 25) -> tuple[Verdict, int]:
    """The verdict of whoever looks every so many prompts and stops at the first that is not `inconclusive`."""
    for n in [*range(look, len(changes), look), len(changes)]:
        if n == len(changes) or may_be_decided(units_of(changes[:n], np.arange(n), drawn)):
            verdict = sequential_effect(*arms(changes[:n]), drawn).verdict
            if verdict is not Verdict.INCONCLUSIVE or n == len(changes):
                return verdict, n
    raise AssertionError


@pytest.mark.slow
def test_false_claims_of_a_whole_rule_stay_below_alpha() -> None:
    """Nothing changes, 10 % flip each way; then a change of exactly the margin, which must not pass for none."""
    rng = np.random.default_rng(9)
    still = [decided_at(flips(rng, 400, 0.1, 0.1), Drawn("population", 400))[0] for _ in range(400)]
    assert np.mean([verdict in (Verdict.WORSENS, Verdict.IMPROVES) for verdict in still]) <= 0.05
    at_margin = [decided_at(flips(rng, 1_000, 0.06, 0.01), Drawn("population", 1_000))[0] for _ in range(400)]
    assert np.mean([verdict is Verdict.NO_EFFECT for verdict in at_margin]) <= 0.05


@pytest.mark.slow
def test_a_benchmark_is_settled_after_half_of_its_prompts() -> None:
    """Sets of 300 and 1,000 with changes of 7 and 3 points: on average after fewer than 159 and 590 prompts."""
    rng = np.random.default_rng(10)
    for n, up, down, most in ((300, 0.12, 0.05, 159), (1_000, 0.08, 0.05, 590)):
        values = np.zeros(n)
        values[: round(up * n)], values[round(up * n) : round((up + down) * n)] = 1.0, -1.0
        ended = []
        for _ in range(200):
            drawn = rng.permutation(values)
            above, below = (log_capital_above(Units(side, np.ones(n), n), 0.0) for side in (drawn, -drawn))
            over = np.logaddexp(above, below) - math.log(2) >= math.log(20)
            assert over.any()
            ended.append(int(over.argmax()) + 1)
        assert np.mean(ended) < most
