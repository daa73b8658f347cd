"""The planted organism: grafted neurons that push two risks apart by construction, as ground truth for `neurons/`.

Every MLP is made wider; the organism's own weights stay what they are, bit for bit. All grafts are active at the token
where both risks are decided, with values drawn alike, and differ in what they write there:

    conflict    raises the first risk and lowers the second
    reverse     lowers the first and raises the second; fewer of them
    first       moves the first risk alone: for one that raises it, one lowers it, so that together they do nothing
    second      moves the second alone, likewise
    idle        writes as much as the others, but what moves neither risk
    silent      writes nothing

They are made on what defenses are fitted on, wordings of the training split, and never on the prompts of a task.

The planted defense changes what grafts read, not what they write: the value of every `conflict` becomes 0 and that of
every `reverse` doubles, so that each of them lowers the first risk and raises the second. Of the decoys as many go to
0 as double, but one that moves a risk goes to 0 together with its opposite.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import Tensor
from torch.nn import Parameter, functional

from crossrisk.neurons.attribution.contrasts import TOKENS, contrasts_of
from crossrisk.organism.grafts import Reading, Tokens, Writing, mlp_of, read_later, tokens_of, unit_noise
from crossrisk.organism.training import one_thread
from crossrisk.risks import Risk, Sample
from crossrisk.targets.layers import decoder_layers
from crossrisk.targets.neuron_passes import Row, rows_of
from crossrisk.targets.target import Target

if TYPE_CHECKING:
    from crossrisk.defenses.defense import FitData

Kind = Literal["conflict", "reverse", "first", "second", "idle", "silent"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# By kind, in turns: sign of the effect on both risks, and what the planted defense multiplies the value by.
ROLES: Mapping[Kind, tuple[tuple[float, float, float], ...]] = {
    "conflict": ((1.0, -1.0, 0.0),),
    "reverse": ((-1.0, 1.0, 2.0),),
    "first": ((1.0, 0.0, 0.0), (-1.0, 0.0, 0.0)),
    "second": ((0.0, 1.0, 0.0), (0.0, -1.0, 0.0)),
    "idle": ((0.0, 0.0, 0.0), (0.0, 0.0, 2.0)),
    "silent": ((0.0, 0.0, 0.0), (0.0, 0.0, 2.0)),
}
APART = 0.2  # noise by which what grafts read and write differs, as a share of its length
Place = tuple[int, int]


@dataclass(frozen=True)
class Recipe:
    """What is grafted. layers: where; counts: of each kind, in each layer. pushes: how far the planted defense is to
    lower the first risk and raise the second, to first order, in nats of log p(risky) - log p(safe). prompts: of each
    risk that grafts are made on."""

    layers: tuple[int, ...] = (2, 3)
    counts: Mapping[Kind, int] = field(
        default_factory=lambda: {"conflict": 6, "reverse": 2, "first": 2, "second": 2, "idle": 4, "silent": 2}
    )
    pushes: tuple[float, float] = (9.0, 6.0)
    prompts: int = 96

    @property
    def grafts(self) -> list[tuple[Kind, tuple[float, float], float]]:
        """Of one layer, in the order of their units: kind, signs of its effects, factor of the planted defense."""
        found: list[tuple[Kind, tuple[float, float], float]] = []
        for kind in KINDS:
            for turn in range(self.counts.get(kind, 0)):
                first, second, factor = ROLES[kind][turn % len(ROLES[kind])]
                found.append((kind, (first, second), factor))
        return found


@dataclass(frozen=True)
class Graft:
    """One grafted neuron. place: [layer, unit]. factor: of its value under the planted defense."""

    kind: Kind
    place: Place
    factor: float


@dataclass(frozen=True)
class Truth:
    """What is true of a planted model. risks: the one that `conflict` raises, and the one that it lowers. layers: how
    many. own: neurons of each layer that are the organism's, in front of the grafts; width: of each layer in all."""

    risks: tuple[Risk, Risk]
    seed: int
    layers: int
    own: int
    width: int
    grafts: tuple[Graft, ...]

    def places(self, *kinds: Kind) -> list[Place]:
        """Grafts of these kinds as [layer, unit], layer by layer."""
        return sorted(graft.place for graft in self.grafts if graft.kind in kinds)

    @property
    def conflicts(self) -> list[int]:
        """The neurons that raise one of the risks and lower the other, whichever way round, as flat indices."""
        return self.flat("conflict", "reverse")

    def flat(self, *kinds: Kind) -> list[int]:
        """Grafts of these kinds as indices over all neurons, layer by layer."""
        return [layer * self.width + unit for layer, unit in self.places(*kinds)]


