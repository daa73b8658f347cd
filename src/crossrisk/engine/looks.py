"""How a study with a stopping rule asks one question: look by look, the same prompts in the same batches in every arm.

Prompts come in the rule's random order. A look is as many of them as the rule says (clusters are never cut); within a
look, batches hold prompts of like length as everywhere. Base and controls are asked in full.
"""

from collections.abc import Callable, Iterator
from itertools import groupby

import polars as pl

from crossrisk.cache import digest
from crossrisk.engine.plan import Cell, Question, batches, cell
from crossrisk.engine.store import Store
from crossrisk.stopping import Rule
from crossrisk.tasks.task import Generate, Task

RULE_VERSION = 1  # raise it whenever a rule can stop elsewhere than before


def in_full(task: Task) -> str | None:
    """Why a task is asked in full, whatever the rule; None where the rule holds."""
    metric, ask = task.metric, task.ask
    if metric.statistic is not None:
        return f"its {metric.name} is no mean of risks"
    if metric.crossed:
        return "it compares prompts within a template"
    if isinstance(ask, Generate) and ask.attempts > 1:
        return "it asks every prompt several times"
    return None


def planned_cell(
    arm: str, fingerprint: str, question: Question, batch_size: int, rule: Rule | None, stops: bool
) -> Cell:
    """The cell of one arm and one question under a rule. stops: whether the rule may end it; base and controls, no."""
    if rule is None or in_full(question.task) is not None:
        return cell(arm, fingerprint, question, batch_size)
    plan = ["looks", rule.look, rule.whole_clusters, rule.seed]
    decision = [RULE_VERSION, rule.estimand, rule.at_least, rule.alpha, rule.margin, rule.smallest_effect, rule.claims]
    key = digest(fingerprint, question.key, batch_size, plan, *([decision] if stops else []))
    cut: list[tuple[int, ...]] = []
    ends: list[int] = []
    for prompts in looks(question, rule):
        cut += [
            tuple(prompts[place] for place in batch)
            for batch in batches(tuple(question.samples[index] for index in prompts), batch_size)
        ]
        ends.append(len(cut))
    return Cell(arm, question, key, tuple(cut), tuple(ends) if stops else ())


def looks(question: Question, rule: Rule) -> list[list[int]]:
    """Indices of the samples that are asked between one look and the next, in the rule's order."""
    samples = question.samples
    order = rule.order([sample.id for sample in samples], [sample.cluster for sample in samples])
    units = [[index] for index in order]
    if rule.whole_clusters:
        units = [list(unit) for _, unit in groupby(order, key=lambda index: samples[index].cluster)]
    found: list[list[int]] = []
    for unit in units:
        if not found or len(found[-1]) >= rule.look:
            found.append([])
        found[-1] += unit
    return found


def until_decided(store: Store, planned: Cell, decided: Callable[[pl.DataFrame], bool]) -> Iterator[int]:
    """Numbers of the batches that a cell still lacks, one look after the other, until it is decided.

    decided: whether the rows of all looks so far suffice. Whoever takes a number writes that batch before asking for
    the next one. A cell that is decided before its end becomes a file of the rows that it has.
    """
    missing = set(store.missing_batches(planned))
    if not missing:
        return
    rows: list[pl.DataFrame] = []
    for end in planned.looks:
        for number in range(len(rows), end):
            if number in missing:
                yield number
            if end < len(planned.batches):  # the last batch of all has made the cell complete
                rows.append(store.read_batch(planned, number))
        if end < len(planned.batches) and decided(pl.concat(rows)):
            store.stop(planned, end)
            return
