"""The same replies under other judges: which verdicts of a study hang on who judged.

What other judges said of a reply stands among its measures: `vote KIND:GRADE` where several judges voted, `opinion
KIND:GRADE` where the study asked for second opinions. Under each of them all interactions are computed anew, in the
same families; cells on which a judge said nothing keep the study's own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import polars as pl

from crossrisk.interactions.families import Exploration, Family
from crossrisk.interactions.matrix import CellPair, interaction_rows
from crossrisk.interactions.rows import InteractionRow

MARKS = ("opinion ", "vote ")
OWN = "the study's"
FEWEST = 3  # cells, for a rank correlation


@dataclass(frozen=True)
class Agreement:
    """How two sets of rows agree on the cells that both measured. None: undefined.

    changed: cells whose verdict differs, as `defense/task:source: verdict, other verdict`. kendall_tau (b), spearman:
    of the differences. largest_difference: between two differences of one cell.
    """

    cells: int
    changed: tuple[str, ...]
    kendall_tau: float | None
    spearman: float | None
    largest_difference: float | None


@dataclass(frozen=True)
class OpinionRow:
    """One pair of judges of a kind, as `judges.json` has it under `opinions`. Fields as in `Agreement`.

    judges: of the first; `the study's` names whoever the study lets judge.
    """

    kind: str
    judge: str
    other: str
    cells: int
    verdicts_changed: int
    changed: tuple[str, ...]
    kendall_tau: float | None
    spearman: float | None
    largest_difference: float | None


def agreement_of_rows(first: Sequence[InteractionRow], second: Sequence[InteractionRow]) -> Agreement:
    """Compare two lists of rows, cell by cell: under two judges, or of two studies.

    Cells are matched by defense, task and source; those without a difference in either list are left out. Rank
    correlations tell whether both put the cells in the same order of change; they are None for fewer than three cells,
    and where all differences of a list are equal. Cells share prompts and bases, so no p is given. Kendall (1945),
    Biometrika 33:239 (tau-b); Spearman (1904), American Journal of Psychology 15:72.
    """
    others = {_place(row): row for row in second if row.delta is not None}
    pairs = [(row, others[_place(row)]) for row in first if row.delta is not None and _place(row) in others]
    deltas = [(row.delta or 0.0, other.delta or 0.0) for row, other in pairs]
    changed = [f"{_name(row)}: {row.verdict}, {other.verdict}" for row, other in pairs if row.verdict != other.verdict]
    tau, rho = _rank_correlations(deltas)
    return Agreement(
        cells=len(pairs),
        changed=tuple(sorted(changed)),
        kendall_tau=tau,
        spearman=rho,
        largest_difference=max((abs(one - other) for one, other in deltas), default=None),
    )


def opinion_rows(
    pairs: Sequence[CellPair],
    rows: Sequence[InteractionRow],
    *,
    alpha: float = 0.05,
    margin: float = 0.05,
    smallest_effect: float = 0.0,
    primary: Family | None = None,
    exploration: Exploration = "BH",
) -> list[OpinionRow]:
    """Every two judges of a kind on the cells that both scored, the study's own first. None without other judges.

    rows: of `interaction_rows` of the same pairs. A headline that is no mean of risks is left out.
    """
    told = [_opinions(pair) for pair in pairs]
    names = sorted({name for each in told for name in each})
    under = {
        name: interaction_rows(
            [_judged_by(name, pair, each) for pair, each in zip(pairs, told, strict=True)],
            alpha=alpha,
            margin=margin,
            smallest_effect=smallest_effect,
            primary=primary,
            exploration=exploration,
        )
        for name in names
    }
    found = []
    for kind in sorted({name.partition(":")[0] for name in names}):
        of_kind = [name for name in names if name.partition(":")[0] == kind]
        for judge, other in combinations([OWN, *of_kind], 2):
            scored = [place for place, each in enumerate(told) if {judge, other} - {OWN} <= each.keys()]
            lists = [[(rows if name == OWN else under[name])[place] for place in scored] for name in (judge, other)]
            agreement = agreement_of_rows(*lists)
            own = "+".join(sorted({str(rows[place].judge) for place in scored}))
            found.append(
                OpinionRow(
                    kind=kind,
                    judge=f"{OWN} ({own})" if judge == OWN else judge,
                    other=other,
                    cells=agreement.cells,
                    verdicts_changed=len(agreement.changed),
                    changed=agreement.changed,
                    kendall_tau=agreement.kendall_tau,
                    spearman=agreement.spearman,
                    largest_difference=agreement.largest_difference,
                )
            )
    return [row for row in found if row.cells]


def _opinions(pair: CellPair) -> dict[str, tuple[list[float | None], list[float | None]]]:
    """judge -> risks of the base's replies and of the defended ones; only judges that spoke on both arms."""
    if pair.base is None or pair.defended is None or pair.statistic is not None:
        return {}
    base, defended = _told(pair.base), _told(pair.defended)
    return {name: (base[name], defended[name]) for name in base if name in defended}


def _told(frame: pl.DataFrame) -> Mapping[str, list[float | None]]:
    if "measures" not in frame.columns or not frame["measures"].str.contains('"(opinion|vote) ').any():
        return {}
    measures = [json.loads(text) for text in frame["measures"]]
    keys = {key for row in measures for key in row if key.startswith(MARKS)}
    return {key.partition(" ")[2]: [row.get(key) for row in measures] for key in sorted(keys)}


def _judged_by(
    name: str, pair: CellPair, told: Mapping[str, tuple[list[float | None], list[float | None]]]
) -> CellPair:
    """The pair with another judge's risks; as it is where that judge said nothing."""
    if name not in told:
        return pair
    base, defended = (
        None if frame is None else _with_risks(frame, risks, name)
        for frame, risks in zip((pair.base, pair.defended), told[name], strict=True)
    )
    return replace(pair, base=base, defended=defended, judge=name)


def _with_risks(frame: pl.DataFrame, risks: Sequence[float | None], judge: str) -> pl.DataFrame:
    risk = pl.Series("risk", risks, dtype=pl.Float64)
    return frame.with_columns(risk, risk.is_not_null().alias("valid"), pl.lit(judge).alias("judge"))


def _rank_correlations(deltas: Sequence[tuple[float, float]]) -> tuple[float | None, float | None]:
    ones, others = [one for one, _ in deltas], [other for _, other in deltas]
    if len(deltas) < FEWEST or len(set(ones)) == 1 or len(set(others)) == 1:
        return None, None
    from scipy.stats import kendalltau, spearmanr

    return float(kendalltau(ones, others).statistic), float(spearmanr(ones, others).statistic)


def _place(row: InteractionRow) -> tuple[str, str, str]:
    return row.defense, row.task, row.source


def _name(row: InteractionRow) -> str:
    return f"{row.defense}/{row.task}:{row.source}"
