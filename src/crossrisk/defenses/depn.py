"""DEPN: the neurons from which a model recalls private data are found by integrated gradients, and silenced."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from crossrisk.defenses import neurons
from crossrisk.defenses.card import Deviation
from crossrisk.defenses.settings import Count, NotNegative, from_settings
from crossrisk.risks import Risk


@dataclass(frozen=True)
class PrivacyNeurons(neurons.Suppression):
    """Neuron suppression as Wu et al. do it: integrated, by frequency over texts, nothing spared."""

    registered: ClassVar[str] = "depn"

    risk: Risk = Risk.PRIVACY
    fraction: neurons.Share = 0.06
    attribution: Literal["gradient", "integrated"] = "integrated"
    spare: NotNegative = 0.0
    texts: Count = 32

    card = replace(
        neurons.CARD,
        title="DEPN, privacy neurons",
        paper="Wu et al. (2023), DEPN: detecting and editing privacy neurons in pretrained language models, "
        "arXiv 2310.20138",
        formula="""attribution(k, text) = w_k * integral over a from 0 to 1 of d log p(private reply; a w) / d w_k
frequency(k) = share of texts in which attribution(k) >= 0.1 * the largest of the text
W_down[:, k] <- (1 - strength) W_down[:, k]      for the `fraction` of all neurons with the highest frequency""",
        deviation=Deviation.VARIANT,
        differs="For decoders, of which the paper says nothing: neurons are the inputs of the down projection where "
        "the reply's tokens are predicted, the reply's log-likelihood takes the place of a masked token's "
        "probability, and the midpoint rule that of the left ends of 20 steps.",
        data="`forget`: texts with the private data in the reply.",
        large="`fraction` 0.001 to 0.005 and 20 to 200 texts: the paper silences 10 to 200 of 36,864 neurons.",
    )


depn = from_settings("depn", PrivacyNeurons)
