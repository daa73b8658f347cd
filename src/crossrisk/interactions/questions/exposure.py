"""Direct against indirect exposure: do defenses suppress what is asked openly, and amplify what shows elsewhere?

CrossRiskEval (arXiv 2510.07968) says so of defenses on risks that they are not for. Here it is a test.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossrisk.interactions.corrections import holm
from crossrisk.interactions.questions.effects import RISKS, Effects
from crossrisk.interactions.questions.random_effects import Floats, random_effects
from crossrisk.risks import Exposure
from crossrisk.wording import counted, interval, p_value, points


@dataclass(frozen=True)
class ExposureRow:
    """How much more a risk rose where it is exposed indirectly than where it is asked for openly.

    scope: `own` or `off-target`. defense, risk: of one such pair, None for the mean over all pairs of the scope, each
    counting once. direct, indirect: mean changes over the tasks of either exposure, with conditional intervals.
    difference: indirect - direct, with its conditional interval and p: for these defenses on these tasks. p_adjusted:
    Holm, over the two scopes for the means, over all pairs for the pairs. ci_low, ci_high: of a mean, for defenses and
    risks such as these. claim: `suppresses and amplifies`, `shifts to indirect`, `shifts to direct` or `not shown`.
    """

    scope: str
    defense: str | None
    risk: str | None
    pairs: int
    defenses: int
    direct: float
    direct_low: float
    direct_high: float
    indirect: float
    indirect_low: float
    indirect_high: float
    difference: float
    conditional_low: float
    conditional_high: float
    p: float
    p_adjusted: float | None
    ci_low: float | None
    ci_high: float | None
    claim: str
    sentence: str


@dataclass(frozen=True)
class _Pair:
    """One defense on one risk that has tasks of both exposures: the weights, (cells,), of the two means."""

    defense: str
    risk: str
    scope: str
    direct: Floats
    indirect: Floats


def exposure_rows(effects: Effects, *, alpha: float = 0.05) -> list[ExposureRow]:
    """The means over pairs of a defense and a risk, off-target first, then the pairs.

    effects: of defenses, no controls. Estimator: mean indirect less mean direct change within a defense and a risk,
    tasks of an exposure counting alike; then the plain mean over pairs. Null of p: the difference is 0 for these
    defenses on these tasks; t with the fewest clusters - 1 degrees of freedom, from the covariance of all cells, so
    that tasks about the same people and defenses of one base are no independent evidence. The claim of the paper is a
    conjunction, and each part must hold: difference above 0 (corrected), interval of direct below 0, of indirect above
    0. That needs no further correction (Berger 1982, Technometrics 24:295). The interval for other defenses and risks
    is that of `random_effects` with equal weights. Degenerate: no risk with both exposures, no row of that scope.
    """
    pairs = list(_pairs(effects))
    means, single = [], []
    for scope in ("off-target", "own"):
        of_scope = [pair for pair in pairs if pair.scope == scope]
        if of_scope:
            means.append(_row(scope, effects, of_scope, alpha))
        single += [_row(scope, effects, [pair], alpha, single=True) for pair in of_scope]
    rows = [row for family in (means, single) for row in _adjusted(family, alpha)]
    return [replace(row, sentence=_sentence(row)) for row in rows]


def _pairs(effects: Effects) -> Iterator[_Pair]:
    aims = {cell.defense: cell.target_risk for cell in effects.cells if cell.target_risk is not None}
    for defense, aim in aims.items():
        for risk in RISKS:
            direct, indirect = (
                effects.mean_of(lambda cell, at=at: (cell.defense, cell.risk, cell.exposure) == at)  # type: ignore[misc]
                for at in ((defense, risk, Exposure.DIRECT), (defense, risk, Exposure.INDIRECT))
            )
            if direct is not None and indirect is not None:
                yield _Pair(defense, risk, "own" if risk == aim else "off-target", direct, indirect)


def _row(scope: str, effects: Effects, pairs: Sequence[_Pair], alpha: float, *, single: bool = False) -> ExposureRow:
    direct, indirect = (np.mean([getattr(pair, side) for pair in pairs], axis=0) for side in ("direct", "indirect"))
    openly, elsewhere = (effects.contrast(weights, alpha=alpha) for weights in (direct, indirect))
    difference = effects.contrast(indirect - direct, alpha=alpha)
    each = np.array([pair.indirect - pair.direct for pair in pairs])
    such = random_effects(
        each @ effects.deltas,
        each @ effects.covariance @ each.T,
        defenses=[pair.defense for pair in pairs],
        tasks=[pair.risk for pair in pairs],
        equal_weights=True,
        alpha=alpha,
        bound=2.0,
    )
    named = (pairs[0].defense, pairs[0].risk) if single else (None, None)
    low, high = such.interval or (None, None)
    direct_at, indirect_at, between = openly.within(1.0), elsewhere.within(1.0), difference.within(2.0)
    return ExposureRow(
        scope=scope,
        defense=named[0],
        risk=named[1],
        pairs=len(pairs),
        defenses=len({pair.defense for pair in pairs}),
        direct=openly.estimate,
        direct_low=direct_at.low,
        direct_high=direct_at.high,
        indirect=elsewhere.estimate,
        indirect_low=indirect_at.low,
        indirect_high=indirect_at.high,
        difference=difference.estimate,
        conditional_low=between.low,
        conditional_high=between.high,
        p=difference.p,
        p_adjusted=None,
        ci_low=low,
        ci_high=high,
        claim="",
        sentence="",
    )


def _adjusted(family: Sequence[ExposureRow], alpha: float) -> list[ExposureRow]:
    corrected = holm([row.p for row in family])
    return [
        replace(row, p_adjusted=p, claim=_claim(row, p is not None and p < alpha))
        for row, p in zip(family, corrected, strict=True)
    ]


def _claim(row: ExposureRow, different: bool) -> str:
    if not different:
        return "not shown"
    if row.difference < 0:
        return "shifts to direct"
    return "suppresses and amplifies" if row.direct_high < 0 < row.indirect_low else "shifts to indirect"


def _sentence(row: ExposureRow) -> str:
    whose = "their own risk" if row.scope == "own" else "other risks"
    subject = f"over {counted(row.pairs, 'pair')} of a defense and a risk, defenses move {whose}"
    if row.defense is not None:
        subject = f"{row.defense} moves {row.risk}{' (its own risk)' * (row.scope == 'own')}"
    verdict = {
        "suppresses and amplifies": "Direct answers are suppressed and indirect ones amplified",
        "shifts to indirect": "Risk rose more, or fell less, where it is exposed indirectly",
        "shifts to direct": "Risk rose more, or fell less, where it is asked for openly",
        "not shown": "No difference between direct and indirect exposure is shown",
    }[row.claim]
    p = f"p={p_value(row.p_adjusted)}".replace("=<", "<")
    return (
        f"{verdict}: {subject} by {points(row.direct)} points {interval(row.direct_low, row.direct_high)} on direct "
        f"and {points(row.indirect)} {interval(row.indirect_low, row.indirect_high)} on indirect tasks; difference "
        f"{points(row.difference)} {interval(row.conditional_low, row.conditional_high)}, adjusted {p}."
    )
