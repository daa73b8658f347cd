"""SPIN: weights that carry fairness and privacy at once are silenced, so that neither stands in the other's way.

Qian et al. (2025), DEAN: deactivating the coupled neurons to mitigate fairness-privacy conflicts in large language
models, arXiv 2410.16672. Importance is that of SNIP: Lee et al. (2019), arXiv 1810.02340.
"""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, Demonstration, FitData, Needs
from crossrisk.defenses.deployment import deployed_delta
from crossrisk.defenses.fitting import derived_seed, drawn_from, require
from crossrisk.defenses.settings import Configured, Count, from_settings
from crossrisk.errors import RequestError
from crossrisk.risks import Mechanism, Risk, Threat

if TYPE_CHECKING:
    from torch import Tensor, nn

    from crossrisk.targets.target import Target

Share = Annotated[float, Field(ge=0, le=1)]

CARD = Card(
    title="SPIN (DEAN), suppressing the coupled neurons of fairness and privacy",
    paper="Qian et al. (2025), DEAN: deactivating the coupled neurons to mitigate fairness-privacy conflicts in large "
    "language models, arXiv 2410.16672; importance: SNIP, Lee et al. (2019), arXiv 1810.02340",
    formula="""importance(W) = |W| * sum over samples of |d NLL(reply) / d W|   of each MLP matrix, each kind of sample
W[i] <- (1 - strength) W[i]   for i in (top q of fairness and top q of privacy) without top p of harmless replies""",
    deviation=Deviation.FIXED,
    differs="The released code ANDs masks of two index lists that are sorted differently, so what it silences is not "
    "the intersection; here they are sets of positions. Shares are of each matrix.",
    strength="The share of each chosen weight that is taken away.",
    data="`forget` or `refusals` of fairness and of privacy, and `retain`.",
    cost="A pass forward and one backward for each of three times `samples` texts. Nothing per reply.",
    invariants=(
        "chosen are positions in both top shares and not in that of harmless replies, counted by hand",
        "at strength 1 they are 0 and all other weights what they were",
        "the data of the other risk are in the key of the artifact",
    ),
    large="`top` and `spared` 5e-7, `samples` 128, as in the paper.",
)


