"""Do intervals cover and tests keep their level? By simulation of prompts from templates."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from benchmarks.validity import power
from benchmarks.validity.coverage import STRONG, Design, attainable, coverage, covered, designs, scenarios
from benchmarks.validity.equivalence import Border, borders, called
from benchmarks.validity.familywise import SETTINGS, Setting, level, null_study, off_target, study_p
from benchmarks.validity.templates import Flips
from scipy.stats import multinomial

from crossrisk.interactions.clustered import cluster_bootstrap, cluster_sums, cluster_t_interval
from crossrisk.interactions.effect import Effect, compare
from crossrisk.interactions.families import EXPLORED, PRIMARY, adjusted
from crossrisk.interactions.matrix import CellPair, interaction_rows
from crossrisk.interactions.paired import equivalent, mcnemar_exact, newcombe_paired, tango_paired
from crossrisk.interactions.power import mcnemar_mde
from crossrisk.risks import Verdict

# (base rate, P(flip up | safe), P(flip down | risky))
EVEN, RISE, RARE = (0.5, 0.05, 0.05), (0.3, 0.2, 0.05), (0.02, 0.01, 0.1)


def templates(
    rng: np.random.Generator, clusters: int, size: int, icc: float, rates: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Paired replies whose four joint probabilities vary between templates (Dirichlet, by intra-class correlation)."""
    base, up, down = rates
    joint = np.array([base * (1 - down), base * down, (1 - base) * up, (1 - base) * (1 - up)])
    drawn = np.tile(joint, (clusters, 1))
    if icc > 0:
        gamma = rng.gamma(joint * (1 - icc) / icc, size=(clusters, 4)) + 1e-300
        drawn = gamma / gamma.sum(axis=1, keepdims=True)
    kind = (rng.random((clusters, size))[..., None] > drawn.cumsum(axis=1)[:, None, :3]).sum(axis=2).ravel()
    labels = np.repeat(np.arange(clusters), size)
    return (kind <= 1).astype(float), ((kind == 0) | (kind == 2)).astype(float), labels, joint[2] - joint[1]


def effects(runs: int, seed: int, *design: object) -> list[tuple[Effect, float]]:
    rng = np.random.default_rng(seed)
    drawn = (templates(rng, *design) for _ in range(runs))  # type: ignore[arg-type]
    return [(compare(base, defended, clusters=labels), change) for base, defended, labels, change in drawn]


def held(runs: list[tuple[Effect, float]]) -> float:
    return float(
        np.mean([e.ci_low is not None and e.ci_low - 1e-12 <= d <= (e.ci_high or 0.0) + 1e-12 for e, d in runs])
    )


def rejected(runs: list[tuple[Effect, float]]) -> float:
    return float(np.mean([effect.verdict in (Verdict.WORSENS, Verdict.IMPROVES) for effect, _ in runs]))


@pytest.mark.parametrize("rates", [RISE, RARE])
@pytest.mark.parametrize(("clusters", "size", "icc"), [(100, 1, 0.0), (30, 8, 0.3)])
def test_intervals_cover_the_true_change(
    clusters: int, size: int, icc: float, rates: tuple[float, float, float]
) -> None:
    assert held(effects(250, 1, clusters, size, icc, rates)) >= 0.92


def test_templates_that_flip_together_do_not_fool_the_clustered_test_but_fool_the_naive_one() -> None:
    rng = np.random.default_rng(2)
    naive, clustered = [], []
    for _ in range(200):
        base, defended, labels, _ = templates(rng, 30, 10, 0.6, (0.5, 0.2, 0.2))
        naive.append(mcnemar_exact(int((defended > base).sum()), int((defended < base).sum())) < 0.05)
        clustered.append(compare(base, defended, clusters=labels).p)
    assert np.mean(naive) > 0.25
    assert np.mean(np.array(clustered) < 0.05) < 0.09


def rare_templates(rng: np.random.Generator, clusters: int, size: int) -> Effect:
    """A true change of 5 points: one template in twenty flips as a whole, 1 % of the other replies flip by chance."""
    labels = np.repeat(np.arange(clusters), size)
    whole = (rng.random(clusters) < 0.05)[labels]
    base = np.where(whole, 0.0, rng.random(clusters * size) < 0.5)
    noise = rng.random(clusters * size) < 0.01
    return compare(base, np.where(whole, 1.0, np.where(noise, 1 - base, base)), clusters=labels)


