"""DINM: the layer in which safe and unsafe replies differ most is found, and its down projection alone is tuned.

L = 0.1 NLL(safe reply | prompt) + KL(model before || model) on harmless replies. Wang et al. (2024), Detoxifying large
language models via knowledge editing, arXiv 2403.14472.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Literal

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs, Preference
from crossrisk.defenses.deployment import deployed_delta
from crossrisk.defenses.fitting import derived_seed, require
from crossrisk.defenses.settings import Configured, Count, NotNegative, Positive, from_settings
from crossrisk.risks import Mechanism, Risk, Threat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crossrisk.targets.target import Target

Locate = Literal["raw", "normalised"]

CARD = Card(
    title="DINM, detoxifying with intraoperative neural monitoring",
    paper="Wang et al. (2024), Detoxifying large language models via knowledge editing, arXiv 2403.14472",
    formula="""layer = argmax over l of mean |h_l(safe reply) - h_l(unsafe reply)|
  normalised: each distance over the mean norm of the two
L = w NLL(safe reply | prompt) + KL(model before || model) on harmless replies, on W_down of that layer alone""",
    deviation=Deviation.FIXED,
    differs="The released code computes the KL without a gradient, so it holds nothing; here it does. It takes the "
    "last layer's states after the final norm, on another scale than the others'; here all are outputs of layers. "
    "Hidden states are averaged over the reply's tokens, and not compared token by token with the padding. Norms grow "
    "with depth, so raw distances point to the last layers: `normalised` takes that out, and is the default. One edit "
    "for all pairs together, and not for each prompt it is then asked about.",
    strength="Scales the change of the weights.",
    data="`pairs`, `retain`. The paper: SafeEdit, which is no fair test of it.",
    cost="A forward pass over pairs to find the layer, then `steps` steps on one matrix.",
    invariants=(
        "exactly one tensor changes, that of the layer found",
        "the KL has a gradient",
        "the safe replies become likelier",
    ),
    large="`learning_rate` 5e-4 (Llama 2), 1e-5 (Mistral), `steps` 10, as in the paper.",
)


@dataclass(frozen=True)
class Detoxifying(Configured):
    """DINM against one risk, on its pairs of safe and unsafe replies.

    locate: by distances as they are, or over the norms. safe_weight: w above. locality_weight: of the KL, per reply
    token; 0 is what the released code does. steps: each on `batch_size` pairs and as many harmless replies. located_on:
    how many pairs the layer is found on.
    """

    risk: Risk = Risk.SAFETY
    locate: Locate = "normalised"
    safe_weight: Positive = 0.1
    locality_weight: NotNegative = 1.0
    learning_rate: Positive = 3e-3
    batch_size: Count = 16
    steps: Count = 40
    located_on: Count = 128

    registered: ClassVar[str] = "dinm"
    version = 1
    mechanism = Mechanism.WEIGHTS
    needs = Needs(data=("pairs", "retain"), gradients=True, weights=True)
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score", "weights"})
    card: ClassVar[Card] = CARD

    @property
    def threat(self) -> Threat | None:
        """Against privacy risks it teaches to refuse what is asked for; what is memorised stays in the weights."""
        return Threat.DISCLOSURE if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Find the layer, tune one matrix of a copy; the artifact is what that added to it."""
        from crossrisk.defenses import losses
        from crossrisk.defenses.fine_tuning import Copy, demonstrations, shuffled, tokenised
        from crossrisk.targets.layers import decoder_layers, down_projection
        from crossrisk.targets.weights import canonical_name

        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        layer = int(distances(target, data.pairs[: self.located_on], self.locate).argmax())
        down = down_projection(decoder_layers(target.model)[layer])
        safe = tokenised(target, [pair.messages for pair in data.pairs], [pair.chosen for pair in data.pairs])
        harmless = demonstrations(target, data.retain)
        trained = Copy(target, trained=[canonical_name(target.model, down.weight)])  # type: ignore[arg-type]
        drawn = derived_seed(self.name, data.checksum, seed)
        taught = shuffled(len(safe), self.batch_size, drawn)
        kept = shuffled(len(harmless), self.batch_size, drawn + 1)
        batches = list(islice(zip(taught, kept, strict=True), self.steps))

        def loss_of(indices: tuple[list[int], list[int]]) -> "Tensor":
            teaching, keeping = (
                trained.batch([rows[i] for i in chosen]) for rows, chosen in zip((safe, harmless), indices, strict=True)
            )
            loss = self.safe_weight * losses.negative_log_likelihood(trained.log_probs(teaching), teaching.reply_tokens)
            if self.locality_weight:
                loss = loss + self.locality_weight * trained.divergence(keeping).sum() / keeping.reply_tokens.sum()
            return loss

        seen = trained.descend(batches, loss_of, learning_rate=self.learning_rate)
        meta = {"scale": strength, "layer": layer, "loss_first": seen[0], "loss_last": seen[-1]}
        return Artifact("delta", trained.delta(), meta)

    def deploy(self, target: "Target", artifact: Artifact) -> "AbstractContextManager[Target]":
        """The model with the change added to one matrix; the saved original is copied back on exit."""
        return deployed_delta(self.name, target, artifact)


def distances(target: "Target", pairs: "Sequence[Preference]", locate: Locate) -> "Tensor":
    """How far apart safe and unsafe replies are at each layer's output, the mean over pairs, [layers]."""
    from crossrisk.targets.activation import hidden_states
    from crossrisk.targets.chat import tokenise_replies

    prompts = target.encode_all([pair.messages for pair in pairs])
    safe, unsafe = (
        hidden_states(target, prompts, tokenise_replies(target.tokenizer, replies), at="reply")
        for replies in ([pair.chosen for pair in pairs], [pair.rejected for pair in pairs])
    )
    apart = (safe - unsafe).norm(dim=-1)
    if locate == "normalised":
        apart = apart / ((safe.norm(dim=-1) + unsafe.norm(dim=-1)) / 2)
    mean: Tensor = apart.mean(dim=0)
    return mean


dinm = from_settings("dinm", Detoxifying)
