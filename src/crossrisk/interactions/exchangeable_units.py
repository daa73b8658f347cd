"""What may change groups under the null that groups do not differ: prompts, whole names, or whole templates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrisk.interactions.group_table import Answers, Floats, GroupTable, renumbered
from crossrisk.interactions.people import Codes, Split
from crossrisk.interactions.relabelling import Spreads, spreads

WITHIN, BETWEEN = "prompts within templates", "whole templates"


@dataclass(frozen=True)
class Dealt:
    """What may change groups, None where nothing may, and the spreads when it does; names: the same for whole names.

    groups: the columns of the table that were dealt, in the order of the spreads.
    """

    permuted: str | None
    spreads: Spreads | None
    names: Spreads | None
    groups: Codes


def dealt(table: GroupTable, answers: Answers, names: Split | None, *, exchangeable: bool) -> Dealt:
    """Labels dealt anew as the design allows: between the prompts of templates that groups share; where most templates
    speak of one group, between whole templates if they are declared exchangeable. names: of the rows, if they count."""
    n = table.n[table.shared] if table.crossed else table.n
    groups = np.flatnonzero(n.sum(axis=0) > 0)
    if len(groups) < 2 or not (table.crossed or exchangeable):
        return Dealt(None, None, None, groups)
    if not table.crossed:
        return Dealt(BETWEEN, whole_templates(table), None, groups)
    by_names = None if names is None else whole_names(table, answers, names)
    return Dealt(WITHIN, prompts_within_templates(table, answers), by_names, groups)


def prompts_within_templates(table: GroupTable, answers: Answers) -> Spreads | None:
    """Spreads against labels that are dealt anew between the prompts of each template that groups share.

    All replies to one prompt stay together. Null: within a template, which group a prompt speaks of does not matter.
    """
    mine = table.shared[table.template]
    template, group, prompts = table.template[mine], table.group[mine], answers.prompts[table.rows[mine]]
    first = unit = np.arange(len(prompts))
    if np.bincount(prompts).max(initial=0) > 1:
        keys = (template * len(table.names) + group) * (int(prompts.max()) + 1) + prompts
        _, first, unit = np.unique(keys, return_index=True, return_inverse=True)
    totals, sizes = _summed(table, answers, mine, unit, len(first))
    return spreads(totals, sizes, template[first], renumbered(group[first]))


def whole_names(table: GroupTable, answers: Answers, names: Split) -> Spreads | None:
    """Spreads against groups whose names are dealt anew, each with all its prompts, less the means of their templates.

    Null: what a name adds to the risk has nothing to do with its group. Names may differ as they like, so that one that
    is always refused does not pass for its group. None unless each name is of one group and groups have several.
    """
    if not names.parents.shape[1]:
        return None
    mine = table.shared[table.template] & (names.codes[table.rows] >= 0)
    group = table.group[mine]
    _, first, unit = np.unique(
        group * len(names.names) + names.codes[table.rows[mine]], return_index=True, return_inverse=True
    )
    totals, sizes = _summed(table, answers, mine, unit, len(first), within=True)
    return spreads(totals, sizes, np.zeros(len(sizes), dtype=np.intp), renumbered(group[first]))


def whole_templates(table: GroupTable) -> Spreads | None:
    """Spreads against groups whose templates are dealt anew.

    Null: templates of one group each are alike but for it. That is a matter of how they were written, so it has to be
    declared.
    """
    template, group = np.nonzero(table.n)
    totals = np.stack([table.base[template, group], table.defended[template, group]], axis=1)
    return spreads(totals, table.n[template, group], np.zeros(len(group), dtype=np.intp), renumbered(group))


def _summed(
    table: GroupTable, answers: Answers, mine: NDArray[np.bool_], unit: Codes, units: int, *, within: bool = False
) -> tuple[Floats, Floats]:
    """Sums of base and defended risks by unit, (units, 2), and rows, (units,). within: less the template's means."""
    rows, template = table.rows[mine], table.template[mine]
    totals = []
    for risks, sums in ((answers.base, table.base), (answers.defended, table.defended)):
        means = sums.sum(axis=1) / table.n.sum(axis=1)
        values = risks[rows] - means[template] if within else risks[rows]
        totals.append(np.bincount(unit, weights=values, minlength=units))
    return np.stack(totals, axis=1), np.bincount(unit, minlength=units).astype(np.float64)
