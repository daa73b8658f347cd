"""Risk by risk: what defenses against one risk did to each risk, over their tasks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from crossrisk.interactions.corrections import benjamini_hochberg, holm
from crossrisk.interactions.paired import Interval
from crossrisk.interactions.questions.effects import RISKS, Effects
from crossrisk.interactions.questions.random_effects import RandomEffects, random_effects
from crossrisk.wording import counted, interval, points


@dataclass(frozen=True)
class RiskRow:
    """The mean change of the risk `measured` under defenses against the risk `aimed_at`. None: it does not exist.

    defense: the one that the row is about, None for all of this aim. cells, defenses, tasks: how many. mean: random
    effects. conditional_low, conditional_high, p: for these defenses on these tasks, where only prompts are a sample;
    p_adjusted: Holm over the off-target rows of all defenses of an aim, Benjamini-Hochberg over their own risks, None
    for single defenses. ci_low, ci_high: for tasks and defenses such as these. prediction_low, prediction_high: for the
    next one. tau2, i2: how much cells differ. One cell has its own interval and p, and nothing beyond.
    """

    aimed_at: str
    measured: str
    defense: str | None
    cells: int
    defenses: int
    tasks: int
    mean: float
    conditional_low: float | None
    conditional_high: float | None
    p: float | None
    p_adjusted: float | None
    ci_low: float | None
    ci_high: float | None
    prediction_low: float | None
    prediction_high: float | None
    tau2: float | None
    i2: float | None
    sentence: str


def risk_rows(effects: Effects, *, alpha: float = 0.05) -> list[RiskRow]:
    """Every pair of risks that was measured, and each defense of it where there are several.

    effects: of defenses, no controls. Estimator and its assumptions as in `random_effects`. Conditional: the same
    weights, taken as known, with the covariance of the cells; t with the fewest clusters - 1 degrees of freedom. Null
    of p: the weighted mean change is 0 for these defenses on these tasks. On conditional and random-effects inference:
    Hedges, Vevea (1998), Psychological Methods 3:486.
    """
    pairs = [(aimed_at, measured, between(effects, aimed_at, measured)) for aimed_at in RISKS for measured in RISKS]
    wholes = _adjusted([_row(*pair, None, alpha) for pair in pairs if len(pair[2])])
    rows = []
    for whole in wholes:
        rows.append(whole)
        cells = between(effects, whole.aimed_at, whole.measured)
        names = sorted({cell.defense for cell in cells.cells}) if whole.defenses > 1 else []
        for name in names:
            of_one = cells.where(lambda cell, name=name: cell.defense == name)  # type: ignore[misc]
            rows.append(_row(whole.aimed_at, whole.measured, of_one, name, alpha))
    return rows


def between(effects: Effects, aimed_at: str, measured: str) -> Effects:
    """The cells of one risk under the defenses against one."""
    return effects.where(lambda cell: cell.target_risk == aimed_at and cell.risk == measured)


def pooled(cells: Effects, alpha: float) -> RandomEffects:
    """The random-effects mean of cells of one kind."""
    return random_effects(
        cells.deltas,
        cells.covariance,
        defenses=[cell.defense for cell in cells.cells],
        tasks=[cell.question for cell in cells.cells],
        alpha=alpha,
    )


def _row(aimed_at: str, measured: str, cells: Effects, defense: str | None, alpha: float) -> RiskRow:
    found = pooled(cells, alpha)
    contrast = cells.contrast(found.weights, alpha=alpha)
    conditional: Interval | None = contrast.within(1.0)
    p: float | None = contrast.p
    if len(cells) == 1:
        (cell,) = cells.cells
        conditional, p = cell.interval, cell.p
    low, high = conditional or (None, None)
    sure, predicted = found.interval or (None, None), found.prediction or (None, None)
    defenses, tasks = ({getattr(cell, name) for cell in cells.cells} for name in ("defense", "question"))
    row = RiskRow(
        aimed_at=aimed_at,
        measured=measured,
        defense=defense,
        cells=len(cells),
        defenses=len(defenses),
        tasks=len(tasks),
        mean=found.mean,
        conditional_low=low,
        conditional_high=high,
        p=p,
        p_adjusted=None,
        ci_low=sure[0],
        ci_high=sure[1],
        prediction_low=predicted[0],
        prediction_high=predicted[1],
        tau2=found.tau2,
        i2=found.i2,
        sentence="",
    )
    return replace(row, sentence=_sentence(row, sorted(defenses)))


def _adjusted(rows: Sequence[RiskRow]) -> list[RiskRow]:
    found = list(rows)
    for method, own in ((holm, False), (benjamini_hochberg, True)):
        places = [place for place, row in enumerate(rows) if (row.aimed_at == row.measured) == own]
        for place, p in zip(places, method([rows[place].p for place in places]), strict=True):
            found[place] = replace(rows[place], p_adjusted=p)
    return found


def _sentence(row: RiskRow, names: Sequence[str]) -> str:
    who = f"{names[0]} (against {row.aimed_at}) moves" if len(names) == 1 else f"Defenses against {row.aimed_at} move"
    here = interval(row.conditional_low, row.conditional_high)
    said = f"{who} {row.measured} by {points(row.mean)} points {here}"
    if row.cells == 1:
        return f"{said}: one cell with its own interval, which says nothing of other tasks or defenses."
    beyond = " and ".join(kind for kind, n in (("tasks", row.tasks), ("defenses", row.defenses)) if n > 1)
    return (
        f"{said} on average over {counted(row.tasks, 'task')} and {counted(row.defenses, 'defense')}; "
        f"for {beyond} such as these {interval(row.ci_low, row.ci_high)}."
    )
