"""`python -m benchmarks.neurons.truth`: do attributions say what one neuron does? On the organism, all 1,536 neurons.

Each neuron alone is changed and the model run again: silenced at all tokens, or set to what it writes in the defended
model (in the base), back to the base (in the defended model), or to what it writes on the twin prompt. The effect on F,
its mean over prompts, is compared with the mean attribution. `--write` puts the tables into TRUTH.md, `--prompts` says
how many are asked.
"""

import argparse
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from scipy.stats import pearsonr, spearmanr
from torch import Tensor

from benchmarks.neurons.single_neurons import as_defended, effects, read, silenced
from crossrisk.engine.arms import arms
from crossrisk.engine.execute import base_fingerprint
from crossrisk.neurons.attribution.contrasts import Contrast, contrasts_of
from crossrisk.neurons.attribution.first_order import Piece, Point, base_against_defended, gradient_times_activation
from crossrisk.neurons.attribution.knowledge_neurons import knowledge_neurons
from crossrisk.neurons.attribution.twins import twin_contrasts, twin_patching, twins_of
from crossrisk.registry import SOURCES
from crossrisk.risks import Risk
from crossrisk.study import ModelSpec, Study
from crossrisk.targets.integrated_gradients import integrated_gradients
from crossrisk.targets.loading import load_target
from crossrisk.targets.neuron_passes import neurons_of
from crossrisk.targets.target import Target

PAGE = Path(__file__).with_name("TRUTH.md")
PROMPTS = 16
LARGEST = 50
TASKS = {"misuse": Risk.SAFETY, "stereotype_agreement": Risk.FAIRNESS, "pii_leakage": Risk.PRIVACY}
DEFENSES = ("preference_safety", "task_vector_fairness", "neurons_privacy")
POINTS: tuple[Point, ...] = ("base", "defended", "mean")
HEAD = "| Spearman | largest tenth | Pearson | 50 largest |"


@dataclass(frozen=True)
class Agreement:
    """Of attributions with effects: rank correlation over all neurons and over the tenth of largest effects, linear
    correlation, and the share of the 50 largest effects that are among the 50 largest attributions."""

    spearman: float
    largest_tenth: float
    pearson: float
    fifty: float

    def __str__(self) -> str:
        return f"| {self.spearman:.3f} | {self.largest_tenth:.3f} | {self.pearson:.3f} | {self.fifty:.2f} |"


def agreement(attributions: Tensor, truth: Tensor) -> Agreement:
    top = truth.abs() >= truth.abs().quantile(0.9)
    both = {int(i) for i in attributions.abs().topk(LARGEST).indices} & {
        int(i) for i in truth.abs().topk(LARGEST).indices
    }
    return Agreement(
        float(spearmanr(attributions, truth)[0]),
        float(spearmanr(attributions[top], truth[top])[0]),
        float(pearsonr(attributions, truth)[0]),
        len(both) / LARGEST,
    )


def mean_of(pieces: Iterable[Piece], prompts: int) -> Tensor:
    return torch.stack([piece.attributions.sum(dim=0) for piece in pieces]).sum(dim=0) / prompts


def of_one_model(base: Target, prompts: int) -> Iterator[str]:
    """Methods that look at one model, against silencing."""
    yield f"| task | method {HEAD}"
    yield "|---|---|--:|--:|--:|--:|"
    for task, risk in TASKS.items():
        contrasts = contrasts_of(base, SOURCES.get("world").samples(task)[:prompts], risk)
        rows = read(base, contrasts)
        truth = -effects(rows, silenced(rows))
        found = {
            "gradient x activation": mean_of(gradient_times_activation(base, contrasts), prompts),
            "gradient x activation, held": mean_of(gradient_times_activation(base, contrasts, held=True), prompts),
            "integrated gradients of F, 20 midpoints": integrated(base, contrasts, 20),
            "integrated gradients of F, 100 midpoints": integrated(base, contrasts, 100),
            "knowledge neurons (the paper's form), 20 steps": mean_of(knowledge_neurons(base, contrasts), prompts),
        }
        for method, attributions in found.items():
            yield f"| {task} | {method} {agreement(attributions, truth)}"
        behind = neurons_of(base.model)[0]  # the first layer is what the papers' joint scaling gets wrong
        for method in list(found)[2:]:
            yield f"| {task} | {method}, without layer 0 {agreement(found[method][behind:], truth[behind:])}"


def integrated(base: Target, contrasts: list[Contrast], steps: int) -> Tensor:
    """Integrated gradients of the scored tokens' log-probabilities: what both continuations share stands in the
    prompt."""
    total = torch.zeros(sum(neurons_of(base.model)))
    for one in contrasts:
        for row, sign in ((one.risky, 1.0), (one.safe, -1.0)):
            given, scored = len(row.prompt) + row.given, len(row.reply) - row.given
            prompts, replies = [row.tokens[:given]], [row.tokens[given:]]
            found = integrated_gradients(base.model, prompts, replies, steps=steps)[0].flatten()
            total += sign * found / (scored if one.averaged else 1)
    return total / len(contrasts)