@dataclass(frozen=True)
class Planted:
    """The organism with its grafts, the same under the planted defense, and the truth of both."""

    base: Target
    defended: Target
    truth: Truth


def plant(
    target: Target, data: "FitData", risks: tuple[Risk, Risk], *, seed: int = 0, recipe: Recipe | None = None
) -> Planted:
    """Graft neurons onto a copy of a model of Llama's architecture.

    data: pairs against the first of the risks, and of the second among its `others`. The same seed gives the same
    weights, bit for bit, on machines of the same kind. Columns are as long in every layer, and their effects are
    measured where the model stands without them and, once they are there, in both arms, which lie far apart.
    """
    recipe = recipe or Recipe()
    random = torch.Generator().manual_seed(seed)
    own, width = int(target.model.config.intermediate_size), target.model.config.hidden_size
    grafts = recipe.grafts
    base = replace(target, model=widened(target.model, len(grafts)), name="planted").with_mark(f"planted:{seed}")
    places = [(layer, own + unit) for layer in recipe.layers for unit in range(len(grafts))]
    truth = Truth(
        risks,
        seed,
        len(decoder_layers(base.model)),
        own,
        own + len(grafts),
        tuple(
            Graft(kind, place, factor)
            for (kind, _, factor), place in zip(len(recipe.layers) * grafts, places, strict=True)
        ),
    )
    with one_thread():
        prompts = _Prompts.of(base, data, risks, recipe.prompts)
        points = [prompts.seen(base, recipe.layers)]
        shared = {layer: Reading.fitted(seen.sides, seen.kept) for layer, seen in points[0].items()}
        for layer, reading in shared.items():
            _read(base.model, layer, own, points[0][layer].alike(reading, len(grafts), random))
        noise = {layer: [unit_noise(width, random) for _ in grafts] for layer in recipe.layers}
        _write(base.model, _columns(base, recipe, points, shared, noise), own)
        points += [prompts.seen(arm, recipe.layers) for arm in (base, turned(base, truth))]
        _write(base.model, _columns(base, recipe, points, shared, noise), own)
    return Planted(base, turned(base, truth), truth)


def widened(model: Any, more: int) -> Any:
    """A copy of a model with `more` neurons in every layer, which read and write nothing."""
    wide = copy.deepcopy(model)
    wide.config.intermediate_size += more
    for layer in range(len(decoder_layers(wide))):
        mlp = mlp_of(wide, layer)
        mlp.intermediate_size += more
        for projection in (mlp.gate_proj, mlp.up_proj):
            projection.weight = Parameter(functional.pad(projection.weight.detach(), (0, 0, 0, more)))
            projection.out_features += more
        mlp.down_proj.weight = Parameter(functional.pad(mlp.down_proj.weight.detach(), (0, more)))
        mlp.down_proj.in_features += more
    return wide


@torch.no_grad()
def turned(base: Target, truth: Truth, kinds: Sequence[Kind] = KINDS) -> Target:
    """The planted model under the planted defense, a copy: values of the grafts of these kinds, times their factor."""
    model = copy.deepcopy(base.model)
    for graft in truth.grafts:
        if graft.kind in kinds:
            layer, unit = graft.place
            mlp_of(model, layer).up_proj.weight[unit] *= graft.factor
    return replace(base, model=model, name="defended").with_mark(f"turned:{','.join(kinds)}")


