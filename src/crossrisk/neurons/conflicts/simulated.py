"""Attributions whose truth is known: heavy tails, scales shared by both risks, planted conflicts among decoys.

An attribution is the neuron's scale times (its effect + noise of variance 1). Real MLP neurons differ in scale by
orders of magnitude, and one that is large for one risk is large for the other; that is what fools rules on size.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Simulated:
    """a, b: prompts x neurons for risk 1 and 2. clusters_a, clusters_b: cluster of each prompt. conflicts: columns of
    the planted conflicts; raises_first: which of them raise risk 1. one_risk: columns with an effect on one risk alone.
    decoys: columns that are active and large for both risks and do nothing."""

    a: Rows
    b: Rows
    clusters_a: NDArray[np.intp]
    clusters_b: NDArray[np.intp]
    conflicts: NDArray[np.intp]
    raises_first: NDArray[np.bool_]
    one_risk: NDArray[np.intp]
    decoys: NDArray[np.intp]


def simulated_attributions(
    neurons: int = 40_000,
    prompts: int = 128,
    *,
    conflicts: int = 200,
    effect: float = 0.5,
    sigma: float = 1.0,
    one_risk: int = 0,
    decoys: int = 0,
    decoy_scale: float = 20.0,
    tail: float | None = None,
    skewed: bool = False,
    cluster_size: int = 1,
    correlation: float = 0.3,
    seed: int = 0,
) -> Simulated:
    """Attributions of `neurons` to two risks on `prompts` prompts each, other ones for each risk.

    effect: mean of planted neurons, in standard deviations of one prompt's attribution. sigma: of the log of the scale,
    which both risks share; it is drawn for planted neurons like for all others, but decoys have `decoy_scale` times as
    much. tail: degrees of freedom (over 2) of Student's t in place of normal noise. skewed: exponential noise, either
    way round by neuron. cluster_size: prompts per template, whose noise correlates by `correlation` within one. Raises
    ValueError where more neurons are planted than there are, prompts do not fill clusters, or tails have no variance.
    """
    if conflicts + one_risk + decoys > neurons:
        raise ValueError(f"{conflicts + one_risk + decoys} neurons are to be planted among {neurons}")
    if prompts % cluster_size:
        raise ValueError(f"{prompts} prompts do not fill clusters of {cluster_size}")
    if tail is not None and tail <= 2:
        raise ValueError(f"Student's t with {tail:g} degrees of freedom has no variance; take more than 2")
    rng = np.random.default_rng(seed)
    planted = rng.permutation(neurons)[: conflicts + one_risk + decoys]
    opposed, alone, active = (np.sort(part) for part in np.split(planted, [conflicts, conflicts + one_risk]))
    raises_first = rng.random(conflicts) < 0.5
    effects = np.zeros((2, neurons))
    effects[0, opposed] = np.where(raises_first, effect, -effect)
    effects[1, opposed] = -effects[0, opposed]
    effects[rng.integers(0, 2, one_risk), alone] = effect * (2 * rng.integers(0, 2, one_risk) - 1)
    scale = np.exp(sigma * rng.standard_normal(neurons))
    scale[active] *= decoy_scale
    side = 2 * rng.integers(0, 2, neurons).astype(np.float32) - 1

    def noise(rows: int) -> Rows:
        if skewed:
            return side * (rng.standard_exponential((rows, neurons), dtype=np.float32) - 1)
        normal = rng.standard_normal((rows, neurons), dtype=np.float32)
        if tail is None:
            return normal
        # Normal over the root of an independent chi-square per degree of freedom is Student's t.
        spread = rng.standard_gamma(tail / 2, (rows, neurons), dtype=np.float32) * np.float32(2 / tail)
        return np.asarray(normal / np.sqrt(spread) * np.float32(((tail - 2) / tail) ** 0.5), dtype=np.float32)

    templates = np.repeat(np.arange(prompts // cluster_size), cluster_size)
    risks = []
    for side_effects in effects:
        values = noise(prompts)
        if cluster_size > 1:
            shared = noise(prompts // cluster_size)[templates]
            values = np.float32(correlation**0.5) * shared + np.float32((1 - correlation) ** 0.5) * values
        risks.append(((values + side_effects.astype(np.float32)) * scale.astype(np.float32)).astype(np.float32))
    return Simulated(risks[0], risks[1], templates, templates.copy(), opposed, raises_first, alone, active)
