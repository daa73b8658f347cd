"""What calibrates the judge of a cell: labels of its own replies, else the card of the judge, else nothing.

Labels in both arms calibrate each arm by itself. A card calibrates both alike; of the labelled sets on it the one with
most replies that people labelled is used, else the written one, else the largest, and the change by every other set is
carried as a range.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
import polars as pl

from crossrisk.interactions.clustered import Floats
from crossrisk.interactions.judge_error import Confusion, Corrected, TippingPoint, correct_shared, fits, tipping_point
from crossrisk.interactions.labelled_difference import ArmErrors, correct_by_labels
from crossrisk.interactions.matrix import CellPair
from crossrisk.interactions.paired import Interval
from crossrisk.interactions.rows import InteractionRow

_REPLY = ("reply", "earlier")  # what has to be the same for a reply to be the same
Card = Mapping[str, Mapping[str, Any]]
NOTHING = TippingPoint(None, None)
UNKNOWN = ArmErrors(None, None, None, None, None)


@dataclass(frozen=True)
class Calibrated:
    """One cell and what is known of its judge. note: why it is not better known. base, defended: the judge's errors.

    deltas: the corrected difference by every labelled set of a card. whole: how differently the judge would have to err
    in the arms to make the whole change; claim: to bring the nearer end of the interval to 0.
    """

    calibration: Literal["per arm", "card", "none"]
    note: str = ""
    labelled_set: str | None = None
    labelled_by: str | None = None
    base: ArmErrors = UNKNOWN
    defended: ArmErrors = UNKNOWN
    corrected: Corrected | None = None
    deltas: Sequence[float] = field(default=())
    whole: TippingPoint = NOTHING
    claim: TippingPoint = NOTHING


def calibrate(
    pair: CellPair,
    row: InteractionRow,
    card: Card,
    base_labels: Mapping[str, bool],
    defended_labels: Mapping[str, bool],
    *,
    alpha: float = 0.05,
) -> Calibrated:
    """The best that is known of a cell's judge. row: of `interaction_rows`, with a delta. labels: by sample_id."""
    if pair.statistic is not None:
        return Calibrated("none", "its headline is no mean of risks")
    if any(
        arm is not None and not arm["risk"].drop_nulls().is_in([0.0, 1.0]).all() for arm in (pair.base, pair.defended)
    ):
        return Calibrated("none", "its risks are graded, not yes or no")
    if not (base_labels and defended_labels):
        lacking = "base" if not base_labels else pair.defense
        note = f"labels in one arm only, none in {lacking}" if base_labels or defended_labels else ""
        return _noted(note, _by_card(row, card, alpha))
    by_labels = _by_labels(pair, row, base_labels, defended_labels, alpha)
    return by_labels if by_labels.corrected is not None else _noted(by_labels.note, _by_card(row, card, alpha))


def set_of_choice(card: Card) -> str | None:
    """The labelled set by which a judge is corrected: of most replies by people, else `written`, else the largest."""
    usable = {name: figures for name, figures in card.items() if "found" in figures}
    people = {name: figures for name, figures in usable.items() if str(figures.get("who", "")).startswith("people")}
    if not people and "written" in usable:
        return "written"
    among = people or usable
    return min(among, key=lambda name: (-among[name]["n"], name)) if among else None


def _noted(note: str, calibrated: Calibrated) -> Calibrated:
    return replace(calibrated, note="; ".join(each for each in (note, calibrated.note) if each))


def _by_labels(
    pair: CellPair,
    row: InteractionRow,
    base_labels: Mapping[str, bool],
    defended_labels: Mapping[str, bool],
    alpha: float,
) -> Calibrated:
    if pair.stopping is not None:
        return Calibrated("none", "a stopping rule ended the cell, where intervals by labels do not hold")
    arms, both = ("base", pair.defense), _aligned(pair)
    told = [both[name].to_numpy() for name in ("base", "defended")]
    given = [_labels(both["sample_id"], labels) for labels in (base_labels, defended_labels)]
    same, clusters = both["same"].to_numpy(), both["cluster"].to_numpy()
    found = correct_by_labels(*told, *given, same=same, clusters=clusters, alpha=alpha) if len(both) else None
    if found is None:
        return Calibrated("none", _lacking(arms, told, given))
    corrected, base, defended = found
    chance = [arm for arm, errors in zip(arms, (base, defended), strict=True) if _by_chance(errors)]
    note = f"no better than chance in {' and '.join(chance)}: the labels alone tell" if chance else ""
    return Calibrated("per arm", note, base=base, defended=defended, corrected=no_surer(corrected, row))


