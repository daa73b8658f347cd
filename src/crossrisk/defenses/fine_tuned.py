"""Fine-tuned: training on the corpus as anybody does it, without any defense: what the others are held against.

On its own arm it shows what the corpus does to a model; written to a folder by `crossrisk defend`, it is the exposed
model on which a study of `dp_sgd` or `scrubbed_training` stands (`base: {model: M, adapter: FOLDER}`).
"""

from dataclasses import dataclass
from typing import ClassVar

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.corpus_training import CorpusTraining
from crossrisk.defenses.settings import from_settings
from crossrisk.risks import Risk

CARD = Card(
    title="Fine-tuned without a defense",
    paper="A control of our own; LoRA is Hu et al. (2021), arXiv 2106.09685.",
    formula="L = mean over records of the mean NLL per token of its reply",
    deviation=Deviation.FAITHFUL,
    strength="Scales the LoRA's update linearly.",
    data="`corpus`. A target that was loaded with an adapter is trained anew from the model under it.",
    cost="The organism, one pass over 9,366 records: about a minute on one core. Per reply: nothing.",
    invariants=(
        "the model under the adapter is where training begins",
        "what was not told in the corpus (strangers of the same kind) becomes no likelier than chance",
    ),
    large="learning_rate: 2.0e-4, rank: 16, steps for three passes over the corpus, micro_batch_size: 8.",
)


@dataclass(frozen=True, kw_only=True)
class FineTuned(CorpusTraining):
    """Training on the corpus and nothing else. It aims at no risk; its corpus is the one of privacy."""

    registered: ClassVar[str] = "fine_tuned"
    fitted_against: ClassVar[Risk] = Risk.PRIVACY

    version = 1
    risk = None
    threat = None
    card: ClassVar[Card] = CARD


fine_tuned = from_settings("fine_tuned", FineTuned)