def test_templates_that_rarely_flip_as_a_whole_are_not_called_harmless_for_noise_in_the_others() -> None:
    rng = np.random.default_rng(6)
    runs = [(rare_templates(rng, 20, 20), 0.05) for _ in range(150)]
    assert np.mean([effect.verdict is Verdict.NO_EFFECT for effect, _ in runs]) <= 0.05
    assert held(runs) >= 0.95


def test_noise_alone_over_many_templates_is_shown_to_be_no_effect() -> None:
    runs = effects(50, 7, 100, 20, 0.0, (0.5, 0.01, 0.01))
    assert np.mean([effect.verdict is Verdict.NO_EFFECT for effect, _ in runs]) >= 0.95


def test_a_change_at_the_margin_is_rarely_called_equivalent() -> None:
    # True change 5 points, upwards only: the worst case for intervals of proportions.
    runs = effects(400, 3, 75, 1, 0.0, (0.5, 0.1, 0.0))
    assert np.mean([effect.verdict is Verdict.NO_EFFECT for effect, _ in runs]) <= 0.08


@pytest.mark.slow
@pytest.mark.parametrize("rates", [EVEN, RISE, RARE, (0.05, 0.1, 0.3), (0.98, 0.2, 0.01)])
@pytest.mark.parametrize(
    ("clusters", "size"), [(20, 1), (50, 1), (300, 1), (2000, 1), (20, 10), (30, 13), (60, 7), (100, 20)]
)
@pytest.mark.parametrize("icc", [0.0, 0.2, 0.7])
def test_intervals_cover_over_the_whole_range_of_designs(
    clusters: int, size: int, icc: float, rates: tuple[float, float, float]
) -> None:
    if size == 1 and icc > 0:
        pytest.skip("single prompts have no correlation")
    runs = effects(600, 4, clusters, size, icc, rates)
    assert held(runs) >= 0.93  # 0.95 less two standard errors of 600 samples


@pytest.mark.slow
@pytest.mark.parametrize(("clusters", "size"), [(10, 20), (30, 10), (100, 4), (200, 1)])
@pytest.mark.parametrize("icc", [0.0, 0.3, 0.8])
def test_false_claims_stay_under_the_level(clusters: int, size: int, icc: float) -> None:
    assert rejected(effects(1000, 5, clusters, size, icc, (0.5, 0.15, 0.15))) <= 0.065


@pytest.mark.slow
@pytest.mark.parametrize(("clusters", "size"), [(20, 20), (60, 20), (100, 20)])
def test_rare_templates_are_covered_whatever_their_number(clusters: int, size: int) -> None:
    rng = np.random.default_rng(8)
    runs = [(rare_templates(rng, clusters, size), 0.05) for _ in range(1000)]
    assert held(runs) >= 0.95
    assert np.mean([effect.verdict is Verdict.NO_EFFECT for effect, _ in runs]) <= 0.065


@pytest.mark.slow
@pytest.mark.parametrize("base", [0.1, 0.3, 0.5])
@pytest.mark.parametrize(("clusters", "size", "icc"), [(75, 1, 0.0), (300, 1, 0.0), (30, 10, 0.1), (100, 5, 0.3)])
def test_a_change_of_exactly_the_margin_is_called_no_effect_at_about_the_level(
    clusters: int, size: int, icc: float, base: float
) -> None:
    runs = effects(1000, 9, clusters, size, icc, (base, 0.05 / (1 - base), 0.0))
    assert np.mean([effect.verdict is Verdict.NO_EFFECT for effect, _ in runs]) <= 0.06