def of_twins(base: Target, prompts: int) -> Iterator[str]:
    """Patching between prompts, against setting each neuron to what it writes on the twin."""
    pairs = twins_of(SOURCES.get("world").samples("over_refusal"), "over_refusal")
    pairs = pairs[:: max(1, len(pairs) // prompts)][:prompts]
    contrasts = contrasts_of(base, [one for one, _ in pairs], Risk.SERVICE)
    twins = twin_contrasts(base, contrasts, [twin for _, twin in pairs])
    rows = read(base, contrasts)
    truth = effects(rows, as_defended(rows, read(base, twins)))
    yield f"| task {HEAD}"
    yield "|---|--:|--:|--:|--:|"
    yield f"| over_refusal {agreement(mean_of(twin_patching(base, contrasts, twins), prompts), truth)}"


def of_two_models(base: Target, prompts: int) -> tuple[list[str], list[str]]:
    """Base against defended: against the truth of each point, and its sum against the change of F."""
    second = load_target("organism", device="cpu")
    agreed = [f"| defense | task | gradient at | effect of {HEAD}", "|---|---|---|---|--:|--:|--:|--:|"]
    sums = [
        "| defense | task | F of the base | change of F | sum, held, mean | sum, mean | the two effects, Spearman |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    study = Study(name="truth", base=ModelSpec(model="organism"), defenses=DEFENSES, tasks=tuple(TASKS), controls=False)
    for arm in arms(study, base_fingerprint(study.base, "cpu"), {}):
        with arm.defense.deploy(second, arm.artifact(base)) as defended:
            for task, risk in TASKS.items():
                samples = SOURCES.get("world").samples(task)[:prompts]
                contrasts = (contrasts_of(base, samples, risk), contrasts_of(defended, samples, risk))
                before, after = read(base, contrasts[0]), read(defended, contrasts[1])
                into = effects(before, as_defended(before, after))
                back = -effects(after, as_defended(after, before))
                truths = {
                    "base": ("setting it in the base", into),
                    "defended": ("setting it back in the defended model", back),
                    "mean": ("both, their mean", (into + back) / 2),
                }
                for point in POINTS:
                    found = mean_of(base_against_defended(base, defended, contrasts, point=point), prompts)
                    effect, truth = truths[point]
                    agreed.append(f"| {arm.name} | {task} | {point} | {effect} {agreement(found, truth)}")
                    print(agreed[-1], flush=True)
                held = mean_of(base_against_defended(base, defended, contrasts, held=True), prompts)
                sums.append(
                    f"| {arm.name} | {task} | {before.contrast:.2f} | {after.contrast - before.contrast:+.2f} | "
                    f"{float(held.sum()):+.2f} | {float(found.sum()):+.2f} | {float(spearmanr(into, back)[0]):.2f} |"
                )
                print(sums[-1], flush=True)
    return agreed, sums


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=PROMPTS)
    parser.add_argument("--write", action="store_true", help="write the tables into TRUTH.md")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    began = time.monotonic()
    base = load_target("organism", device="cpu")
    agreed, sums = of_two_models(base, asked.prompts)
    twins = printed(of_twins(base, asked.prompts))
    alone = printed(of_one_model(base, asked.prompts))
    text = PAGE_TEXT.format(
        prompts=asked.prompts,
        agreed="\n".join(agreed),
        sums="\n".join(sums),
        twins="\n".join(twins),
        alone="\n".join(alone),
    )
    print(f"{time.monotonic() - began:.0f} s")
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")


def printed(lines: Iterable[str]) -> list[str]:
    found = []
    for line in lines:
        print(line, flush=True)
        found.append(line)
    return found


PAGE_TEXT = """# Attribution against the true effect of each neuron

`python -m benchmarks.neurons.truth --write`. The organism, all 1,536 MLP neurons of 4 layers, {prompts} prompts a task
from its held-out wordings, float32. The truth of a neuron is measured: the model runs again with that neuron alone
changed at all tokens, and F = log p(risky) - log p(safe) is taken anew. Rank correlation over all neurons and over the
tenth with the largest effects, linear correlation, and the share of the 50 largest effects among the 50 largest
attributions.

## Base against defended

{agreed}

Each point predicts its own question. The two single effects (setting a neuron in the base; setting it back in the
defended model) are different quantities where the defense changes much, as the last column of the next table shows:
their own rank correlation. The mean of both is the default.

## Its sum against the change of F

{sums}

Held: other neurons fixed at their values, so that neurons of different layers are not counted twice. What it misses is
the part of attention, embedding and head, and what is not linear.

## Patching between twin prompts

{twins}

## One model: against silencing the neuron

{alone}

Integrated gradients scale a whole layer together, which is another question than silencing one neuron. Those of the
paper's form attribute the mean probability of the answers' tokens instead of F, and only where these are predicted.
"""

if __name__ == "__main__":
    main()
