"""Neuron suppression: the MLP neurons that carry the risk, and that harmless replies do not need, are silenced.

Neurons are found by attribution: how much does each raise the log-probability of the risky reply? Silencing one is
setting its column of the down projection to 0. Privacy neurons: Wu et al. (2023), DEPN, arXiv 2310.20138; neurons of
knowledge, whose attribution and threshold these are: Dai et al. (2022), arXiv 2104.08696; taking out what the rest of
the model needs: Wei et al. (2024), arXiv 2402.05162.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.deployment import deployed_delta
from crossrisk.defenses.fitting import derived_seed, drawn_from, require
from crossrisk.defenses.settings import Configured, Count, NotNegative
from crossrisk.errors import RequestError
from crossrisk.risks import Chat, Mechanism, Risk, Threat

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.targets.target import Target

Share = Annotated[float, Field(ge=0, le=1)]
Text = tuple[Chat, str]

CARD = Card(
    title="Neuron suppression",
    paper="Wu et al. (2023), DEPN, arXiv 2310.20138; Dai et al. (2022), knowledge neurons, arXiv 2104.08696; Wei et "
    "al. (2024), arXiv 2402.05162",
    formula="""attribution(k, text) = w_k * d log p(reply) / d w_k, summed over the tokens that predict the reply
