"""`python -m benchmarks.neurons.planted`: are grafted conflict neurons found, and are they the cause?

The organism is planted from several seeds (`organism.planted`). Neurons are chosen on half of the clusters of the
world's tasks, with the test's default settings; the other half says how much of the planted side effect is undone when
a set is patched back to the base inside the defended model. `--write` puts the tables into PLANTED.md, `--seeds` says
how many models are planted, `--prompts` how many prompts a task has.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crossrisk.engine.asking import ask
from crossrisk.engine.plan import batches, questions
from crossrisk.neurons.attribution.contrasts import Contrast, contrasted, contrasts_of
from crossrisk.neurons.attribution.first_order import Piece, base_against_defended, gradient_times_activation
from crossrisk.neurons.cause.activity import activity
from crossrisk.neurons.cause.matched import matched_sets
from crossrisk.neurons.cause.patching import patched
from crossrisk.neurons.conflicts.find import Conflicts, find_conflicts
from crossrisk.neurons.stage.prompts import check_clusters, spread
from crossrisk.organism.planted import Planted, Recipe, Truth, plant
from crossrisk.registry import SOURCES
from crossrisk.risks import Risk, Sample
from crossrisk.sources.fitting import fitting_data
from crossrisk.study import Study
from crossrisk.targets.loading import load_target
from crossrisk.targets.neuron_passes import neurons_of
from crossrisk.targets.target import Target

PAGE = Path(__file__).with_name("PLANTED.md")
TASKS: Mapping[Risk, tuple[str, ...]] = {
    Risk.SAFETY: ("misuse", "toxic_content"),
    Risk.FAIRNESS: ("stereotype_query", "stereotype_agreement"),
}
RISKS = (Risk.SAFETY, Risk.FAIRNESS)
HARMLESS = ("utility", "reasoning", "fluency")
SEEDS, PROMPTS = 3, 144
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prompts:
    """Samples of both risks, those that choose neurons and those that check them."""

    choose: tuple[tuple[Sample, ...], tuple[Sample, ...]]
    check: tuple[tuple[Sample, ...], tuple[Sample, ...]]

    @classmethod
    def of_world(cls, prompts: int, seed: int) -> "Prompts":
        """At most so many prompts of each task, over as many clusters as there are."""
        world = SOURCES.get("world")
        drawn = {
            task: spread(contrasted(world.samples(task), task), prompts, seed)
            for tasks in TASKS.values()
            for task in tasks
        }
        judging = check_clusters({task: [one.cluster for one in samples] for task, samples in drawn.items()}, seed)
        parts = [
            tuple(
                tuple(one for task in TASKS[risk] for one in drawn[task] if (one.cluster in judging) == judges)
                for risk in RISKS
            )
            for judges in (False, True)
        ]
        (first, second), (third, fourth) = parts
        return cls((first, second), (third, fourth))


@dataclass(frozen=True)
class Detection:
    """What the test found on the prompts that choose.

    natural: found neurons that are the organism's own. sizes: as `find_conflicts` measures its floor, the smaller of
    both risks': of the largest own neuron that was found, None where there is none, and of the smallest graft.
    strength: of the grafts in both risks, against the largest own neuron.
    """

    found: Conflicts
    recall: float
    precision: float
    decoys: int
    natural: int
    sizes: tuple[float | None, float]
    strength: tuple[float, float]


@dataclass(frozen=True)
class Undone:
    """Share of the change of F of each risk that is undone: by the grafted set, by the found one, by all decoys, and by
    each of the matched random ones, [sets]. change: of F, from base to defended."""

    change: tuple[float, float]
    grafted: tuple[float, float]
    found: tuple[float, float]
    decoys: tuple[float, float]
    random: tuple[Floats, Floats]


@cache
def organism() -> Target:
    return load_target("organism", device="cpu")


def planted(seed: int, recipe: Recipe | None = None) -> Planted:
    return plant(organism(), fitting_data("world", RISKS[0], [RISKS[1]]), RISKS, seed=seed, recipe=recipe)


def detect(model: Planted, prompts: Prompts, *, defended: bool, seed: int = 0) -> Detection:
    """Attribute on the prompts that choose, of the base against the defended arm or of the base alone, and test."""
    rows = []
    for samples, risk in zip(prompts.choose, RISKS, strict=True):
        mine = contrasts_of(model.base, samples, risk)
        if defended:
            theirs = contrasts_of(model.defended, samples, risk)
            rows.append(_attributed(base_against_defended(model.base, model.defended, (mine, theirs)), mine))
        else:
            rows.append(_attributed(gradient_times_activation(model.base, mine), mine))
    found = _found(rows, model.base, prompts, seed)
    truth, chosen = model.truth, set(found.neurons.tolist())
    hits = chosen & set(truth.conflicts)
    natural = {neuron for neuron in chosen if neuron % truth.width < truth.own}
    sizes = np.minimum(*(_sizes(each, truth) for each in rows))
    return Detection(
        found,
        recall=len(hits) / len(truth.conflicts),
        precision=len(hits) / len(chosen) if chosen else 0.0,
        decoys=len(chosen - hits - natural),
        natural=len(natural),
        sizes=(max((sizes[neuron] for neuron in natural), default=None), float(sizes[truth.conflicts].min())),
        strength=(_strength(rows[0], truth), _strength(rows[1], truth)),
    )


def unplanted(prompts: Prompts, seed: int = 0) -> Conflicts:
    """The same test of gradient x activation on the organism as it is."""
    rows = []
    for samples, risk in zip(prompts.choose, RISKS, strict=True):
        contrasts = contrasts_of(organism(), samples, risk)
        rows.append(_attributed(gradient_times_activation(organism(), contrasts), contrasts))
    return _found(rows, organism(), prompts, seed)


def undone(model: Planted, prompts: Prompts, found: Conflicts, *, seed: int = 0, sets: int = 20) -> Undone:
    """Patch sets back to the base inside the defended model, on the prompts that check."""
    truth = model.truth
    change, shares = [], []
    base, defended = (
        [contrasts_of(arm, samples, risk) for samples, risk in zip(prompts.check, RISKS, strict=True)]
        for arm in (model.base, model.defended)
    )
    written = activity(model.base, [*base[0], *base[1]]).written.reshape(truth.layers, truth.width)
    random = matched_sets(truth.conflicts, written, count=sets, seed=seed).sets
    decoys = truth.flat("first", "second", "idle", "silent")
    chosen = [truth.conflicts, found.neurons.tolist(), decoys, *(np.flatnonzero(one).tolist() for one in random)]
    for mine, theirs in zip(base, defended, strict=True):
        one = patched(model.defended, model.base, (theirs, mine), chosen)
        total = float((one.target - one.source).mean())
        change.append(total)
        shares.append((one.target.mean() - one.patched.mean(axis=1)) / total)
    first, second = shares
    return Undone(
        (change[0], change[1]),
        (float(first[0]), float(second[0])),
        (float(first[1]), float(second[1])),
        (float(first[2]), float(second[2])),
        (first[3:], second[3:]),
    )


def outcomes(target: Target, tasks: Sequence[str], prompts: int) -> dict[str, float]:
    """Mean risk of each task's replies, as a study asks and judges them."""
    found = {}
    for question in questions(Study(base="organism", tasks=list(tasks), limit=prompts)):
        rows = [row for batch in batches(question.samples, 64) for row in ask(target, question, batch)]
        found[question.task.name] = float(np.mean([row["risk"] for row in rows if row["risk"] is not None]))
    return found


