"""Does risk A do to B what B does to A? The two means compared, for every pair of risks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from crossrisk.interactions.corrections import holm
from crossrisk.interactions.paired import Interval
from crossrisk.interactions.questions.effects import RISKS, Contrast, Effects
from crossrisk.interactions.questions.random_effects import Floats, RandomEffects
from crossrisk.interactions.questions.risk_to_risk import between, pooled
from crossrisk.wording import interval, p_value, points


@dataclass(frozen=True)
class AsymmetryRow:
    """Mean change of `second` under defenses against `first`, less that of `first` under defenses against `second`.

    conditional_low, conditional_high, p, p_adjusted (Holm over all pairs): for these defenses on these tasks. ci_low,
    ci_high: for such defenses and tasks, None where either side has one cell.
    """

    first: str
    second: str
    forth: float
    back: float
    difference: float
    conditional_low: float
    conditional_high: float
    p: float
    p_adjusted: float | None
    ci_low: float | None
    ci_high: float | None
    sentence: str


def asymmetry_rows(effects: Effects, *, alpha: float = 0.05) -> list[AsymmetryRow]:
    """Every pair of risks that are both aimed at and measured under the other's defenses.

    effects: of defenses, no controls. Estimator: the difference of two random-effects means. Null: it is 0 for these
    defenses on these tasks; t with the fewest clusters - 1 degrees of freedom, from the covariance of all cells of
    both. Assumes that both risks are measured on scales that may be compared: a task of either has risks in [0, 1], but
    a point of one need not be worth a point of the other.
    """
    found = []
    for place, first in enumerate(RISKS):
        for second in RISKS[place + 1 :]:
            sides = [between(effects, *pair) for pair in ((first, second), (second, first))]
            if all(map(len, sides)):
                found.append(_asymmetry(effects, first, second, alpha))
    adjusted = holm([row.p for row in found])
    return [
        replace(row, p_adjusted=p, sentence=_sentence(row, p, alpha)) for row, p in zip(found, adjusted, strict=True)
    ]


def _asymmetry(effects: Effects, first: str, second: str, alpha: float) -> AsymmetryRow:
    both = effects.where(
        lambda cell: (
            (cell.target_risk == first and cell.risk == second) or (cell.target_risk == second and cell.risk == first)
        )
    )
    weights = both.deltas * 0.0
    means = []
    for sign, aimed_at, measured in ((1.0, first, second), (-1.0, second, first)):
        chosen = [cell.target_risk == aimed_at and cell.risk == measured for cell in both.cells]
        means.append(pooled(between(both, aimed_at, measured), alpha))
        weights[chosen] = sign * means[-1].weights
    contrast = both.contrast(weights, alpha=alpha)
    low, high = _such(means, contrast.estimate, weights, both, alpha) or (None, None)
    return AsymmetryRow(
        first=first,
        second=second,
        forth=means[0].mean,
        back=means[1].mean,
        difference=contrast.estimate,
        conditional_low=contrast.within(2.0).low,
        conditional_high=contrast.within(2.0).high,
        p=contrast.p,
        p_adjusted=None,
        ci_low=low,
        ci_high=high,
        sentence="",
    )


def _such(
    sides: Sequence[RandomEffects], difference: float, weights: Floats, both: Effects, alpha: float
) -> Interval | None:
    """Of two means over different defenses and tasks: their variances add up, Welch's degrees of freedom."""
    known = [(side.variance, side.degrees) for side in sides if side.variance is not None and side.degrees is not None]
    if len(known) < len(sides):
        return None
    variance = max(sum(each for each, _ in known), float(weights @ both.covariance @ weights))
    degrees = sum(each for each, _ in known) ** 2 / sum(each**2 / degrees for each, degrees in known)
    return Contrast.of(difference, variance, degrees, alpha).within(2.0)


def _sentence(row: AsymmetryRow, p: float | None, alpha: float) -> str:
    means = (
        f"defenses against {row.first} move {row.second} by {points(row.forth)} points, defenses against {row.second} "
        f"move {row.first} by {points(row.back)}"
    )
    difference = f"difference {points(row.difference)} {interval(row.conditional_low, row.conditional_high)}"
    told = "Asymmetric" if p is not None and p < alpha else "No asymmetry shown"
    said = f"p={p_value(p)}".replace("=<", "<")
    return f"{told}: {means}; {difference}, adjusted {said}."