frequency(k) = share of texts in which attribution(k) >= threshold * the largest of the text
score(k)     = frequency(k; risky replies) - spare * frequency(k; harmless replies)
W_down[:, k] <- (1 - strength) W_down[:, k]      for the `fraction` of all neurons with the highest score""",
    deviation=Deviation.VARIANT,
    differs="For decoders, and for any risk of which there are demonstrations: the papers edit BERT. By default the "
    "attribution is of first order and not integrated, and what harmless replies need is spared.",
    strength="The share of a neuron's output that is taken away; at 1 it is silent.",
    data="`forget` and `retain`; with `contrast`: `pairs` and `retain`.",
    cost="Two passes forward and one backward per text; integrated: `steps` per layer and text. Nothing per reply.",
    invariants=(
        "with no neurons it is the identity",
        "at strength 1 the chosen columns are 0 and all others what they were",
        "attributions add up to the change of log-likelihood when a layer is scaled to 0",
    ),
    large="`fraction` 0.001 to 0.005, `texts` 200: a large model spreads a risk over a smaller share of its neurons.",
)


@dataclass(frozen=True)
class Suppression(Configured):
    """Suppression of the neurons of one risk.

    fraction: how many, of all MLP neurons of the model. attribution: `gradient` times activation, or `integrated`
    gradients of `steps` points. contrast: attribute the risky reply's log-likelihood minus that of the safe reply.
    aggregate: by the frequency of passing the threshold, or by the mean attribution. threshold: of the largest
    attribution in a text. spare: how much what harmless replies need counts against it. texts: how many of each kind
    are read.
    """

    risk: Risk
    fraction: Share = 0.08
    attribution: Literal["gradient", "integrated"] = "gradient"
    steps: Count = 20
    contrast: bool = False
    aggregate: Literal["frequency", "mean"] = "frequency"
    threshold: Share = 0.1
    spare: NotNegative = 1.0
    texts: Count = 256
    batch_size: Count = 32

    registered: ClassVar[str] = "neurons"
    version = 1
    mechanism = Mechanism.WEIGHTS
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score", "weights"})
    card: ClassVar[Card] = CARD

    @property
    def needs(self) -> Needs:
        """Harmless replies only where they are spared."""
        risky = "pairs" if self.contrast else "forget"
        return Needs(data=(risky, "retain") if self.spare else (risky,), gradients=True, weights=True)

    @property
    def threat(self) -> Threat | None:
        """As a defense of privacy it makes a set of records be forgotten, and protects no others."""
        return Threat.FORGET_SET if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Attribute on a copy; the artifact takes the chosen columns away, and names the neurons as [layer, neuron].

        Raises RequestError where `fraction` is of no neuron.
        """
        import torch

        from crossrisk.defenses.fine_tuning import twin
        from crossrisk.targets.layers import decoder_layers, down_projection, neuron_axis
        from crossrisk.targets.weights import canonical_name

        require(self, target, data, strength)
        if strength * self.fraction == 0:
            return Artifact("nothing")
        model = twin(target.model).eval()
        downs: list[Any] = [down_projection(layer) for layer in decoder_layers(model)]
        neurons = sum(down.weight.shape[neuron_axis(down)] for down in downs)
        count = round(self.fraction * neurons)
        if not count:
            raise RequestError(
                f"defense '{self.name}' silences no neuron: {self.fraction:g} of {neurons:,} is none, so raise "
                f"`fraction` to {1 / neurons:.2g} at least"
            )
        scores = self._scores(target, model, data, derived_seed(self.name, data.checksum, seed))
        silenced = torch.zeros(scores.numel(), dtype=torch.bool)
        silenced[scores.flatten().argsort(descending=True, stable=True)[:count]] = True
        silenced = silenced.reshape(scores.shape)

        deltas = {}
        for down, which in zip(downs, silenced, strict=True):
            if which.any():
                weight = down.weight
                along = which[:, None] if neuron_axis(down) == 0 else which
                deltas[canonical_name(model, weight)] = torch.where(along, -weight.detach().float().cpu(), 0.0)
        return Artifact("delta", deltas, {"scale": strength, "neurons": silenced.nonzero().tolist()})

    def deploy(self, target: "Target", artifact: Artifact) -> "AbstractContextManager[Target]":
        """The model without these neurons; the saved originals are copied back on exit."""
        return deployed_delta(self.name, target, artifact)

    def _scores(self, target: "Target", model: Any, data: FitData, seed: int) -> "Tensor":
        """How much each neuron carries the risk, beyond what harmless replies need of it, [layers, neurons]."""
        if self.contrast:
            pairs = drawn_from(data.pairs, self.texts, seed)
            found = self._attributed(target, model, [(pair.messages, pair.rejected) for pair in pairs])
            found = found - self._attributed(target, model, [(pair.messages, pair.chosen) for pair in pairs])
        else:
            shown = drawn_from(data.forget, self.texts, seed)
            found = self._attributed(target, model, [(one.messages, one.reply) for one in shown])
        scores = self._over_texts(found)
        if self.spare:
            kept = drawn_from(data.retain, self.texts, seed + 1)
            needed = self._attributed(target, model, [(one.messages, one.reply) for one in kept])
            scores = scores - self.spare * self._over_texts(needed)
        return scores

    def _attributed(self, target: "Target", model: Any, texts: Sequence[Text]) -> "Tensor":
        """[texts, layers, neurons]."""
        from crossrisk.defenses.fine_tuning import tokenised
        from crossrisk.targets.integrated_gradients import gradient_times_activation, integrated_gradients

        rows = tokenised(target, [chat for chat, _ in texts], [reply for _, reply in texts])
        prompts, replies = [row.prompt for row in rows], [row.reply for row in rows]
        if self.attribution == "gradient":
            return gradient_times_activation(model, prompts, replies, batch_size=self.batch_size)
        return integrated_gradients(model, prompts, replies, steps=self.steps, batch_size=self.batch_size)

    def _over_texts(self, found: "Tensor") -> "Tensor":
        """One number a neuron, [layers, neurons]: its mean attribution, or its frequency, ties broken by the mean."""
        mean = found.mean(dim=0)
        if self.aggregate == "mean":
            return mean
        largest = found.flatten(start_dim=1).amax(dim=1)[:, None, None]
        frequent = ((found >= self.threshold * largest) & (found > 0)).float().mean(dim=0)
        # Frequencies differ by 1 / texts at least; the mean, made small, decides between equal ones alone.
        return frequent + mean / mean.abs().max().clamp(min=1e-30) / (4 * len(found))
