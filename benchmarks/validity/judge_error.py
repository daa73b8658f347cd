"""Does a correction for a judge's errors hold? Known truths, judges that err at known rates, people who label a few.

`python -m benchmarks.validity.judge_error` prints five tables in Markdown: what a judge invents or hides and what is
left of it after correction; how often a corrected interval holds the true change, over numbers of labels, rates and
ways to err, beside the delta method; and one calibration for both arms, where the judge errs alike and where not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from crossrisk.interactions.effect import compare
from crossrisk.interactions.judge_error import Confusion, correct_shared
from crossrisk.interactions.labelled_difference import correct_by_labels, correct_per_arm
from crossrisk.interactions.paired import normal_quantile

PROMPTS, DRAWS = 300, 2_000
LABELS, RATES = (25, 50, 200), (0.05, 0.3, 0.6)
Verdicts = NDArray[np.bool_]
Row = dict[str, Any]


@dataclass(frozen=True)
class Judge:
    """(sensitivity, specificity) on the replies of either arm."""

    base: tuple[float, float]
    defended: tuple[float, float]


ALIKE = Judge((0.97, 0.85), (0.97, 0.85))
JUDGES = {
    "errs alike (.97, .85)": ALIKE,
    "specificity .85, then .95": Judge((0.97, 0.85), (0.97, 0.95)),
    "sensitivity .97, then .80": Judge((0.97, 0.85), (0.80, 0.85)),
    "hardly errs (.995, .995)": Judge((0.995, 0.995), (0.995, 0.995)),
}
PUBLISHED = (  # true rates of base and defended, and the judge
    (0.4, 0.1, ALIKE),
    (0.3, 0.3, JUDGES["specificity .85, then .95"]),
    (0.3, 0.3, JUDGES["sensitivity .97, then .80"]),
)


@dataclass(frozen=True)
class World:
    """One simulated cell: the truth of both arms, and what the judge made of it."""

    truth: tuple[Verdicts, Verdicts]
    told: tuple[Verdicts, Verdicts]
    clusters: NDArray[np.intp]
    same: Verdicts


def world(
    rng: np.random.Generator,
    base: float,
    defended: float,
    judge: Judge,
    *,
    n: int = PROMPTS,
    templates: int | None = None,
    correlation: float = 0.0,
    repeated: float = 0.0,
) -> World:
    """Prompts whose difficulty is shared by both arms (Gaussian copula, .6).

    templates: prompts come from so many; correlation: of a template's prompts in difficulty and in the judge's errors.
    repeated: share of prompts on which the defended arm gives the base's reply; the rates are those of the others.
    """
    clusters = np.arange(n) % (templates or n)
    common = rng.standard_normal(int(clusters.max()) + 1)[clusters]
    own = rng.standard_normal(n)
    shared = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
    luck = rng.standard_normal(int(clusters.max()) + 1)[clusters]
    truth, told = [], []
    for rate, (found, spared) in ((base, judge.base), (defended, judge.defended)):
        risky = np.sqrt(0.6) * shared + np.sqrt(0.4) * rng.standard_normal(n) < ndtri(rate)
        slip = np.sqrt(correlation) * luck + np.sqrt(1 - correlation) * rng.standard_normal(n)
        truth.append(risky)
        told.append(np.where(risky, slip < ndtri(found), slip > ndtri(spared)))
    same = rng.random(n) < repeated
    truth[1], told[1] = (np.where(same, *arms) for arms in (truth, told))
    return World((truth[0], truth[1]), (told[0], told[1]), clusters, same)


def labels(rng: np.random.Generator, truth: Verdicts, told: Verdicts, count: int) -> NDArray[np.float64]:
    """The truth of `count` replies, half of each verdict where there are so many; NaN for the others."""
    strata = [rng.permutation(np.flatnonzero(told == verdict)) for verdict in (True, False)]
    risky = min(len(strata[0]), max(count // 2, count - len(strata[1])))
    chosen = np.concatenate([strata[0][:risky], strata[1][: count - risky]])
    given = np.full(len(truth), np.nan)
    given[chosen] = truth[chosen]
    return given


def calibration(rng: np.random.Generator, errors: tuple[float, float], count: int) -> Confusion:
    """Labelled replies from elsewhere, half of them risky."""
    risky = count // 2
    found, spared = int(rng.binomial(risky, errors[0])), int(rng.binomial(count - risky, errors[1]))
    return Confusion(found, risky - found, count - risky - spared, spared)


def invented(repeats: int = 4_000, count: int = 50) -> list[Row]:
    """Mean difference as told and as corrected, where the judge invents one or hides some of it."""
    rows = []
    for base, defended, judge in PUBLISHED:
        rng = np.random.default_rng(0)
        sums = np.zeros((repeats, 4))
        for sums_of in sums:
            made = world(rng, base, defended, judge)
            given = [labels(rng, truth, told, count) for truth, told in zip(made.truth, made.told, strict=True)]
            by_labels = correct_by_labels(*made.told, *given, draws=2)
            apart = [calibration(rng, errors, 200) for errors in (judge.base, judge.defended)]
            per_arm = correct_per_arm(*made.told, *apart, draws=2)
            told = float(made.told[1].mean() - made.told[0].mean())
            card = apart[0].youden
            assert by_labels is not None and per_arm is not None and card is not None
            sums_of[:] = told, by_labels[0].delta, per_arm.delta, told / card
        means = sums.mean(axis=0).tolist()
        rows.append(
            {
                "true base, defended": f"{base}, {defended}",
                "judge, base": judge.base,
                "judge, defended": judge.defended,
                "true change": round(defended - base, 3),
                "told": round(means[0], 3),
                f"by {count} labels an arm": round(means[1], 3),
                "by 200 labels elsewhere, per arm": round(means[2], 3),
                "by one card (of the base)": round(means[3], 3),
            }
        )
    return rows


def delta_method(made: World, given: Sequence[NDArray[np.float64]], alpha: float = 0.05) -> tuple[float, float]:
    """Wald's interval of the same estimator, for comparison: no prior, no effective counts."""
    parts, change, variance = [], 0.0, 0.0
    for sign, told, known in zip((-1, 1), made.told, given, strict=True):
        share, rates = float(told.mean()), []
        for verdict, weight in ((True, share), (False, 1 - share)):
            seen = known[(told == verdict) & ~np.isnan(known)]
            rate = float(seen.mean()) if len(seen) else 0.0
            variance += weight**2 * rate * (1 - rate) / max(len(seen), 1)
            change += sign * weight * rate
            rates.append(rate)
        parts.append(sign * (rates[0] - rates[1]) * told)
    half = normal_quantile(1 - alpha / 2) * np.sqrt(variance + np.var(parts[0] + parts[1]) / len(made.told[0]))
    return change - half, change + half


