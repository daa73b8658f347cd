"""Random sets of neurons to hold a set against: as many in every layer, as active, none of them its members.

A set that was chosen for large attributions is made of active neurons, and any set of these moves F more than one drawn
from all; so each member is matched by what it writes (`activity`: values times the size of their columns, since that is
all a later layer sees of a neuron), within its layer.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossrisk.errors import RequestError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FEWEST_SETS = 20  # with fewer, the rank of the largest of all is no p of .05
NEAREST = 20  # neurons next in norm that a member's counterpart is drawn from
# Standardised mean difference above which a covariate counts as unbalanced. Stuart (2010), Statistical Science 25:1.
UNBALANCED = 0.25
_ATTEMPTS = 20  # draws of a set before it may be equal to one that was drawn


@dataclass(frozen=True)
class Matched:
    """Random sets, [sets, neurons], and how well they match.

    imbalance: mean log norm of the set less that of its random sets, in standard deviations of the log norms of the
    layers that it is in. notice: what a reader must know, or None.
    """

    sets: Bools
    imbalance: float
    notice: str | None = None


def matched_sets(
    members: ArrayLike,
    norms: Floats,
    *,
    count: int = FEWEST_SETS,
    exclude: ArrayLike | None = None,
    seed: int = 0,
    do: Literal["write", "move"] = "write",
) -> Matched:
    """Random sets with as many neurons of each layer as the set has, of nearly the same norms.

    members: flat indices, layer by layer, or a mask. norms: [layers, neurons of a layer], of what each writes, or of
    how far a defense moved that, which `do` tells. exclude: neurons that may not be drawn either. Each member in turn,
    in random order, gets one of the 20 neurons of its layer nearest in log norm that are left. Sets overlap each other,
    but are different where that is possible. The same seed gives the same sets.
    Raises RequestError for a set that is empty and for a layer with too few other neurons, ValueError for under 20 sets
    and norms that are no numbers.
    """
    if count < FEWEST_SETS:
        raise ValueError(f"a rank against {count} sets cannot reach .05: ask for {FEWEST_SETS} or more")
    if not (np.isfinite(norms).all() and (norms >= 0).all()):
        raise ValueError("norms must be finite and not negative")
    member = _mask(members, norms.shape)
    if not member.any():
        raise RequestError("an empty set of neurons has no matched random sets: choose a set first")
    free = ~member
    if exclude is not None:
        free &= ~_mask(exclude, norms.shape)
    for layer in np.flatnonzero(member.any(axis=1)):
        if free[layer].sum() < member[layer].sum():
            raise RequestError(
                f"layer {layer} has {member[layer].sum()} neurons in the set and {free[layer].sum()} that may be drawn "
                f"of {norms.shape[1]}: no random set matches it; choose a smaller set, or exclude fewer neurons"
            )
    logs = np.log(np.maximum(norms, norms[norms > 0].min(initial=1.0)))
    rng = np.random.default_rng(seed)
    drawn: list[Bools] = []
    seen: set[bytes] = set()
    for _ in range(count):
        for _ in range(_ATTEMPTS):
            one = _drawn(member, free, logs, rng)
            if one.tobytes() not in seen:
                break
        seen.add(one.tobytes())
        drawn.append(one)
    imbalance = _imbalance(member, drawn, logs)
    sets = np.stack([one.reshape(-1) for one in drawn])
    return Matched(sets, imbalance, _notice(imbalance, len(seen), count, do))


def _drawn(member: Bools, free: Bools, logs: Floats, rng: np.random.Generator) -> Bools:
    found = np.zeros_like(member)
    for layer in np.flatnonzero(member.any(axis=1)):
        left = np.flatnonzero(free[layer])
        left = left[np.argsort(logs[layer, left], kind="stable")]
        sizes = logs[layer, left]
        for norm in rng.permutation(logs[layer, member[layer]]):
            place = int(np.searchsorted(sizes, norm))
            start = max(0, place - NEAREST)
            near = np.argsort(np.abs(sizes[start : place + NEAREST] - norm), kind="stable")[:NEAREST]
            chosen = start + near[rng.integers(len(near))]
            found[layer, left[chosen]] = True
            left, sizes = np.delete(left, chosen), np.delete(sizes, chosen)
    return found


def _imbalance(member: Bools, drawn: list[Bools], logs: Floats) -> float:
    layers = member.any(axis=1)
    spread = float(np.sqrt(np.mean(logs[layers].var(axis=1))))
    gap = float(logs[member].mean() - np.mean([logs[one].mean() for one in drawn]))
    return gap / spread if spread > 0 else 0.0


def _notice(imbalance: float, distinct: int, count: int, do: str) -> str | None:
    if abs(imbalance) > UNBALANCED:
        size = "less" if imbalance > 0 else "more"
        return (
            f"the random sets {do} {size} than the set that they are matched to (by {abs(imbalance):.2f} standard "
            "deviations): its layers have too few neurons as active as its own"
        )
    if distinct < count:
        return f"only {distinct} of {count} random sets are different: the layers have too few neurons left"
    return None


def _mask(neurons: ArrayLike, shape: tuple[int, ...]) -> Bools:
    given = np.asarray(neurons)
    if given.dtype == np.bool_:
        return given.reshape(shape).copy()
    mask = np.zeros(int(np.prod(shape)), dtype=np.bool_)
    mask[given.astype(np.intp)] = True
    return mask.reshape(shape)