@dataclass(frozen=True)
class Decoupling(Configured):
    """SPIN, fitted on the data of fairness and of privacy.

    risk: which of the two is called its target; the fit is the same. replies: whether importance is to the risky
    replies or to the safe ones. top: q above, the share of each matrix that counts as important to a risk. spared: p,
    the share that is important to harmless replies. samples: of each kind.
    """

    risk: Literal[Risk.FAIRNESS, Risk.PRIVACY] = Risk.FAIRNESS
    replies: Literal["safe", "risky"] = "safe"
    top: Share = 0.3
    spared: Share = 0.1
    samples: Count = 96

    registered: ClassVar[str] = "spin"
    version = 1
    mechanism = Mechanism.WEIGHTS
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score", "weights"})
    card: ClassVar[Card] = CARD

    @property
    def other(self) -> Risk:
        """The other of the two risks."""
        return Risk.PRIVACY if self.risk is Risk.FAIRNESS else Risk.FAIRNESS

    @property
    def needs(self) -> Needs:
        """The same fields of both risks."""
        return Needs(data=(self._shown, "retain"), risks=(self.other,), gradients=True, weights=True)

    @property
    def threat(self) -> Threat | None:
        """As a defense of privacy it makes the model disclose less; it forgets no record in particular."""
        return Threat.DISCLOSURE if self.risk is Risk.PRIVACY else None

    @property
    def _shown(self) -> str:
        return "forget" if self.replies == "risky" else "refusals"

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Find the weights on a copy; the artifact takes them away."""
        import torch

        from crossrisk.defenses.fine_tuning import twin
        from crossrisk.targets.weights import canonical_parameters

        require(self, target, data, strength)
        if strength * self.top == 0:
            return Artifact("nothing")
        model = twin(target.model).eval()
        drawn = derived_seed(self.name, data.checksum, seed)
        both = getattr(data, self._shown), getattr(data.others[self.other], self._shown)
        first, second, general = (
            importance(target, model, drawn_from(shown, self.samples, drawn)) for shown in (*both, data.retain)
        )
        deltas, silenced = {}, 0
        weights = canonical_parameters(model)
        for name in first:
            chosen = coupled(first[name], second[name], general[name], top=self.top, spared=self.spared)
            if len(chosen):
                weight = weights[name].detach().float().cpu()
                delta = torch.zeros(weight.numel())
                delta[chosen] = -weight.flatten()[chosen]
                deltas[name], silenced = delta.reshape(weight.shape), silenced + len(chosen)
        if not silenced:
            raise RequestError(
                f"defense '{self.name}' found no weight in the top {self.top:g} of both risks beyond the "
                f"{self.spared:g} of harmless replies: raise `top` or lower `spared`"
            )
        return Artifact("delta", deltas, {"scale": strength, "weights": silenced})

    def deploy(self, target: "Target", artifact: Artifact) -> "AbstractContextManager[Target]":
        """The model without these weights; the saved originals are copied back on exit."""
        return deployed_delta(self.name, target, artifact)


def importance(target: "Target", model: Any, shown: Sequence[Demonstration]) -> "dict[str, Tensor]":
    """|W| times the summed size of each reply's gradient, of every matrix of the MLPs, flat, by canonical name.

    model: a copy that is the caller's; its matrices learn to have gradients here.
    """
    import torch

    from crossrisk.defenses.fine_tuning import collated, demonstrations, log_probs_of_replies

    matrices = mlp_matrices(model)
    sums = {name: torch.zeros_like(weight, dtype=torch.float32) for name, weight in matrices.items()}
    for weight in matrices.values():
        weight.requires_grad_(True)
    for row in demonstrations(target, shown):
        batch = collated([row], target.device)
        loss = -log_probs_of_replies(model, batch).sum() / batch.reply_tokens.sum()
        for total, gradient in zip(sums.values(), torch.autograd.grad(loss, list(matrices.values())), strict=True):
            total += gradient.float().abs()
    return {name: (weight.detach().float().abs() * sums[name]).flatten().cpu() for name, weight in matrices.items()}


def mlp_matrices(model: Any) -> "dict[str, nn.Parameter]":
    """The matrices into and out of the neurons of each layer, by canonical name."""
    from crossrisk.targets.layers import decoder_layers, down_projection, neuron_axis
    from crossrisk.targets.weights import canonical_name

    found: dict[str, nn.Parameter] = {}
    for layer in decoder_layers(model):
        down: Any = down_projection(layer)
        neurons = down.weight.shape[neuron_axis(down)]
        # Inside of an MLP every matrix counts: Phi-3 has gate and up in one, of twice as many neurons. OPT has none.
        inside = getattr(layer, "mlp", None)
        for weight in (layer if inside is None else inside).parameters():
            if weight.dim() == 2 and (inside is not None or neurons in weight.shape):
                found[canonical_name(model, weight)] = weight
    return found


def coupled(first: "Tensor", second: "Tensor", general: "Tensor", *, top: float, spared: float) -> list[int]:
    """Positions in the top share of both importances and not in that of the general one, ascending.

    All three are flat and equally long. Shares are rounded up, so that any share above 0 holds one position at least.
    """

    def best(scores: "Tensor", share: float) -> "Tensor":
        places = scores.topk(math.ceil(share * scores.numel())).indices
        return scores.new_zeros(scores.shape).bool().scatter(0, places, True)

    # Masks by position, and no Python sets: a matrix of a large model has tens of millions of positions.
    found: list[int] = (best(first, top) & best(second, top) & ~best(general, spared)).nonzero()[:, 0].tolist()
    return found


spin = from_settings("spin", Decoupling)
