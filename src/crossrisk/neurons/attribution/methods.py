"""Which neurons matter to a risk: the methods, each under one name, all giving the same `Piece`s.

gradient_x_activation     what F would lose without the neuron, to first order                one model
base_against_defended     what F gains by the neuron's change under a defense                 two models
twin_patching             what F gains by the neuron's change on a twin prompt                one model, two prompts
knowledge_neurons         integrated gradients of the answers' probability                    one model
privacy_neurons           how often these pass a threshold for the risky answer (DEPN)        one model, no sign
safety_neurons            how much two models' activations differ on the second's replies     two models, no sign
"""

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

from crossrisk.errors import RequestError, unknown
from crossrisk.neurons.attribution.contrasts import Contrast
from crossrisk.neurons.attribution.first_order import (
    Batching,
    Piece,
    Point,
    base_against_defended,
    gradient_times_activation,
)
from crossrisk.neurons.attribution.knowledge_neurons import STEPS, THRESHOLD, knowledge_neurons, privacy_neurons
from crossrisk.neurons.attribution.safety_neurons import safety_neurons
from crossrisk.neurons.attribution.twins import twin_patching
from crossrisk.targets.target import Target

AttributionMethod = Literal[
    "gradient_x_activation",
    "base_against_defended",
    "twin_patching",
    "knowledge_neurons",
    "privacy_neurons",
    "safety_neurons",
]
METHODS: tuple[AttributionMethod, ...] = get_args(AttributionMethod)
UNSIGNED: frozenset[AttributionMethod] = frozenset({"privacy_neurons", "safety_neurons"})


def attributed(
    method: AttributionMethod,
    target: Target,
    contrasts: Sequence[Contrast],
    *,
    defended: tuple[Target, Sequence[Contrast]] | None = None,
    twins: Sequence[Contrast] | None = None,
    point: Point = "mean",
    steps: int = STEPS,
    threshold: float = THRESHOLD,
    how: Batching | None = None,
) -> Iterator[Piece]:
    """Attributions of every neuron by one method, batch by batch.

    defended: the second model of methods that compare two, and the contrasts of the same samples as it is given them.
    twins: `twins.twin_contrasts`. point: of base against defended; steps, threshold: of integrated gradients. Raises
    RequestError for a method that is not known or lacks what it compares with, and whatever the method raises.
    """
    if method == "gradient_x_activation":
        return gradient_times_activation(target, contrasts, how=how)
    if method == "twin_patching":
        if twins is None:
            raise RequestError("twin_patching compares a prompt with its twin: give the twins' contrasts")
        return twin_patching(target, contrasts, twins, how=how)
    if method == "knowledge_neurons":
        return knowledge_neurons(target, contrasts, steps=steps, how=how)
    if method == "privacy_neurons":
        return privacy_neurons(target, contrasts, steps=steps, threshold=threshold, how=how)
    if method not in METHODS:
        raise unknown("attribution method", method, METHODS)
    if defended is None:
        raise RequestError(f"{method} compares two models: give the defended one beside its base")
    if method == "safety_neurons":
        return safety_neurons(target, defended[0], [one.sample for one in contrasts], how=how)
    return base_against_defended(target, defended[0], (contrasts, defended[1]), point=point, how=how)


def check_signed(method: AttributionMethod) -> None:
    """Raises RequestError for a method that cannot give conflicts, since it knows no direction."""
    if method in UNSIGNED:
        signed = ", ".join(name for name in METHODS if name not in UNSIGNED)
        raise RequestError(
            f"{method} says how much and not which way, so no neuron can be in conflict by it: take one of {signed}"
        )
