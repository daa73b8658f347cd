"""The kind of change against the risk it aims at: which of the two do side effects go with?

One kernel run for several risks (the grid of mechanisms and risks) separates the two; a study in which every mechanism
serves one risk cannot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from crossrisk.interactions.clustered import cluster_codes
from crossrisk.interactions.effect import ROUNDING
from crossrisk.interactions.paired import Interval
from crossrisk.interactions.questions.effects import RISKS, Effects
from crossrisk.interactions.questions.random_effects import Floats
from crossrisk.wording import counted, interval, percent, points

FACTORS = ("measured task", "mechanism", "aimed-at risk")


@dataclass(frozen=True)
class MechanismRow:
    """Defenses of one mechanism against one risk: their mean off-target change and their mean gain.

    harm: mean change of off-target cells, a defense's cells counting alike and then the defenses. gain: mean fall of
    their own risk, likewise. Intervals are conditional: for these defenses on these tasks. None: not measured.
    """

    mechanism: str
    aimed_at: str
    defenses: int
    harm: float | None
    harm_low: float | None
    harm_high: float | None
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    sentence: str


@dataclass(frozen=True)
class ShareRow:
    """Share of the variance of off-target changes that goes with one factor.

    by_chance: the share that it would have on average if labels meant nothing to the defenses, None for what is no
    label of a defense. noise: of the whole variance, what prompts alone account for.
    """

    factor: str
    share: float
    by_chance: float | None
    noise: float
    sentence: str


def mechanism_rows(effects: Effects, *, alpha: float = 0.05) -> list[MechanismRow]:
    """The two-way table, one row for each mechanism and risk that the study has. effects: of defenses, no controls."""
    places = {(cell.mechanism, cell.target_risk) for cell in effects.cells if cell.target_risk is not None}
    return [_row(effects, *place, alpha) for place in sorted(places, key=lambda at: (at[0], RISKS.index(at[1])))]


def share_rows(effects: Effects) -> list[ShareRow]:
    """How the variance of off-target changes divides over what was measured, mechanism, aimed-at risk, and the rest.

    effects: of defenses, no controls. Estimator: explained sums of squares of the additive model of the cells, a
    factor's averaged over all orders in which the factors can enter (Lindeman, Merenda, Gold 1980; Groemping 2006,
    Journal of Statistical Software 17:1), then what the single defense adds, then the rest; they add up to 1.
    `by_chance`: defenses differ, so a factor with many levels explains much of it by itself; of what lies between
    defenses it takes levels - 1 of defenses - 1 parts if labels mean nothing. A description of these cells, no test.

    Degenerate, no rows: what `undivided` tells.
    """
    if undivided(effects):
        return []
    cells = effects.where(lambda cell: cell.off_target)
    labels = _labels(cells)
    shares = _shares(cells.deltas, labels)
    shares["rest"] = max(0.0, 1 - sum(shares.values()))
    between = sum(shares[name] for name in ("mechanism", "aimed-at risk", "single defense"))
    levels = {name: len(set(column)) for name, column in labels.items()}
    chance: dict[str, float] = {
        name: between * (levels[name] - 1) / (levels["single defense"] - 1) for name in ("mechanism", "aimed-at risk")
    }
    noise = _noise(cells)
    return [
        ShareRow(name, shares[name], chance.get(name), noise, _share_sentence(name, shares[name], chance.get(name)))
        for name in shares
    ]


def undivided(effects: Effects) -> str:
    """Why the variance of off-target changes cannot be divided; nothing where it can.

    It takes two mechanisms and two risks aimed at, defenses that tell them apart (not every mechanism with one risk),
    one defense more than that needs, and changes that differ.
    """
    cells = effects.where(lambda cell: cell.off_target)
    labels = _labels(cells)
    if len(set(labels["mechanism"])) < 2:
        return "its off-target cells are of fewer than two mechanisms"
    if len(set(labels["aimed-at risk"])) < 2:
        return "its off-target cells are of defenses against one risk"
    rank = np.linalg.matrix_rank(_design(labels, FACTORS))
    if rank < 1 + sum(len(set(labels[name])) - 1 for name in FACTORS):
        return "mechanism, aimed-at risk and measured task cannot be told apart in this choice of defenses"
    if np.linalg.matrix_rank(_design(labels, tuple(labels))) == rank:
        return "there are no more defenses than it takes to tell mechanisms and risks apart"
    return "all its off-target changes are alike" if np.ptp(cells.deltas) < ROUNDING else ""


def _labels(cells: Effects) -> dict[str, list[str]]:
    return {
        "measured task": [cell.question for cell in cells.cells],
        "mechanism": [cell.mechanism for cell in cells.cells],
        "aimed-at risk": [str(cell.target_risk) for cell in cells.cells],
        "single defense": [cell.defense for cell in cells.cells],
    }


def _row(effects: Effects, mechanism: str, aimed_at: str, alpha: float) -> MechanismRow:
    place = (mechanism, aimed_at)
    names = sorted({cell.defense for cell in effects.cells if (cell.mechanism, cell.target_risk) == place})
    harm, harm_at = _mean(effects, names, 1.0, alpha, own=False)
    gain, gain_at = _mean(effects, names, -1.0, alpha, own=True)
    who = f"{counted(len(names), 'defense')} by {mechanism} against {aimed_at} ({', '.join(names)})"
    return MechanismRow(
        mechanism=mechanism,
        aimed_at=aimed_at,
        defenses=len(names),
        harm=harm,
        harm_low=None if harm_at is None else harm_at.low,
        harm_high=None if harm_at is None else harm_at.high,
        gain=gain,
        gain_low=None if gain_at is None else gain_at.low,
        gain_high=None if gain_at is None else gain_at.high,
        sentence=f"{who}: other risks {_said(harm, harm_at)}, gain on their own risk {_said(gain, gain_at)}.",
    )


def _mean(
    effects: Effects, names: Sequence[str], sign: float, alpha: float, *, own: bool
) -> tuple[float | None, Interval | None]:
    """Mean over the cells of a defense that are about its own risk, or about others, then over defenses."""
    of_each = [
        effects.mean_of(lambda cell, name=name: cell.defense == name and cell.own == own)  # type: ignore[misc]
        for name in names
    ]
    known = [weights for weights in of_each if weights is not None]
    if not known:
        return None, None
    contrast = effects.contrast(sign * np.mean(known, axis=0), alpha=alpha)
    return contrast.estimate, contrast.within(1.0)


def _design(labels: Mapping[str, Sequence[str]], factors: Sequence[str]) -> Floats:
    """A column of ones, and one for every level of every factor."""
    columns = [np.ones((len(labels["mechanism"]), 1))]
    for name in factors:
        codes = cluster_codes(list(labels[name]))
        columns.append(np.eye(int(codes.max()) + 1)[codes])
    return np.hstack(columns)


def _shares(deltas: Floats, labels: Mapping[str, Sequence[str]]) -> dict[str, float]:
    def explained(factors: Sequence[str]) -> float:
        design = _design(labels, factors)
        fitted = design @ np.linalg.lstsq(design, deltas, rcond=None)[0]
        return float(1 - ((deltas - fitted) ** 2).sum() / ((deltas - deltas.mean()) ** 2).sum())

    orders = list(permutations(FACTORS))
    shares = dict.fromkeys(FACTORS, 0.0)
    for order in orders:
        for place, name in enumerate(order):
            gained = explained(order[: place + 1]) - explained(order[:place])
            shares[name] += max(0.0, gained) / len(orders)
    return shares | {"single defense": max(0.0, explained(tuple(labels)) - explained(FACTORS))}


def _noise(cells: Effects) -> float:
    """Expected part of the sum of squares that comes from prompts alone."""
    n = len(cells)
    expected = float(np.trace(cells.covariance) - cells.covariance.sum() / n)
    return min(1.0, expected / float(((cells.deltas - cells.deltas.mean()) ** 2).sum()))


def _said(value: float | None, at: Interval | None) -> str:
    return f"{points(value)} points {interval(*at)}" if at is not None else "not measured"


def _share_sentence(name: str, share: float, chance: float | None) -> str:
    said = f"{percent(share, 0)}% of the variance of off-target changes goes with the {name}"
    return f"{said} ({percent(chance, 0)}% would by chance)." if chance is not None else f"{said}."
