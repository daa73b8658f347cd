"""Representation training: the hidden states of risky replies are driven away, those of harmless chats are held.

rr    away from where they were:  c_away mean ReLU cos(h, h_before)  +  c_retain mean |h - h_before| / |h_before|
      Zou et al. (2024), Circuit breakers, arXiv 2406.04313
rmu   to one random vector:  mean |h - u|^2 / width  +  coefficient mean |h - h_before|^2 / width, one layer
      Li et al. (2024), arXiv 2403.03218
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, FitData, Needs
from crossrisk.defenses.fitting import derived_seed, require
from crossrisk.defenses.settings import Count, Positive
from crossrisk.defenses.training import Training, trained_artifact
from crossrisk.risks import Risk, Threat

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

Depth = Annotated[float, Field(ge=0, le=1)]
Depths = Annotated[tuple[Depth, ...], Field(min_length=1)]

CARD = Card(
    title="Representation training",
    paper="Zou et al. (2024), Improving alignment and robustness with circuit breakers, arXiv 2406.04313; Li et al. "
    "(2024), The WMDP benchmark: measuring and reducing malicious use with unlearning (RMU), arXiv 2403.03218",
    formula="""rr:  L = c_retain mean |h - h_before| / |h_before| of harmless chats, at all layers
         + c_away mean ReLU cos(h, h_before) of risky replies, at `layers`
     c_retain = a t / 2T, c_away = a (1 - t / 2T), a the coefficient
rmu: L = mean |h - u|^2 / width of risky replies + a mean |h - h_before|^2 / width of harmless chats, at one layer
     u = c r / |r|, r uniform in [0, 1]^width""",
    deviation=Deviation.VARIANT,
    differs="Of a risky chat the reply counts, with the token that predicts its first, and padding nowhere; layers are "
    "fractions of the depth, c is a multiple of the layer's median norm, and the distances of rr are relative.",
    strength="Scales the change of the weights (of the LoRA's update) linearly.",
    data="`forget`, `retain`.",
    cost="For each step and kind of chat a pass of the model before, and one with gradients of the model in training.",
    invariants=(
        "rr: at the start the cosine is 1, the retain loss 0 and all gradients finite; the cosine falls",
        "rr: the two weights sum to the coefficient at every step",
        "rmu: the norm of u is c, at most three matrices change, states of risky replies turn to u and others stay",
    ),
    large="rr: `rank` 16, `alpha` 16, `coefficient` 10, `learning_rate` 1e-4, `steps` 150, `batch_size` 16. rmu: "
    "`coefficient` 1200, `learning_rate` 5e-5, `steps` 150, `batch_size` 4.",
)


@dataclass(frozen=True, kw_only=True)
class Representation(Training):
    """Representation training against one risk.

    loss, coefficient: see above. layers: where the states of risky replies count, as fractions of the depth, `rmu`
    takes the first. multiple: c of `rmu`, in multiples of the layer's median norm at the ends of harmless replies.
    Trained are with `rr` all matrices up to the last of these layers, with `rmu` the down projections of its layer and
    of the two before. Each step takes `batch_size` risky replies and as many harmless chats.
    """

    registered: ClassVar[str] = "representation"

    risk: Risk
    loss: Literal["rr", "rmu"] = "rmu"
    layers: Depths = (0.22,)
    coefficient: Positive = 10.0
    multiple: Positive = 1.0
    learning_rate: Positive = 5e-3
    steps: Count = 60

    version = 1
    needs = Needs(data=("forget", "retain"), gradients=True, weights=True)
    card: ClassVar[Card] = CARD

    @property
    def threat(self) -> Threat | None:
        """As a defense of privacy it makes a set of records be forgotten, and protects no others."""
        return Threat.FORGET_SET if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Train a copy of the model; the artifact is what that added to it."""
        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        from crossrisk.defenses.representation_training import misdirected, rerouted

        train = rerouted if self.loss == "rr" else misdirected
        trained, losses = train(target, data, self, seed=derived_seed(self.name, data.checksum, seed))
        return trained_artifact(trained, strength, losses)