def no_surer(corrected: Corrected, row: InteractionRow) -> Corrected:
    """The corrected difference, no surer than the one that the judge told: labels can only add doubt.

    row: what was told. Its intervals, moved to the corrected difference, are joined to the corrected ones, since those
    of `compare` know of few flips and of skewed clusters what draws from a posterior do not. Where such an interval
    holds 0, p is no less than the told one and no claim is made.
    """
    if row.delta is None or corrected.interval is None or row.ci_low is None or row.ci_high is None:
        return corrected
    moved = _moved(row.ci_low, row.ci_high, corrected.delta - row.delta)
    p, equivalence = corrected.p, corrected.equivalence
    if moved.low <= 0 <= moved.high and p is not None and row.p is not None:
        p = max(p, row.p)
    if equivalence is not None and row.equivalence_low is not None and row.equivalence_high is not None:
        told = _moved(row.equivalence_low, row.equivalence_high, corrected.delta - row.delta)
        equivalence = equivalence.hull(told)
    return replace(corrected, interval=corrected.interval.hull(moved), equivalence=equivalence, p=p)


def _moved(low: float, high: float, by: float) -> Interval:
    return Interval(max(-1.0, low + by), min(1.0, high + by))


def _aligned(pair: CellPair) -> pl.DataFrame:
    """Pairs that are valid in both arms, in the order of their ids, so that results do not hang on that of rows.

    same: whether both arms gave the very same reply, all turns of it.
    """
    assert pair.base is not None and pair.defended is not None
    both = pair.base.join(pair.defended, on="sample_id", suffix="_defended")
    same = pl.lit(False)
    if "reply" in both.columns and "reply_defended" in both.columns:
        same = (pl.col("reply") == pl.col("reply_defended")) & (pl.col("earlier") == pl.col("earlier_defended"))
    both = both.select("sample_id", "cluster", base="risk", defended="risk_defended", same=same.fill_null(False))
    return both.drop_nulls(["base", "defended"]).sort("sample_id")


def _labels(samples: pl.Series, given: Mapping[str, bool]) -> Floats:
    """1 risky, 0 not, NaN where nobody labelled."""
    return np.array([given.get(sample, np.nan) for sample in samples], dtype=np.float64)


def _lacking(arms: Sequence[str], told: Sequence[Floats], given: Sequence[Floats]) -> str:
    """Which verdict of which arm has no label."""
    return next(
        f"labels of one verdict only: none in {arm} among the replies called {name}"
        for arm, verdicts, labels in zip(arms, told, given, strict=True)
        for verdict, name in ((1.0, "risky"), (0.0, "not risky"))
        if (verdicts == verdict).any() and np.isnan(labels[verdicts == verdict]).all()
    )


def _by_chance(errors: ArmErrors) -> bool:
    if errors.sensitivity is None or errors.specificity is None:
        return False
    return errors.sensitivity + errors.specificity <= 1


def _by_card(row: InteractionRow, card: Card, alpha: float) -> Calibrated:
    """By one labelled set for both arms. Without one the tipping point takes the judge in the base for perfect."""
    name = None if "+" in (row.judge or "") else set_of_choice(card)
    if name is None:
        note = "several judges scored it" if "+" in (row.judge or "") else "its judge has no card"
        return _tipping(Calibrated("none", note), row, row.base or 0.0, 1.0, 1.0)
    sets = {each: _confusion(figures) for each, figures in card.items() if "found" in figures}
    chosen, labelled = sets[name], card[name]["n"]
    found, spared = chosen.intervals
    errors = ArmErrors(labelled, chosen.sensitivity, found, chosen.specificity, spared)
    calibrated = Calibrated("card", "", name, card[name].get("who"), errors, errors)
    if not all(fits(rate, row.clusters, chosen) for rate in (row.base, row.defended) if rate is not None):
        note = f"its card on {name} does not fit: a judge that errs so could not have told these rates"
        return _tipping(replace(calibrated, calibration="none", note=note), row, row.base or 0.0, 1.0, 1.0)
    corrected = correct_shared(row, chosen, alpha=alpha)
    if corrected is None or chosen.sensitivity is None or chosen.specificity is None:
        calibrated = replace(calibrated, calibration="none", note=f"no better than chance on {name}: not corrected")
        return _tipping(calibrated, row, row.base or 0.0, 1.0, 1.0)
    by_set = [correct_shared(row, each, alpha=alpha) for each in sets.values()]
    calibrated = replace(calibrated, corrected=corrected, deltas=[each.delta for each in by_set if each is not None])
    return _tipping(calibrated, row, corrected.base, chosen.sensitivity, chosen.specificity)


def _tipping(calibrated: Calibrated, row: InteractionRow, base: float, found: float, spared: float) -> Calibrated:
    """base: the true rate of the base as far as it is known; found, spared: sensitivity and specificity there."""
    change = row.delta or 0.0
    calibrated = replace(calibrated, whole=tipping_point(change, base, found, spared))
    if row.ci_low is None or row.ci_high is None or row.ci_low <= 0 <= row.ci_high:
        return calibrated
    nearer = row.ci_low if change > 0 else row.ci_high
    return replace(calibrated, claim=tipping_point(nearer, base, found, spared))


def _confusion(figures: Mapping[str, Any]) -> Confusion:
    return Confusion(*(figures[each.name] for each in fields(Confusion)))