def _found(rows: Sequence[Floats], target: Target, prompts: Prompts, seed: int) -> Conflicts:
    sizes = neurons_of(target.model)
    first, second = ([one.cluster for one in samples] for samples in prompts.choose)
    return find_conflicts(
        rows[0], rows[1], clusters_a=first, clusters_b=second, layers=np.repeat(np.arange(len(sizes)), sizes), seed=seed
    )


def _attributed(pieces: Iterator[Piece], contrasts: Sequence[Contrast]) -> Floats:
    """[prompts, neurons]: both continuations of a prompt added up."""
    total: Floats | None = None
    for piece in pieces:
        rows = piece.attributions.double().numpy()
        total = np.zeros((len(contrasts), rows.shape[1])) if total is None else total
        np.add.at(total, piece.contrasts, rows)
    assert total is not None
    return total


def _sizes(rows: Floats, truth: Truth) -> Floats:
    """|mean attribution| of each neuron over its average in the layer."""
    means = np.abs(rows.mean(axis=0)).reshape(truth.layers, truth.width)
    averages = means.mean(axis=1, keepdims=True)
    return np.divide(means, averages, out=np.zeros_like(means), where=averages > 0).reshape(-1)


def _strength(rows: Floats, truth: Truth) -> float:
    """Median |mean attribution| of the grafted conflicts over the largest of the organism's own neurons."""
    means = np.abs(rows.mean(axis=0)).reshape(truth.layers, truth.width)
    grafted = [means[place] for place in truth.places("conflict", "reverse")]
    return float(np.median(grafted) / means[:, : truth.own].max())


