"""Conditional steering: hidden states are moved towards safe behaviour, for prompts that a gate holds to be risky.

h_l += alpha |h_l| v_l / |v_l| at the last prompt token and in the whole reply, where v_l is the mean difference of
hidden states between safe and risky behaviour at layer l. Vectors: Rimsky et al. (2024), CAA, arXiv 2312.06681; a
condition in front of them: Lee et al. (2025), CAST, arXiv 2409.05907. With `dp`, vectors are differentially private:
Goel et al. (2025), PSA, arXiv 2501.18532.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.fitting import derived_seed, drawn_from, require
from crossrisk.defenses.settings import Configured, Count, Finite, Positive
from crossrisk.errors import RequestError
from crossrisk.risks import Chat, Mechanism, Risk, Threat

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.defenses.prompt_gates import PromptGate
    from crossrisk.defenses.shifts import Examples
    from crossrisk.targets.target import Target

Fraction = Annotated[float, Field(ge=0, le=1)]
Probability = Annotated[float, Field(gt=0, lt=1)]

CARD = Card(
    title="Conditional activation steering",
    paper="Rimsky et al. (2024), CAA, arXiv 2312.06681; Lee et al. (2025), CAST, arXiv 2409.05907; private vectors: "
    "Goel et al. (2025), PSA, arXiv 2501.18532",
    formula="""h_l <- h_l + gate(prompt) * alpha * m_l * v_l / |v_l|     last prompt token and whole reply