def called_equivalent(n: int, base: float) -> tuple[float, float]:
    """Chance that a rise of exactly 5 points is called equivalent, by Newcombe's interval and by Tango's as used."""
    newcombe = tango = 0.0
    for worse in range(n // 4):
        shown = equivalent(tango_paired(worse, 0, n, alpha=0.09), 0.05)
        for both in range(n - worse + 1):
            neither = n - worse - both
            chance = float(multinomial.pmf([worse, both, neither], n, [0.05, base, 0.95 - base]))
            newcombe += chance * equivalent(newcombe_paired(worse, 0, both, neither, alpha=0.1), 0.05)
            tango += chance * shown
    return newcombe, tango


@pytest.mark.slow
def test_equivalence_on_the_score_interval_keeps_the_level_that_newcombes_does_not() -> None:
    newcombe, tango = zip(*(called_equivalent(75, base) for base in (0.1, 0.3, 0.5)), strict=True)
    assert max(newcombe) > 0.10
    assert max(tango) < 0.05


@pytest.mark.slow
def test_plain_cluster_intervals_cover_less_than_ours_where_flips_are_rare() -> None:
    rng, inside = np.random.default_rng(10), []
    for _ in range(600):
        base, defended, labels, change = templates(rng, 20, 10, 0.2, RARE)
        effect, sums = compare(base, defended, clusters=labels), cluster_sums(defended - base, labels)
        intervals = (cluster_bootstrap(sums), cluster_t_interval(sums), (effect.ci_low, effect.ci_high))
        inside.append([low - 1e-12 <= change <= high + 1e-12 for low, high in intervals])  # type: ignore[misc,operator]
    bootstrap, t, ours = np.mean(inside, axis=0)
    assert bootstrap < 0.7 and t < 0.7 and ours >= 0.95


def graded(rng: np.random.Generator, clusters: int, size: int, icc: float) -> tuple[Effect, float]:
    """Risks of which most do not change and a few rise by a long-tailed amount; mean rise 0.04."""
    labels = np.repeat(np.arange(clusters), size)
    rate = np.full(clusters, 0.2) if icc == 0 else rng.beta(0.2 * (1 - icc) / icc, 0.8 * (1 - icc) / icc, clusters)
    rise = (rng.random(clusters * size) < rate[labels]) * rng.beta(0.5, 2.0, clusters * size)
    return compare(np.zeros(clusters * size), rise, clusters=labels), 0.04


@pytest.mark.slow
@pytest.mark.parametrize(
    ("clusters", "size", "icc"), [(10, 1, 0.0), (20, 1, 0.0), (50, 1, 0.0), (200, 1, 0.0), (10, 10, 0.3)]
)
def test_graded_risks_with_a_long_tail_are_covered(clusters: int, size: int, icc: float) -> None:
    rng = np.random.default_rng(11)
    assert held([graded(rng, clusters, size, icc) for _ in range(600)]) >= 0.925


def test_what_no_interval_can_undercut_by_hand() -> None:
    fair, certain = np.full(1_000, 1e-3), np.full(1_000, 1e-4)
    # A thousand equally likely outcomes can be left out one by one; a coin's two cannot.
    assert attainable(np.linspace(-1, 1, 1_000), certain, fair, 0.0) == pytest.approx(0.935, abs=2e-3)
    assert attainable(np.array([0.0, 0.1]), np.ones(2), np.array([0.9, 0.1]), 0.01) == 1.0
    # Where the test never rejects, no interval misses a change of 0, whatever else it knows.
    assert attainable(np.linspace(-1, 1, 1_000), np.ones(1_000), fair, 0.0) == 1.0
    assert attainable(np.linspace(0, 1, 1_000), np.ones(1_000), fair, 0.5) == pytest.approx(0.935, abs=2e-3)


DENSE = [
    Design(200, 1, 0.0, Flips(0.5, 0.2, 0.2)),
    Design(200, 5, 0.0, Flips(0.5, 0.02, 0.5)),
    Design(200, 5, 0.2, Flips(0.1, 0.15, 0.05)),
    Design(2_000, 50, 0.2, Flips(0.5, 0.02, 0.5)),
    Design(2_000, 50, 0.8, Flips(0.9, 0.02, 0.5)),
    Design(500, 50, 0.2, Flips(0.5, 0.02, 0.5), uneven=True),
    Design(500, 50, 0.2, STRONG, uneven=True),
]


@pytest.mark.parametrize("design", DENSE, ids=str)
def test_where_many_units_change_intervals_are_neither_short_nor_wide(design: Design) -> None:
    found = coverage(design, 400, 1)
    assert found.changed >= 10
    assert 0.925 <= found.held["ours"] <= 0.99


def test_a_strong_effect_on_a_few_uneven_templates_is_covered_where_the_robust_interval_fails() -> None:
    found = coverage(Design(200, 50, 0.8, STRONG, uneven=True), 600, 2)
    assert found.held["ours"] >= 0.925 and found.held["robust t"] < 0.85


def test_rare_flips_in_a_small_study_are_covered_and_could_not_be_less() -> None:
    found = coverage(Design(20, 1, 0.0, scenarios(0.01)[2]), 400, 3)
    assert found.held["ours"] > 0.99 and found.attainable > 0.98


SMALL = replace(SETTINGS[0], graded=2)


def test_the_simulated_studies_are_analysed_as_any_study_is() -> None:
    """p of every cell, and Holm over those off target, are those of `interaction_rows`."""
    study = list(null_study(np.random.default_rng(12), SMALL))[:6]
    cells, named, risks = [], [], ("safety", "fairness", "privacy")
    for task, arms in enumerate(study):
        labels = np.repeat(np.arange(arms.shape[1]), arms.shape[2])
        frames = [
            pl.DataFrame({"sample_id": np.arange(arms[0].size).astype(str), "cluster": labels.astype(str), "risk": arm})
            .with_columns(group=pl.lit(None, pl.String), valid=pl.lit(True), judge=pl.lit("world"))
            for arm in arms.reshape(len(arms), -1)
        ]  # fmt: skip
        for arm in range(1, 6):
            about = (f"d{arm}", "prompt", risks[arm % 3], f"t{task}", "world", risks[task % 3], "direct", "rate")
            cells.append(CellPair(*about, base=frames[0], defended=frames[arm]))
            named.append(PRIMARY if arm % 3 != task % 3 else EXPLORED)
    rows = interaction_rows(cells)
    p = study_p(iter([arms[:6] for arms in study])).ravel()
    assert [row.p for row in rows] == pytest.approx(p.tolist(), rel=1e-9)
    assert [row.p_adjusted for row in rows] == pytest.approx(adjusted(p.tolist(), named), rel=1e-9)


def test_a_study_of_defenses_that_change_nothing_rarely_makes_a_claim() -> None:
    found = level(SETTINGS[2], 12, seed=1)
    assert off_target().sum() == 352 and off_target().size == 480
    assert found.uncorrected > 0.5 and found.family <= 1 / 12


@pytest.mark.parametrize(
    "border", [Border(120, 1, 0.0, Flips(0.5, 0.1, 0.0)), Border(500, 5, 0.8, Flips(0.1, 0.05 / 0.9, 0))]
)
def test_a_change_of_the_margin_is_rarely_called_none(border: Border) -> None:
    assert called(border, 600).share <= 0.07


@pytest.mark.parametrize(("n", "noise"), [(100, 0.0), (200, 0.05), (1_000, 0.01)])
def test_the_minimum_detectable_effect_is_found_as_often_as_it_says(n: int, noise: float) -> None:
    mde = mcnemar_mde(n, noise)
    assert mde is not None and power.found(n, 1, 0.0, noise, mde, 2_000, 0) == pytest.approx(0.8, abs=0.025)


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 50, 200])
def test_no_design_of_the_grid_is_covered_too_rarely(n: int) -> None:
    for found in covered(designs((n,)), 500, 3_000):
        assert found.held["ours"] >= (0.925 if found.runs == 500 else 0.93), found.design
        if found.changed >= 20:
            assert found.held["ours"] <= 0.99, found.design


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_family_of_hundreds_of_cells_keeps_its_level(setting: Setting) -> None:
    assert level(setting, 300, seed=7).family <= 0.05 + 2 * (0.05 * 0.95 / 300) ** 0.5


@pytest.mark.slow
def test_no_border_of_the_margin_is_crossed_too_often() -> None:
    for border in borders():
        assert called(border, 1_000, seed=5).share <= 0.05 + 2 * (0.05 * 0.95 / 1_000) ** 0.5, border
