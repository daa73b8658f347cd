"""Conflict-entangled neurons: those that raise one risk and lower another, beyond what chance and scale bring about.

1. Prompts are averaged within their cluster, the unit of everything that follows.
2. Each neuron's means are tested one-sided both ways and joined to one p (`intersection_union`); too small a neuron
   counts as not found (p = 1), so that the rate of false discoveries is kept among the large ones.
3. Benjamini-Hochberg over all neurons.
4. The same with random signs for whole clusters (`sign_flips`): what chance finds.
5. Chosen on half of the clusters, signs compared on the other (`split_half`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossrisk.neurons.conflicts.cluster_means import ClusterMeans, cluster_means, random_signs
from crossrisk.neurons.conflicts.conflict_test import as_tested, found_by_test, strongest
from crossrisk.neurons.conflicts.false_discovery import Correction, Floats, Indices
from crossrisk.neurons.conflicts.layer_floor import Layers
from crossrisk.neurons.conflicts.moments import Moments
from crossrisk.neurons.conflicts.paper_rule import TOP, null_counts_of_rule, opposed_by_rule
from crossrisk.neurons.conflicts.sign_flips import Procedure, SignedRisk, null_counts
from crossrisk.neurons.conflicts.split_half import SplitHalf, split_half

FEWEST, ADVISED = 8, 64  # clusters per risk
_LEVEL = 0.05  # of the checks that warn


@dataclass(frozen=True)
class Conflicts:
    """Neurons on which two risks pull in opposite directions, and what speaks for and against them.

    neurons: column indices, ascending. raises_first: whether each raises risk 1 and lowers risk 2. p, p_adjusted: of
    the test, whichever method chose them. mean_a, mean_b: mean attributions over clusters. aligned: column indices of
    neurons with the same sign for both risks, chosen alike. null_mean, null_p: conflicts that the procedure finds under
    random signs on average, and p of finding as many, both of the null that finds most. empirical_fdr: expected share
    of false ones at the threshold that was used; None where none was found. split_half: None where nothing was found or
    chosen. warning: why the set should not be trusted, None where both checks pass. clusters: of both risks.
    """

    method: Literal["test", "paper"]
    neurons: Indices
    raises_first: NDArray[np.bool_]
    p: Floats
    p_adjusted: Floats
    mean_a: Floats
    mean_b: Floats
    aligned: Indices
    tested: int
    clusters: tuple[int, int]
    null_mean: float
    null_p: float
    empirical_fdr: float | None
    split_half: SplitHalf | None
    warning: str | None
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.neurons)


def find_conflicts(
    a: ArrayLike | ClusterMeans,
    b: ArrayLike | ClusterMeans,
    *,
    clusters_a: ArrayLike | None = None,
    clusters_b: ArrayLike | None = None,
    q: float = 0.05,
    seed: int = 0,
    layers: ArrayLike | None = None,
    floor: float = 0.1,
    correction: Correction = "BH",
    method: Literal["test", "paper"] = "test",
    top: float = TOP,
    draws: int = 200,
) -> Conflicts:
    """Neurons whose mean attribution is positive for one risk and negative for the other, at false discovery rate q.

    a, b: attributions to risk 1 and 2, prompts x neurons, or `ClusterMeans`, which may lie on disk. clusters_a,
    clusters_b: the template of each prompt; without them prompts count as independent. A cluster of the same name in
    both risks is given the same random signs in both, so that those asked of the same prompts keep their correlation.
    layers: the layer of each neuron. floor: the least |mean attribution|, for both risks, as a share of its average in
    the layer; 0.1 leaves out only what is far below it. correction: BH, or BY for any dependence between neurons.
    method: `paper` takes the published rule with its share `top` instead of steps 2 and 3. draws: of signs; with
    fewer than 19 no set can pass the checks.

    Null of a neuron: its mean is 0 for one of the risks. Assumes independent clusters. Attributions need not be normal,
    but where means hang on few large clusters the rate is not kept (`intersection_union.skew_safe_tails`), and neither
    random signs, which make everything symmetric, nor halves tell. A neuron that never varies is not found. Raises
    ValueError where a risk has fewer than 8 clusters, columns differ in number, a value is not finite, or no neuron of
    a risk varies.
    """
    if not 0 < q < 1 or floor < 0 or draws < 1:
        raise ValueError(f"q must lie in (0, 1), floor be 0 or more, draws 1 or more; got {q:g}, {floor:g}, {draws}")
    if method not in ("test", "paper") or correction not in ("BH", "BY"):
        raise ValueError(f"method is 'test' or 'paper' and correction 'BH' or 'BY', got '{method}' and '{correction}'")
    means = (_means(a, clusters_a, seed, "risk 1"), _means(b, clusters_b, seed, "risk 2"))
    if means[0].neurons != means[1].neurons:
        raise ValueError(f"risk 1 has {means[0].neurons} neurons, risk 2 {means[1].neurons}: attribute the same model")
    halves = (means[0].halves(), means[1].halves())
    wholes = (halves[0][0] + halves[0][1], halves[1][0] + halves[1][1])
    _check_values(means[0], wholes[0], a, "risk 1")
    _check_values(means[1], wholes[1], b, "risk 2")
    risks = (
        SignedRisk(means[0], wholes[0], random_signs(means[0].names, draws, seed)),
        SignedRisk(means[1], wholes[1], random_signs(means[1].names, draws, seed)),
    )
    procedure = Procedure(Layers.of(layers, means[0].neurons), q, floor, correction)
    if method == "paper":
        chosen = as_tested(risks, procedure, opposed_by_rule(*wholes, top=top))
        aligned = opposed_by_rule(*wholes, top=top, same=True)
        by_chance = null_counts_of_rule(risks, top)
        expected = max(float(counts.mean()) for counts in by_chance.values())
        choose = partial(opposed_by_rule, top=top)
    else:
        chosen = found_by_test(risks, procedure)
        aligned = found_by_test(risks, procedure, "same").neurons
        null = null_counts(risks, procedure, float(chosen.p.max(initial=0.0)))
        by_chance, expected = null.found, null.expected_false()
        choose = partial(strongest, len(chosen.neurons), procedure)
    found = len(chosen.neurons)
    null_p = max((1 + int(np.count_nonzero(counts >= found))) / (1 + draws) for counts in by_chance.values())
    checked = split_half(risks, halves, choose) if found else None
    mean_a, mean_b = (whole.mean[chosen.neurons] for whole in wholes)
    return Conflicts(
        method=method,
        neurons=chosen.neurons,
        raises_first=mean_a > 0,
        p=chosen.p,
        p_adjusted=chosen.p_adjusted,
        mean_a=mean_a,
        mean_b=mean_b,
        aligned=aligned,
        tested=means[0].neurons,
        clusters=(len(means[0]), len(means[1])),
        null_mean=max(float(counts.mean()) for counts in by_chance.values()),
        null_p=null_p,
        empirical_fdr=min(1.0, expected / found) if found else None,
        split_half=checked,
        warning=_warning(found, null_p, checked),
        notes=tuple(_notes(means, wholes)),
    )


def _means(rows: ArrayLike | ClusterMeans, clusters: ArrayLike | None, seed: int, risk: str) -> ClusterMeans:
    if isinstance(rows, ClusterMeans):
        if clusters is not None:
            raise ValueError(f"{risk}: cluster means have their clusters; labels are for prompts")
        means = rows
    else:
        try:
            means = cluster_means(rows, clusters, seed=seed)
        except ValueError as error:
            raise ValueError(f"{risk}: {error}") from None
    if len(means) < FEWEST:
        raise ValueError(
            f"{risk} has {len(means)} clusters and needs {FEWEST} or more (better {ADVISED}): "
            "take prompts from more templates"
        )
    return means


def _check_values(means: ClusterMeans, moments: Moments, rows: ArrayLike | ClusterMeans, risk: str) -> None:
    """Raises ValueError for values that are not finite and where nothing varies."""
    if not np.isfinite(moments.squares).all():
        given = means.values if isinstance(rows, ClusterMeans) else np.asarray(rows)
        place = next(place for place, row in enumerate(given) if not np.isfinite(np.float32(row)).all())
        where = f"cluster '{means.names[place]}'" if isinstance(rows, ClusterMeans) else f"prompt {place}"
        count = int(np.count_nonzero(~np.isfinite(np.float32(given[place]))))
        raise ValueError(
            f"{risk}, {where}: {count} attributions are not finite; leave it out or compute gradients in float32"
        )
    if not moments.varies.any():
        raise ValueError(f"{risk}: every neuron has the same attribution in all clusters, so nothing can be tested")


def _warning(found: int, null_p: float, checked: SplitHalf | None) -> str | None:
    """Why the set should not be trusted, in plain words; None where it is empty or both checks pass."""
    reasons = []
    if found and null_p > _LEVEL:
        reasons.append(f"random signs give as many conflicts (p = {null_p:.2g})")
    if found and checked is None:
        reasons.append("no neuron is chosen on half of the clusters, so the set could not be checked on the other half")
    if checked is not None and checked.p > _LEVEL:
        reasons.append(
            f"of the neurons chosen on one half of the clusters, {checked.agreement:.0%} keep both signs on the other, "
            f"where chance gives {checked.null:.0%} (p = {checked.p:.2g})"
        )
    return f"do not trust these neurons: {'; '.join(reasons)}" if reasons else None


def _notes(means: tuple[ClusterMeans, ClusterMeans], wholes: tuple[Moments, Moments]) -> Iterator[str]:
    for number, (one, moments) in enumerate(zip(means, wholes, strict=True), start=1):
        if len(one) < ADVISED:
            yield (
                f"risk {number} has {len(one)} clusters; with fewer than {ADVISED} only large conflicts are found, and "
                "false ones among them where few clusters are far larger than the others"
            )
        still = one.neurons - int(np.count_nonzero(moments.varies))
        if still:
            yield f"{still} neurons have the same attribution to risk {number} in all clusters and cannot be found"