v_l = mean over pairs of [mean over reply tokens of h_l(safe) - h_l(risky)]
m_l = median norm of h_l at the last token of harmless prompts
gate = logistic probe of one layer, chosen by cross-validated accuracy, >= threshold""",
    deviation=Deviation.VARIANT,
    differs="The gate is a logistic probe of the prompt's last token and decides once for the whole reply; strength is "
    "in multiples of the model's own norms, so that one setting serves all layers and models. The noise of `dp` is "
    "drawn from the fit's seed, so that a study can be repeated: who knows seed and data can take it off.",
    strength="Scales what is added.",
    data="`pairs`, `retain` (harmless prompts).",
    cost="A few forward passes over the examples; then one more pass over each prompt, nothing per token.",
    invariants=(
        "alpha 0 is the identity, at layer l the hidden state moves by the vector exactly",
        "rows with the gate shut are the base's bit for bit, whatever else is in the batch",
        "with `dp`, replacing one pair moves the mean by at most 2 C / n, and the noise has the deviation that the "
        "analytic Gaussian mechanism asks for",
    ),
    large="`first: 0.31, last: 0.6` and `alpha` 0.1 to 0.3: papers steer the middle of the model, and layers add up.",
)


@dataclass(frozen=True)
class Steering(Configured):
    """Steering away from one risk.

    alpha: how far, in the unit. unit: `norm`, multiples of the median norm of the layer's hidden states; `difference`,
    of the mean difference as it is; `absolute`, of a vector of norm 1. contrast: whether the vectors come from safe and
    risky `replies` to the same prompts, or from risky and harmless `prompts`, which asks for a model that refuses the
    risky ones. first, last: the layers, as fractions of the depth; without both, the layer that the gate reads. gate:
    what tells risky prompts, a `probe` of hidden states or the `cosine` to what assent does on them; `none` steers
    every prompt. threshold: from which probability, or cosine, on a prompt is risky. opposite: steer harmless prompts
    the other way. dp: (epsilon, delta) of all vectors together, divided equally among the layers; it is the pairs that
    are protected, and in the vectors alone, so a gate that nobody may see either must be `none`. clip: C, in multiples
    of the layer's median norm. examples: how many pairs, and harmless prompts, are read.
    """

    risk: Risk
    alpha: Finite = 0.8
    unit: Literal["norm", "difference", "absolute"] = "norm"
    contrast: Literal["replies", "prompts"] = "replies"
    first: Fraction | None = 0.75
    last: Fraction | None = 0.75
    gate: Literal["probe", "cosine", "none"] = "probe"
    threshold: Probability = 0.5
    opposite: bool = False
    dp: tuple[Positive, Probability] | None = None
    clip: Positive = 1.0
    examples: Count = 512

    registered: ClassVar[str] = "steering"
    version = 1
    mechanism = Mechanism.ACTIVATION
    needs = Needs(data=("pairs", "retain"), weights=True)
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score"})
    card: ClassVar[Card] = CARD

    def __post_init__(self) -> None:
        if (self.first is None) != (self.last is None) or (self.first or 0) > (self.last or 1):
            raise RequestError(
                f"defense '{self.registered}' steers the layers from `first` to `last`, got {self.first} to "
                f"{self.last}: give both, the smaller first, or neither for the layer that the gate reads"
            )
        if self.first is None and self.gate != "probe":
            raise RequestError(
                f"defense '{self.registered}' without `first` and `last` steers the layer that its probe reads, and "
                f"gate '{self.gate}' has none: give both, or `gate: probe`"
            )
        if self.dp is not None and self.contrast != "replies":
            raise RequestError(
                f"defense '{self.registered}' protects pairs of replies with `dp`: with it, contrast is 'replies'"
            )

    @property
    def threat(self) -> Threat | None:
        """As a defense of privacy it makes the model decline; what is memorised stays in the weights."""
        return Threat.DISCLOSURE if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Read the examples on the target; the artifact holds what is added at each layer, and the gate."""
        from crossrisk.defenses.shifts import examples

        require(self, target, data, strength)
        if strength * self.alpha == 0:
            return Artifact("nothing")
        drawn = derived_seed(self.name, data.checksum, seed)
        pairs = drawn_from(data.pairs, self.examples, drawn)
        harmless = drawn_from(data.retain, self.examples, drawn)
        shown = examples(target, pairs, harmless, self.contrast)
        gate, told = self._fitted_gate(target, shown, [pair.messages for pair in pairs], drawn)
        depth = shown.differences.shape[1]
        layers = self._layers(depth, told.get("layer"))
        scale = self.alpha * strength
        shifts = {layer: scale * self._vector(shown, layer, len(layers), drawn) for layer in layers}
        tensors = {f"layers.{layer}.shift": shift.float() for layer, shift in shifts.items()}
        kept = {} if gate is None else gate.tensors
        return Artifact("vectors", tensors | kept, {"gate": told or None, "kept": sorted(kept)})

    def _layers(self, depth: int, read: int | None) -> range:
        from crossrisk.targets.layers import layers_between

        if self.first is None or self.last is None:
            assert read is not None
            return range(read, read + 1)
        return layers_between(depth, self.first, self.last)

    def _vector(self, shown: "Examples", layer: int, layers: int, seed: int) -> "Tensor":
        """What alpha multiplies, float64."""
        import torch

        from crossrisk.defenses.private_mean import private_mean

        differences, norm = shown.differences[:, layer], float(shown.norms[layer])
        if self.dp is None:
            vector = differences.mean(dim=0)
        else:
            epsilon, delta = (budget / layers for budget in self.dp)
            noise = torch.Generator().manual_seed(derived_seed(seed, layer))
            vector = private_mean(differences, self.clip * norm, epsilon=epsilon, delta=delta, generator=noise)
        if self.unit != "difference":
            vector = vector / torch.linalg.vector_norm(vector) * (norm if self.unit == "norm" else 1.0)
        return vector

    def _fitted_gate(
        self, target: "Target", shown: "Examples", chats: list[Chat], seed: int
    ) -> "tuple[PromptGate | None, dict[str, Any]]":
        """The gate, and what is to be known of it."""
        from crossrisk.defenses.prompt_gates import CosineGate, fitted_probe, moved_by_assent

        if self.gate == "none":
            return None, {}
        if self.gate == "probe":
            probe, accuracy = fitted_probe(shown.risky, shown.harmless, threshold=self.threshold, seed=seed)
            return probe, {"layer": probe.layer, "accuracy": accuracy, "threshold": self.threshold}
        moves = moved_by_assent(target, target.encode_all(chats))
        layers = tuple(self._layers(moves.shape[1], None))
        gate = CosineGate(layers, moves[:, layers].double().mean(dim=0).float(), self.threshold)
        return gate, {"layers": list(layers), "threshold": self.threshold}

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """The target with the edit; nothing stands on the model itself but for the length of a forward pass.

        Raises RequestError for vectors of another model.
        """
        from crossrisk.defenses.prompt_gates import gate_of
        from crossrisk.defenses.shifts import Shift, check_model

        if artifact.kind == "nothing":
            yield target
            return
        gate = gate_of(artifact.tensors, artifact.meta["gate"])
        shifts = {int(name.split(".")[1]): v for name, v in artifact.tensors.items() if name.endswith(".shift")}
        check_model(shifts, target)
        yield target.with_activation_edit(Shift(f"{self.name}:{artifact.sha256}", shifts, gate, self.opposite))
