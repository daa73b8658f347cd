"""`python -m benchmarks.neurons.cost`: what attribution of all MLP neurons costs, in forward passes of the same rows.

Beside it captum on the same model and rows in the same run, and ablation one by one. What would take too long is taken
for a few layers, neurons or steps and multiplied; the table says so. One thread, float32; the shortest of several
turns. `--write` puts the tables, and those of `memory`, into COST.md.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.neurons import memory
from benchmarks.neurons.llamas import organism, random_contrasts, random_llama
from crossrisk.neurons.attribution.contrasts import Contrast
from crossrisk.neurons.attribution.first_order import Batching, Point, base_against_defended, gradient_times_activation
from crossrisk.targets.batches import left_padded, positions_of
from crossrisk.targets.integrated_gradients import integrated_gradients
from crossrisk.targets.layers import hooked
from crossrisk.targets.neuron_passes import Row, down_projections, neurons_of, run
from crossrisk.targets.target import Target

PAGE = Path(__file__).with_name("COST.md")
STEPS = 20
INSTALL = "captum is not installed: `pip install captum`"
ALL = 2**20  # tokens: one batch
SOME = 10  # neurons that are ablated


@dataclass(frozen=True)
class Case:
    """turns: of which the shortest counts. steps: of integrated gradients that are run, of 20."""

    target: Target
    contrasts: list[Contrast]
    turns: int
    steps: int

    @property
    def rows(self) -> list[Row]:
        """Both continuations of every contrast."""
        return [row for one in self.contrasts for row in (one.risky, one.safe)]


@dataclass(frozen=True)
class Timed:
    """seconds: of what was run. times: how often all neurons would take it."""

    name: str
    seconds: float
    times: float = 1.0
    extrapolated: str = ""


def shortest(acts: dict[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """In turns, so that what slows the machine for a while slows all of them."""
    found = {name: float("inf") for name in acts}
    for _ in range(turns):
        for name, act in acts.items():
            began = time.perf_counter()
            act()
            found[name] = min(found[name], time.perf_counter() - began)
    return found


def measured(case: Case) -> Iterator[Timed]:
    """The forward pass first."""
    target, rows = case.target, case.rows
    model, contrasts = target.model, case.contrasts
    once, again = Batching(ALL, recompute=False), Batching(ALL, recompute=True)
    layers, neurons = len(down_projections(model)), sum(neurons_of(model))
    ids, *more = inputs = _inputs(target, rows)

    @torch.no_grad()
    def forward() -> None:
        _scores(model, "input_ids", ids, *more)

    def of_one(how: Batching) -> None:
        list(gradient_times_activation(target, contrasts, how=how))

    def of_two(point: Point) -> None:
        list(base_against_defended(target, target, (contrasts, contrasts), point=point, how=once))

    quick = {
        "one forward pass": forward,
        "**gradient x activation**": partial(of_one, once),
        "gradient x activation, layers computed again": partial(of_one, again),
        "**base against defended**, gradient at the base": partial(of_two, "base"),
        "base against defended, at both": partial(of_two, "mean"),
        "captum LayerGradientXActivation": _captum_gradient(model, inputs),
    }
    for name, seconds in shortest({name: act for name, act in quick.items() if act}, case.turns).items():
        yield Timed(name, seconds)
    for name, act, times, told in (*_slow(case, neurons), *_captum(case, inputs, layers, neurons)):
        (seconds,) = shortest({name: act}, 1).values()
        yield Timed(name, seconds, times, told)


Slow = tuple[str, Callable[[], object], float, str]


def _slow(case: Case, neurons: int) -> Iterator[Slow]:
    rows = case.rows
    prompts, replies = [row.prompt for row in rows], [row.reply for row in rows]
    told = f"{case.steps} of {STEPS} steps" if case.steps < STEPS else ""
    act = partial(integrated_gradients, case.target.model, prompts, replies, steps=case.steps, batch_size=len(rows))
    yield f"integrated gradients, {STEPS} steps (ours)", act, STEPS / case.steps, told
    yield "ablation one by one", partial(_ablate, case), neurons / SOME, f"{SOME} neurons"


def _ablate(case: Case) -> None:
    """Some neurons of the middle layer."""
    down = down_projections(case.target.model)[len(down_projections(case.target.model)) // 2]

    def silence(module: Any, args: tuple[Any, ...], neuron: int) -> tuple[Any, ...]:
        values = args[0].clone()
        values[..., neuron] = 0.0
        return (values,)

    with torch.no_grad():
        for neuron in range(SOME):
            with hooked(before=[(down, partial(silence, neuron=neuron))]):
                run(case.target, case.rows)


def _inputs(target: Target, rows: Sequence[Row]) -> tuple[Tensor, ...]:
    """Token ids, again, mask, positions, and which tokens are scored; all [rows, tokens]."""
    ids, padded = left_padded([row.tokens for row in rows], target.device)
    mask = torch.ones_like(ids) if padded is None else padded
    scored = torch.zeros(ids.shape, dtype=torch.bool)
    for i, row in enumerate(rows):
        scored[i, row.given - len(row.reply) :] = True
    return ids, ids, mask, positions_of(mask, ids).contiguous(), scored


def _captum_gradient(model: Any, inputs: tuple[Tensor, ...]) -> Callable[[], object] | None:
    try:
        from captum.attr import LayerGradientXActivation
    except ImportError:
        print(INSTALL)
        return None
    ids, *more = inputs
    activation = LayerGradientXActivation(partial(_scores, model, "input_ids"), down_projections(model))
    return partial(activation.attribute, ids, additional_forward_args=tuple(more), attribute_to_layer_input=True)


def _captum(case: Case, inputs: tuple[Tensor, ...], layers: int, neurons: int) -> Iterator[Slow]:
    try:
        from captum.attr import LayerIntegratedGradients, NeuronConductance
    except ImportError:
        return
    model, (ids, *more) = case.target.model, inputs
    middle = down_projections(model)[layers // 2]
    parts = f"{case.steps} of {STEPS} steps, " if case.steps < STEPS else ""
    options = {
        "additional_forward_args": tuple(more), "n_steps": case.steps, "internal_batch_size": len(ids),
    }  # fmt: skip
    integrated = LayerIntegratedGradients(partial(_scores, model, "input_ids"), middle)
    act = partial(integrated.attribute, ids, attribute_to_layer_input=True, **options)
    yield f"captum LayerIntegratedGradients, {STEPS} steps", act, layers * STEPS / case.steps, f"{parts}one layer"
    embedded = model.get_input_embeddings()(ids).detach()
    conductance = NeuronConductance(partial(_scores, model, "inputs_embeds"), middle)
    act = partial(conductance.attribute, embedded, (ids.shape[1] - 2, 0), attribute_to_neuron_input=True, **options)
    times, told = neurons * STEPS / case.steps, f"{parts}one neuron at one token"
    yield f"captum NeuronConductance, {STEPS} steps, one token", act, times, told


def _scores(model: Any, name: str, given: Tensor, ids: Tensor, mask: Tensor, places: Tensor, scored: Tensor) -> Tensor:
    """log p of the scored tokens of each row, summed; as `run` has it, for a model that is given ids or embeddings."""
    keep = int(scored.sum(dim=1).max()) + 1
    logits = model(
        **{name: given}, attention_mask=mask, position_ids=places, logits_to_keep=keep, use_cache=False
    ).logits[:, :-1]
    log_probs = torch.log_softmax(logits.float(), dim=-1).gather(-1, ids[:, 1 - keep :, None])[..., 0]
    return (log_probs * scored[:, 1 - keep :]).sum(dim=1)


def table(case: Case) -> Iterator[str]:
    found = list(measured(case))
    forward, ours = found[0].seconds, found[1].seconds
    tokens = sum(len(row.tokens) for row in case.rows)
    yield (
        f"{case.target.name}: {sum(neurons_of(case.target.model)):,} neurons in "
        f"{len(down_projections(case.target.model))} layers, {len(case.rows)} rows of {tokens} tokens together."
    )
    yield ""
    yield "| all neurons | seconds | forward passes | of gradient x activation | extrapolated from |"
    yield "|---|--:|--:|--:|---|"
    for one in found:
        seconds = one.seconds * one.times
        ratios = (f"{ratio:,.2f}" if ratio < 10 else f"{ratio:,.0f}" for ratio in (seconds / forward, seconds / ours))
        yield f"| {one.name} | {seconds:,.2f} | {' | '.join(ratios)} | {one.extrapolated} |"


def cases(names: Sequence[str]) -> Iterator[Case]:
    if "organism" in names:
        target, contrasts = organism(32)
        yield Case(target, contrasts, turns=8, steps=STEPS)
    if "124M" in names:
        target = random_llama("124M")
        yield Case(target, random_contrasts(target, 4), turns=4, steps=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the tables into COST.md")
    parser.add_argument("--models", nargs="*", default=["organism", "124M"], choices=["organism", "124M"])
    parser.add_argument("--no-memory", action="store_true", help="leave out what takes processes of their own")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    tables = [list(_printed(table(case))) for case in cases(asked.models)]
    weighed = [] if asked.no_memory else list(_printed(memory.table()))
    if asked.write:
        PAGE.write_text(
            PAGE_TEXT.format(cost="\n\n".join("\n".join(lines) for lines in tables), memory="\n".join(weighed)),
            encoding="utf-8",
        )


def _printed(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        print(line, flush=True)
        yield line


PAGE_TEXT = """# What attribution costs

`python -m benchmarks.neurons.cost --write`. One thread, float32, the same rows and the same run for all lines of a
table; the shortest of several turns. Compare ratios, not seconds.

## Time

{cost}

The figures here are from a machine that other jobs shared: neighbouring lines can be off by a fifth (what is computed
again is not cheaper), and the slow lines, timed once, by a factor of two (one by one, ablation is one forward pass a
neuron). Integrated gradients and conductance take 20 steps. Ours scale a layer's neurons where the reply is predicted,
captum's `LayerIntegratedGradients` interpolates the layer's input at all tokens: equal work.

## Memory

A batch may take 8 % of the model, or 256 MB where that is more (`batching`); here without that floor. Shares are of the
models together. Resident memory holds some 10 to 25 MB that the BLAS library takes for itself, whatever the model's
size. Computed for Llama-3.2-1B in bfloat16 (2,472 MB): 225 tokens at 805 kB and 16 MB for one row's distributions,
198 MB, 8 %.

{memory}
"""

if __name__ == "__main__":
    main()