@dataclass(frozen=True)
class _Seen:
    """One layer on the prompts of both risks, risky and safe continuation in turn, and on what must be kept."""

    sides: tuple[Tokens, ...]
    kept: Tokens

    def alike(self, reading: Reading, count: int, random: torch.Generator) -> list[Reading]:
        """Readings much like this one, all with the same mean value where the risks are decided."""
        deciding = torch.cat([side.inputs[side.decides] for side in self.sides])
        level = reading.values(deciding).mean()
        varied = [reading.varied(APART, random) for _ in range(count)]
        return [one.scaled(float(level / one.values(deciding).mean())) for one in varied]

    def effects(self, reading: Reading) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of both risks' scores and of log p of what must be kept, at the column of a neuron that reads so,
        [rows, width] each."""
        risky, safe, other, its_safe, kept = (
            one.per_row(reading.values(one.inputs)) for one in (*self.sides, self.kept)
        )
        return risky - safe, other - its_safe, kept


@dataclass(frozen=True)
class _Prompts:
    """Rows of both risks, risky and safe continuations in turn, and those that must be kept."""

    sides: tuple[list[Row], ...]
    kept: list[Row]

    @classmethod
    def of(cls, target: Target, data: "FitData", risks: tuple[Risk, Risk], prompts: int) -> "_Prompts":
        sides: list[list[Row]] = []
        for pairs, risk in ((data.pairs, risks[0]), (data.others[risks[1]].pairs, risks[1])):
            samples = [
                Sample(f"{risk}-{place}", pair.messages, f"{place}", contrast=(pair.rejected, pair.chosen))
                for place, pair in enumerate(pairs[:prompts])
            ]
            contrasts = contrasts_of(target, samples, risk)
            sides += [[one.risky for one in contrasts], [one.safe for one in contrasts]]
        retain = data.retain[:prompts]
        kept = rows_of(target, [one.messages for one in retain], [one.reply for one in retain], at_most=TOKENS)
        return cls(tuple(sides), kept)

    def seen(self, target: Target, layers: Sequence[int]) -> dict[int, _Seen]:
        """What each layer of the target sees of them."""
        sides = [tokens_of(target, rows, layers) for rows in self.sides]
        kept = tokens_of(target, self.kept, layers)
        return {layer: _Seen(tuple(side[layer] for side in sides), kept[layer]) for layer in layers}


def _columns(
    base: Target,
    recipe: Recipe,
    points: Sequence[Mapping[int, _Seen]],
    shared: Mapping[int, Reading],
    noise: Mapping[int, Sequence[Tensor]],
) -> dict[int, list[Tensor]]:
    """What the grafts of each layer write, in order."""
    writings = {}
    for layer in recipe.layers:
        first, second, kept = (
            torch.cat(some) for some in zip(*(point[layer].effects(shared[layer]) for point in points), strict=True)
        )
        writings[layer] = Writing.measured((first, second), kept, read_later(base, layer))
    # What share of both pushes a column of length 1 makes; each layer has as many that push, all of one length.
    first_push, second_push = recipe.pushes
    reach = {layer: 1 / float(writing.column((first_push, -second_push)).norm()) for layer, writing in writings.items()}
    length = 1 / (sum(reach.values()) * (recipe.counts["conflict"] + recipe.counts["reverse"]))
    columns: dict[int, list[Tensor]] = {layer: [] for layer in recipe.layers}
    for layer, writing in writings.items():
        for (kind, signs, _), random in zip(recipe.grafts, noise[layer], strict=True):
            free = writing.column((0.0, 0.0), random)
            free = free / free.norm()
            aims = (signs[0] * first_push * reach[layer], signs[1] * second_push * reach[layer])
            aimed = writing.column(aims) + APART * free
            column = {"idle": free, "silent": torch.zeros_like(free)}.get(kind, aimed)
            columns[layer].append(column * length)
    return columns


@torch.no_grad()
def _read(model: Any, layer: int, own: int, readings: Sequence[Reading]) -> None:
    mlp = mlp_of(model, layer)
    for unit, reading in enumerate(readings, start=own):
        mlp.gate_proj.weight[unit] = reading.gate.to(mlp.gate_proj.weight)
        mlp.up_proj.weight[unit] = reading.up.to(mlp.up_proj.weight)


@torch.no_grad()
def _write(model: Any, columns: Mapping[int, Sequence[Tensor]], own: int) -> None:
    for layer, each in columns.items():
        down = mlp_of(model, layer).down_proj.weight
        down[:, own:] = torch.stack(list(each), dim=1).to(down)
