"""Bias vector: what a model learns from stereotyped replies is taken out of its weights."""

from dataclasses import dataclass, replace
from typing import ClassVar

from crossrisk.defenses import task_vector
from crossrisk.defenses.settings import Count, Finite, Positive, from_settings
from crossrisk.risks import Risk


@dataclass(frozen=True, kw_only=True)
class BiasVector(task_vector.Negation):
    """Task-vector negation as it is done against stereotypes: longer training, and a lambda of 1."""

    registered: ClassVar[str] = "bias_vector"

    risk: Risk = Risk.FAIRNESS
    coefficient: Finite = 1.0
    learning_rate: Positive = 2e-3
    steps: Count = 120

    card = replace(
        task_vector.CARD,
        title="Bias vector",
        paper="Shirafuji et al. (2024), Bias Vector: mitigating biases in language models with task arithmetic "
        "approach, arXiv 2402.13462; on chat models with lambda 0.5: BiasFreeBench",
        differs="Fine-tuned on chats with the loss on the stereotyped reply (Bias Vector: on plain text). Embeddings "
        "and head stay, as norms do in the paper. BiasFreeBench subtracts in bfloat16, where most of a small "
        "difference rounds to nothing; here it is float32.",
        data="`forget`: stereotyped replies. In the papers: StereoSet, which is then no fair test.",
    )


bias_vector = from_settings("bias_vector", BiasVector)