def coverage(
    repeats: int = 300,
    *,
    counts: Sequence[int] = LABELS,
    rates: Sequence[float] = RATES,
    templates: int | None = None,
    correlation: float = 0.0,
    repeated: float = 0.0,
) -> list[Row]:
    """Share of 95 % intervals that hold the true change (0, and 10 points upwards), their width, and false claims."""
    rows = []
    for name, judge in JUDGES.items():
        for count in counts:
            for rate in rates:
                held, width, wald, claims, told = np.zeros(2), 0.0, np.zeros(2), 0, 0
                for place, gap in enumerate((0.0, 0.1)):
                    change = gap * (1 - repeated)
                    rng = np.random.default_rng(1)
                    for _ in range(repeats):
                        made = world(
                            rng,
                            rate,
                            rate + gap,
                            judge,
                            templates=templates,
                            correlation=correlation,
                            repeated=repeated,
                        )
                        given = [labels(rng, *each, count) for each in zip(made.truth, made.told, strict=True)]
                        clusters = None if templates is None else made.clusters
                        found = correct_by_labels(*made.told, *given, clusters=clusters, same=made.same, draws=DRAWS)
                        assert found is not None and found[0].interval is not None
                        low, high = found[0].interval
                        held[place] += low <= change <= high
                        width += high - low
                        low, high = delta_method(made, given)
                        wald[place] += low <= change <= high
                        if gap == 0:
                            claims += not found[0].interval.low <= 0 <= found[0].interval.high
                            told += compare(*made.told, clusters=clusters).verdict in ("worsens", "improves")
                rows.append(
                    {
                        "judge": name,
                        "labels an arm": count,
                        "base rate": rate,
                        "held, no change": _share(held[0], repeats),
                        "held, +10 points": _share(held[1], repeats),
                        "width, points": round(50 * width / repeats, 1),
                        "delta method, no change": _share(wald[0], repeats),
                        "delta method, +10": _share(wald[1], repeats),
                        "false claims, told": _share(told, repeats),
                        "false claims, corrected": _share(claims, repeats),
                    }
                )
    return rows


def one_card(repeats: int = 200) -> list[Row]:
    """One calibration for both arms: where the judge errs alike in them, and where it does not."""
    rows = []
    for name, judge in list(JUDGES.items())[:3]:
        for count in (50, 200, 1000):
            for base, change in ((0.05, 0.1), (0.3, 0.0), (0.3, 0.1), (0.6, 0.1)):
                rng, held, width = np.random.default_rng(2), 0, 0.0
                for _ in range(repeats):
                    made = world(rng, base, base + change, judge)
                    card = calibration(rng, judge.base, count)
                    found = correct_shared(compare(*made.told), card, draws=DRAWS)
                    assert found is not None and found.interval is not None
                    held += found.interval.low <= change <= found.interval.high
                    width += found.interval.high - found.interval.low
                rows.append(
                    {
                        "judge": name,
                        "labels of the card": count,
                        "base rate": base,
                        "true change": change,
                        "held": _share(held, repeats),
                        "width, points": round(100 * width / repeats, 1),
                    }
                )
    return rows


def _share(count: float, repeats: int) -> float:
    """In percent, to a decimal."""
    return round(100 * float(count) / repeats, 1)


def table(rows: Sequence[Row]) -> str:
    """Rows as a table in Markdown."""
    heads = list(rows[0])
    lines = [" | ".join(str(row[head]) for head in heads) for row in rows]
    return "\n".join(f"| {line} |" for line in (" | ".join(heads), "|".join(["---"] * len(heads)), *lines))


TABLES: dict[str, Callable[[], list[Row]]] = {
    "What a judge invents and hides (mean of 4,000 studies of 300 prompts)": invented,
    "Coverage by labels of the study's replies": coverage,
    "The same, 60 templates of 5, correlation .2": partial(coverage, 150, templates=60, correlation=0.2),
    "The same, three replies of four alike in both arms": partial(coverage, 150, counts=(50,), repeated=0.75),
    "Coverage by one card for both arms": one_card,
}


def main() -> None:
    for title, rows in TABLES.items():
        print(f"\n{title}\n\n{table(rows())}", flush=True)


if __name__ == "__main__":
    main()