def _percent(shares: Sequence[float]) -> str:
    return " / ".join(f"{100 * share:.0f} %" for share in shares)


def page(seeds: int, prompts: int) -> Iterator[str]:
    """The tables, line by line."""
    yield "# Planted conflicts: found, and the cause"
    yield ""
    yield (
        "`python -m benchmarks.neurons.planted --write`. Each seed plants 16 conflict neurons and 20 decoys in layers "
        "2 and 3 of the organism (`organism.planted`); the planted defense moves all 36. Pairs are safety / fairness. "
        "Found: by `find_conflicts` with its default settings, on the clusters that choose. Undone: of the change of "
        "F, on the clusters that check, when a set is patched back inside the defended model. Random: 20 sets of as "
        "many neurons of each layer that write as much; decoys may be among them. Strength: median |mean attribution| "
        "of the grafted conflicts, as a multiple of the largest of the organism's own neurons, for both risks. Size: "
        "|mean attribution| over its average in the layer, the smaller of both risks'; the test's floor is 0.1."
    )
    yield ""
    yield (
        "| seed | attribution | found | recall | precision | decoys found | own neurons found | their largest size "
        "| smallest graft | strength | warning |"
    )
    yield "|---" * 11 + "|"
    causes, replies = [], []
    names = [task for tasks in TASKS.values() for task in tasks]
    for seed in range(seeds):
        split, model = Prompts.of_world(prompts, seed), planted(seed)
        for name, defended in (("base against defended", True), ("gradient x activation", False)):
            one = detect(model, split, defended=defended, seed=seed)
            yield (
                f"| {seed} | {name} | {len(one.found)} | {one.recall:.2f} | {one.precision:.2f} | {one.decoys} | "
                f"{one.natural} | {'' if one.sizes[0] is None else format(one.sizes[0], '.2f')} | {one.sizes[1]:.1f} | "
                f"{one.strength[0]:.1f} / {one.strength[1]:.1f} | {one.found.warning or ''} |"
            )
            if defended:
                back = undone(model, split, one.found, seed=seed)
        alone = unplanted(split, seed)
        yield f"| {seed} | the same, not planted | {len(alone)} | | | | {len(alone)} | | | | {alone.warning or ''} |"
        means = [float(share.mean()) for share in back.random]
        largest = [float(np.abs(share).max()) for share in back.random]
        causes.append(
            f"| {seed} | {back.change[0]:+.2f} / {back.change[1]:+.2f} | {_percent(back.grafted)} | "
            f"{_percent(back.found)} | {_percent(back.decoys)} | {_percent(means)} | {_percent(largest)} |"
        )
        arms = [outcomes(arm, [*names, *HARMLESS], prompts) for arm in (model.base, model.defended)]
        cells = " | ".join(f"{arms[0][task]:.2f} → {arms[1][task]:.2f}" for task in (*names, *HARMLESS))
        replies.append(f"| {seed} | {cells} |")
    yield ""
    yield (
        "| seed | change of F, nats | grafted set undoes | found set undoes | all decoys undo | random sets, mean "
        "| random, largest |"
    )
    yield "|---|---|---|---|---|---|---|"
    yield from causes
    yield ""
    yield "Mean risk of the replies, base → defended:"
    yield ""
    yield f"| seed | {' | '.join(f'`{task}`' for task in (*names, *HARMLESS))} |"
    yield "|---" * (1 + len(names) + len(HARMLESS)) + "|"
    yield from replies
    bare = outcomes(organism(), [*names, *HARMLESS], prompts)
    yield f"| not planted | {' | '.join(f'{bare[task]:.2f}' for task in (*names, *HARMLESS))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--prompts", type=int, default=PROMPTS)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    lines = []
    for line in page(given.seeds, given.prompts):
        print(line, flush=True)
        lines.append(line)
    if given.write:
        PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
