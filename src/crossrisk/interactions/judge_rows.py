"""Each cell with and without the errors of its judge: the rows of `judges.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossrisk.interactions.calibration import Calibrated, calibrate
from crossrisk.interactions.effect import Effect, despite_lost, lost_share
from crossrisk.interactions.families import Exploration, adjusted
from crossrisk.interactions.judge_error import Corrected
from crossrisk.interactions.labels import Labels
from crossrisk.interactions.matrix import CellPair, pair_arms
from crossrisk.interactions.rows import InteractionRow
from crossrisk.risks import Verdict


@dataclass(frozen=True)
class JudgeRow:
    """One row of `judges.json`; the order of the fields is the contract. None: the number does not exist.

    calibration: `per arm` (labels of these replies), `card` (one for both arms) or `none`; note: why it is not better.
    labelled_set, labelled_by: of the card. labelled_base, labelled_defended: how many labels. sensitivity_...,
    specificity_...: the judge's, with intervals. base, defended, delta, ci, verdict: as told. corrected_...: without
    the judge's errors; the p adjusted within the same family. outside: a corrected rate lay outside [0, 1], so that the
    calibration does not fit. least_delta, most_delta: over all labelled sets of the card. tip_specificity,
    tip_sensitivity: the difference of either between the arms that would make the whole change (`tipping_point`).
    tip_claim_...: the one that would bring the nearer end of the interval to 0; None where 0 lies in it.
    """

    defense: str
    task: str
    source: str
    judge: str | None
    grade: str | None
    calibration: str
    note: str
    labelled_set: str | None
    labelled_by: str | None
    labelled_base: int | None
    sensitivity_base: float | None
    sensitivity_base_low: float | None
    sensitivity_base_high: float | None
    specificity_base: float | None
    specificity_base_low: float | None
    specificity_base_high: float | None
    labelled_defended: int | None
    sensitivity_defended: float | None
    sensitivity_defended_low: float | None
    sensitivity_defended_high: float | None
    specificity_defended: float | None
    specificity_defended_low: float | None
    specificity_defended_high: float | None
    base: float | None
    defended: float | None
    delta: float | None
    ci_low: float | None
    ci_high: float | None
    verdict: Verdict
    corrected_base: float | None
    corrected_defended: float | None
    corrected_delta: float | None
    corrected_low: float | None
    corrected_high: float | None
    corrected_p: float | None
    corrected_p_adjusted: float | None
    corrected_verdict: Verdict | None
    outside: bool | None
    least_delta: float | None
    most_delta: float | None
    tip_specificity: float | None
    tip_sensitivity: float | None
    tip_claim_specificity: float | None
    tip_claim_sensitivity: float | None


def judge_rows(
    pairs: Sequence[CellPair],
    rows: Sequence[InteractionRow],
    cells: Mapping[tuple[str, str, str], Mapping[str, Any]],
    labels: Labels,
    *,
    alpha: float = 0.05,
    margin: float = 0.05,
    smallest_effect: float = 0.0,
    exploration: Exploration = "BH",
) -> list[JudgeRow]:
    """One row for each measured cell whose judge can err, or whose replies people labelled in both arms, in order.

    rows: of `interaction_rows` of the same pairs. cells: of the manifest, by (arm, task, source), with `grade` and
    `card`. A corrected verdict follows the rules of the uncorrected one, with the corrected intervals and the corrected
    p adjusted within the same family, beside the p of the cells that are not corrected.
    """
    found = [_calibrated(pair, row, cells, labels, alpha) for pair, row in zip(pairs, rows, strict=True)]
    corrected = [None if each is None else each.corrected for each in found]
    p = [row.p if each is None else each.p for each, row in zip(corrected, rows, strict=True)]
    adjusted_p = adjusted(p, [row.family or "" for row in rows], exploration=exploration)
    told = []
    for pair, row, each, p_adjusted in zip(pairs, rows, found, adjusted_p, strict=True):
        if each is None:
            continue
        verdict = None
        if each.corrected is not None:
            effect = _as_effect(row, each.corrected)
            level = {"alpha": alpha, "margin": margin, "smallest_effect": smallest_effect}
            verdict = despite_lost(effect, p_adjusted, _lost(pair), **level)
            if pair.is_null and verdict in (Verdict.WORSENS, Verdict.IMPROVES):
                verdict = Verdict.INCONCLUSIVE
        grade = cells.get((pair.defense, pair.task, pair.source), {}).get("grade")
        told.append(_row(row, grade, each, p_adjusted, verdict))
    return told


def _calibrated(
    pair: CellPair,
    row: InteractionRow,
    cells: Mapping[tuple[str, str, str], Mapping[str, Any]],
    labels: Labels,
    alpha: float,
) -> Calibrated | None:
    """None for a cell that was not measured, or whose judge knows the truth and has no labels to hold against it."""
    cell = cells.get((pair.defense, pair.task, pair.source), {})
    base, defended = (labels.get((arm, pair.task, pair.source), {}) for arm in ("base", pair.defense))
    if row.delta is None or (cell.get("grade") in (None, "exact") and not (base and defended)):
        return None
    return calibrate(pair, row, cell.get("card") or {}, base, defended, alpha=alpha)


def _lost(pair: CellPair) -> float:
    both = pair_arms(pair)
    return 0.0 if both is None else lost_share(both.base.to_numpy(), both.defended.to_numpy())


def _as_effect(row: InteractionRow, corrected: Corrected) -> Effect:
    low, high = corrected.interval or (None, None)
    equivalence_low, equivalence_high = corrected.equivalence or (None, None)
    return Effect(
        n=row.n,
        clusters=row.clusters,
        base=corrected.base,
        defended=corrected.defended,
        delta=corrected.delta,
        ci_low=low,
        ci_high=high,
        rcr=None,
        effect_size=None,
        p=corrected.p,
        mde=None,
        verdict=Verdict.INCONCLUSIVE,
        flips_up=row.flips_up or 0,
        flips_down=row.flips_down or 0,
        equivalence_low=equivalence_low,
        equivalence_high=equivalence_high,
    )


def _row(
    row: InteractionRow, grade: str | None, found: Calibrated, p_adjusted: float | None, verdict: Verdict | None
) -> JudgeRow:
    names = ("defense", "task", "source", "judge", "base", "defended", "delta", "ci_low", "ci_high", "verdict")
    told: dict[str, Any] = {name: getattr(row, name) for name in names}
    for arm, errors in (("base", found.base), ("defended", found.defended)):
        told[f"labelled_{arm}"] = errors.labelled
        for share in ("sensitivity", "specificity"):
            low, high = getattr(errors, f"{share}_interval") or (None, None)
            told |= {f"{share}_{arm}": getattr(errors, share), f"{share}_{arm}_low": low, f"{share}_{arm}_high": high}
    corrected = found.corrected
    low, high = (None, None) if corrected is None or corrected.interval is None else corrected.interval
    return JudgeRow(
        **told,
        grade=grade,
        calibration=found.calibration,
        note=found.note,
        labelled_set=found.labelled_set,
        labelled_by=found.labelled_by,
        corrected_base=None if corrected is None else corrected.base,
        corrected_defended=None if corrected is None else corrected.defended,
        corrected_delta=None if corrected is None else corrected.delta,
        corrected_low=low,
        corrected_high=high,
        corrected_p=None if corrected is None else corrected.p,
        corrected_p_adjusted=None if corrected is None else p_adjusted,
        corrected_verdict=verdict,
        outside=None if corrected is None else corrected.outside,
        least_delta=min(found.deltas, default=None),
        most_delta=max(found.deltas, default=None),
        tip_specificity=found.whole.specificity,
        tip_sensitivity=found.whole.sensitivity,
        tip_claim_specificity=found.claim.specificity,
        tip_claim_sensitivity=found.claim.sensitivity,
    )
