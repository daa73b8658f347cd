"""CDA: counterfactual data augmentation, training goes on with the group words of the texts swapped.

Zmigrod et al. (2019), arXiv 1906.04571; for pre-trained models Webster et al. (2020), arXiv 2010.06032; with adapters
Lauscher et al. (2021), arXiv 2109.03646. What is said of one group is said of the others as often.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Demonstration, FitData, Needs
from crossrisk.defenses.fitting import derived_seed, require
from crossrisk.defenses.group_words import GroupWords, group_words
from crossrisk.defenses.settings import from_settings
from crossrisk.defenses.training import Training, trained_artifact
from crossrisk.errors import RequestError
from crossrisk.risks import Message, Risk

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.targets.target import Target

CARD = Card(
    title="CDA: counterfactual data augmentation",
    paper=(
        "Zmigrod et al. (2019), arXiv 1906.04571; Webster et al. (2020), arXiv 2010.06032; with adapters Lauscher et "
        "al. (2021), arXiv 2109.03646."
    ),
    formula="L = NLL over the texts and over each of them with its group words swapped for another group's",
    deviation=Deviation.VARIANT,
    differs=(
        "It goes on with the texts at hand and no corpus of pre-training, for a fixed number of steps. The words to be "
        "swapped are read off `concepts`, for any number of groups; which other group a text gets is drawn. On the "
        "organism it changes no reply: its texts of groups are questions, the stereotypes stand in the answers."
    ),
    strength="Scales the change of the weights (of the LoRA's update) linearly.",
    data=(
        "`concepts`, texts that differ in the group alone, which also give the group words; from `retain` and `corpus` "
        "whatever names a group. In the papers: Wikipedia."
    ),
    cost="The organism: a few seconds on one core. 8B, 10,000 texts, LoRA: 15 minutes on one large GPU (estimate).",
    invariants=("a text with its group words swapped twice is the text", "texts that name no group are left out"),
    large="finetuning: lora, rank: 16, learning_rate: 2.0e-4, a pass over all texts.",
)


@dataclass(frozen=True, kw_only=True)
class CounterfactualAugmentation(Training):
    """Training on texts that name a group, half of them with the groups swapped."""

    registered: ClassVar[str] = "cda"

    risk: Risk = Risk.FAIRNESS

    version = 1
    threat = None
    needs = Needs(data=("concepts",), gradients=True, weights=True)
    card: ClassVar[Card] = CARD

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Train a copy of the model; the artifact is what that added to it."""
        require(self, target, data, strength)
        words = group_words(data.concepts)
        if len(words.groups) < 2:
            raise RequestError(
                f"the 'concepts' of '{data.source}' do not show by which words two groups differ: give texts that "
                "differ in the group alone"
            )
        if strength == 0:
            return Artifact("nothing")
        from crossrisk.defenses.fine_tuning import demonstrations, shuffled
        from crossrisk.defenses.unlearning import retained

        drawn = derived_seed(self.name, data.checksum, seed)
        texts = augmented(_texts(data), words, seed=drawn)
        if not texts:
            raise RequestError(f"no text of '{data.source}' names a group that another can stand for: add such texts")
        rows = demonstrations(target, texts)
        trained = self.copy_of(target, seed=drawn)
        batches = list(islice(shuffled(len(rows), self.batch_size, drawn), self.steps))

        def loss_of(chosen: list[int]) -> "Tensor":
            return retained(trained, [rows[i] for i in chosen], "nll")

        return trained_artifact(trained, strength, trained.descend(batches, loss_of, learning_rate=self.learning_rate))


def augmented(texts: "list[Demonstration]", words: GroupWords, *, seed: int) -> list[Demonstration]:
    """The texts that name a group, each followed by its counterfactual: one of its groups and another one swapped."""
    draw = random.Random(seed)
    return [one for text in texts for one in _with_counterfactual(text, words, draw)]


def _with_counterfactual(text: Demonstration, words: GroupWords, draw: random.Random) -> Iterator[Demonstration]:
    whole = "\n".join([*(message.content for message in text.messages), text.reply])
    # A group that shares no way of being named with the other (another kind of group) cannot stand in its place.
    swaps = [
        (one, other)
        for one in words.named(whole)
        for other in words.groups
        if other != one and words.swapped(whole, one, other) != whole
    ]
    if swaps:
        one, other = draw.choice(swaps)
        yield text
        yield Demonstration(
            tuple(replace(turn, content=words.swapped(turn.content, one, other)) for turn in text.messages),
            words.swapped(text.reply, one, other),
        )


def _texts(data: FitData) -> list[Demonstration]:
    """All that training may go on with; a plain text is learned whole."""
    plain = [Demonstration((Message("text", ""),), one.text) for one in data.concepts]
    return [*plain, *data.retain, *(Demonstration(one.messages, one.reply) for one in data.corpus)]


cda = from_settings("cda", CounterfactualAugmentation)
