"""Mediated shares: hand-computed, covered by their intervals, and absent where there is nothing to share."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.interactions.clustered import cluster_sums, standard_error, t_quantile
from crossrisk.interactions.paired import Interval
from crossrisk.neurons.cause.mediation import (
    FEWEST_CLUSTERS,
    UtilityChange,
    decide,
    fieller,
    mediation,
    mediation_of_risks,
    utility_change,
)

RNG = np.random.default_rng(0)
BASE = RNG.normal(size=40)
CHANGE = 1.0 + 0.3 * RNG.normal(size=40)
DEFENDED = BASE + CHANGE
CLUSTERS = np.repeat(np.arange(20), 2)
STILL = UtilityChange(40, 20, 0.0, None, 0.0)


def undoing(share, noise=0.2, seed=1):
    """The patched arm of a set that carries this share."""
    return DEFENDED - share * CHANGE - noise * np.random.default_rng(seed).normal(size=40)


def test_a_share_by_hand():
    found = mediation([0.0, 0.0, 1.0, 1.0], [2.0, 4.0, 3.0, 5.0], [1.0, 3.0, 3.0, 2.0])
    assert (found.base, found.defended, found.patched) == (0.5, 3.5, 2.25)
    assert (found.change, found.undone) == (3.0, 1.25)
    assert found.share == pytest.approx(1.25 / 3)
    assert (found.prompts, found.clusters) == (4, 4)


def test_limits_are_the_ratios_at_which_the_t_test_just_rejects():
    part, whole = DEFENDED - undoing(0.6), CHANGE
    share, interval, why_not = fieller(part, whole, CLUSTERS)
    assert why_not is None and share == pytest.approx(part.mean() / whole.mean())
    for ratio in interval:
        sums = cluster_sums(part - ratio * whole, CLUSTERS)
        assert abs(sums.mean) / standard_error(sums) == pytest.approx(t_quantile(0.975, 20))
    assert interval.low < share < interval.high


def test_clusters_count_and_not_their_prompts():
    alone = mediation(BASE, DEFENDED, undoing(0.5), np.arange(40))
    copied = [np.repeat(values, 5) for values in (BASE, DEFENDED, undoing(0.5), np.arange(40))]
    assert mediation(*copied).share_interval.low > alone.share_interval.low  # taken for independent it is too sure
    together = mediation(*copied)
    assert together.share == pytest.approx(alone.share)
    clustered = mediation(*copied[:3], copied[3])
    assert clustered.share_interval == pytest.approx(alone.share_interval)


def test_all_undone_on_every_prompt_is_one_and_nothing_undone_is_zero():
    whole, none = mediation(BASE, DEFENDED, BASE, CLUSTERS), mediation(BASE, DEFENDED, DEFENDED, CLUSTERS)
    assert whole.share == pytest.approx(1.0) and whole.share_interval == pytest.approx((1.0, 1.0))
    assert none.share == 0.0 and none.share_interval == (0.0, 0.0)


def test_a_change_that_may_be_none_has_no_share():
    wavering = BASE + 0.5 * np.random.default_rng(2).normal(size=40)
    found = mediation(BASE, wavering, BASE, CLUSTERS, random=[BASE, wavering])
    assert found.share is None and found.share_interval is None and found.random_shares == ()
    assert "does not differ from 0 at 0.05" in found.why_not
    same = mediation(BASE, BASE, BASE, CLUSTERS)
    assert same.share is None and same.change == 0.0


def test_one_cluster_says_nothing():
    found = mediation(BASE, DEFENDED, BASE, np.zeros(40))
    assert found.share is None and found.change_interval is None
    assert "one cluster" in found.why_not


@given(st.integers(0, 25), st.booleans())
def test_the_rank_counts_random_sets_that_undo_as_much_in_the_direction_of_the_change(more, falls):
    sign = -1.0 if falls else 1.0
    random = [DEFENDED - 0.7 * CHANGE] * more + [DEFENDED - 0.2 * CHANGE] * (25 - more)
    found = mediation(sign * BASE, sign * DEFENDED, sign * (DEFENDED - 0.5 * CHANGE), random=sign * np.array(random))
    assert found.p_random == (1 + more) / 26
    assert found.share == pytest.approx(0.5)
    assert found.random_shares == pytest.approx(sorted([0.2] * (25 - more) + [0.7] * more))


def test_sets_that_do_nothing_are_ties():
    assert mediation(BASE, DEFENDED, DEFENDED, random=[DEFENDED + 1e-9, DEFENDED - 1e-9]).p_random == 1.0


def test_wrong_input_is_told():
    with pytest.raises(ValueError, match="no prompts"):
        mediation([], [], [])
    with pytest.raises(ValueError, match="do not pair"):
        mediation([0.0], [1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="finite"):
        mediation([0.0], [np.nan], [1.0])


def test_the_chance_of_the_wrong_answer_moves_less_than_nats_where_the_model_is_sure():
    sure = utility_change(np.full(20, -20.0), np.full(20, -15.0), np.arange(20))
    assert sure.nats == 5.0 and abs(sure.change) < 1e-6 and sure.unmoved
    torn = utility_change(np.zeros(20), np.full(20, 0.5), np.arange(20))
    assert torn.change == pytest.approx(1 / (1 + np.exp(-0.5)) - 0.5) and not torn.unmoved
    assert not utility_change([0.0, 0.0], [0.0, 0.0], [1, 1]).unmoved  # one cluster


CAUSE = mediation(BASE, DEFENDED, undoing(0.6), CLUSTERS, random=[undoing(0.0, seed=s) for s in range(20)])
REVERSE = mediation(DEFENDED, BASE, BASE + 0.5 * CHANGE, CLUSTERS)
UTILITY = utility_change(BASE, BASE + 0.01, CLUSTERS)


def test_a_set_that_passes_everything_is_a_cause():
    verdict = decide(CAUSE, REVERSE, UTILITY, direction=1)
    assert verdict.because
    assert "undoes 5" in verdict.reason or "undoes 6" in verdict.reason
    assert "p = 0.048" in verdict.reason


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"direction": -1}, "against the direction of the side effect"),
        ({"direction": 0}, "no side effect was shown"),
        ({"utility": None}, "utility was not measured"),
        ({"utility": utility_change(BASE, BASE + 1.0, CLUSTERS)}, "patching may move utility too"),
        ({"reverse": mediation(DEFENDED, BASE, BASE - 0.5 * CHANGE, CLUSTERS)}, "does not move the base"),
        ({"reverse": replace(REVERSE, undone_interval=Interval(-0.9, 0.1))}, "may not move the base at all"),
        ({"reverse": replace(REVERSE, undone_interval=None)}, "may not move the base at all"),
        ({"back": replace(CAUSE, p_random=2 / 21)}, "matched random sets undo as much"),
        ({"back": replace(CAUSE, p_random=None)}, "no matched random sets were patched"),
        ({"back": mediation(BASE, DEFENDED, undoing(0.1, 0.02), CLUSTERS)}, "is under 20%"),
        ({"back": mediation(BASE, DEFENDED, undoing(0.3, 3.0), CLUSTERS)}, "may be 0"),
        ({"back": replace(CAUSE, clusters=FEWEST_CLUSTERS - 1)}, "clusters are too few"),
        ({"back": mediation(BASE, BASE, BASE, CLUSTERS)}, "the change itself does not differ from 0"),
    ],
)
def test_each_condition_that_fails_is_named_and_forbids_because(change, told):
    verdict = decide(**({"back": CAUSE, "reverse": REVERSE, "utility": UTILITY, "direction": 1} | change))
    assert not verdict.because
    assert told in verdict.reason
    assert "\n" not in verdict.reason


def test_a_rank_that_cannot_reach_the_level_is_not_told_as_random_sets_that_do_as_much():
    """Two sets are tried at half the level each, of which 1 / 21 is no p, though no random set undid anything."""
    verdict = decide(CAUSE, REVERSE, UTILITY, direction=1, alpha=0.025)
    assert not verdict.because
    assert verdict.reason == "20 matched random sets are too few for a p of 0.025: draw more"


def test_utilitys_own_side_effect_must_move_utility():
    moved = utility_change(BASE, BASE + 1.0, CLUSTERS)
    assert decide(CAUSE, REVERSE, moved, direction=1, of_utility=True).because


def test_risks_of_replies_leave_out_what_is_invalid_in_any_arm():
    base = np.array([0.0] * 30)
    defended = np.array([1.0] * 20 + [0.0] * 10)
    patched = np.array([1.0] * 5 + [0.0] * 25)
    base[0], defended[1], patched[25] = np.nan, np.nan, np.nan
    random = np.tile(defended, (20, 1))
    random[3, 4] = np.nan
    found = mediation_of_risks(base, defended, patched, random=random)
    assert (found.prompts, found.change, found.undone) == (27, 18 / 27, 15 / 27)
    assert found.share == pytest.approx(15 / 18)
    assert found.p_random == 1 / 21
    assert found.undone_interval.low < found.undone < found.undone_interval.high
    assert mediation_of_risks([np.nan], [1.0], [1.0]) is None


def test_replies_that_all_change_alike_are_not_sure_beyond_their_number():
    found = mediation_of_risks(np.zeros(20), np.ones(20), np.zeros(20))
    assert found.share == 1.0
    assert found.change_interval.low < 1.0


def simulated(rng, clusters, share, heavy):
    """Correlated arms: prompts of clusters of 1 to 4, each with its own change and its own share of it."""

    def noise(count):
        return rng.standard_t(4, count) / 2**0.5 if heavy else rng.standard_normal(count)

    labels = np.repeat(np.arange(clusters), rng.integers(1, 5, clusters))
    base = 2 * noise(clusters)[labels] + noise(len(labels))
    change = 1.0 + 0.7 * noise(clusters)[labels] + 0.7 * noise(len(labels))
    own = share + 0.3 * noise(clusters)[labels]
    undone = own * change + 0.2 * noise(len(labels))
    return base, base + change, base + change - undone, labels


def coverage(clusters, share, heavy, runs):
    rng, covered, bounded = np.random.default_rng((clusters, int(10 * share), heavy)), 0, 0
    for _ in range(runs):
        found = mediation(*simulated(rng, clusters, share, heavy))
        if found.share_interval is not None:
            bounded += 1
            covered += found.share_interval.low <= share <= found.share_interval.high
    return covered / bounded, bounded / runs


@pytest.mark.slow
@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("clusters", [30, 60])
def test_intervals_cover_the_true_share(clusters, share, heavy):
    covered, bounded = coverage(clusters, share, heavy, 2_000)
    assert bounded > 0.99
    assert 0.93 <= covered <= 0.97


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_intervals_are_neither_too_sure_nor_too_vague(share):
    covered, _ = coverage(30, share, False, 300)
    assert 0.91 <= covered <= 0.99
