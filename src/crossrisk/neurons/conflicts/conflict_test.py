"""The test of all neurons at once: which of them have a mean above 0 for one risk and below 0 for the other."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossrisk.neurons.conflicts.false_discovery import Floats, Indices, adjusted, discoveries
from crossrisk.neurons.conflicts.intersection_union import Sign, combined_p, skew_safe_tails, t_tails
from crossrisk.neurons.conflicts.moments import Moments
from crossrisk.neurons.conflicts.sign_flips import Procedure, SignedRisk


class Found(NamedTuple):
    """Columns, ascending, with p and adjusted p."""

    neurons: Indices
    p: Floats
    p_adjusted: Floats


def found_by_test(risks: tuple[SignedRisk, SignedRisk], procedure: Procedure, sign: Sign = "opposite") -> Found:
    """Neurons with opposite (or the same) signs at the procedure's false discovery rate, among all neurons.

    Too small a neuron counts as one with p = 1. Dropping it after the correction instead would leave a larger share of
    false ones among the rest.
    """
    first, second = (risk.moments for risk in risks)
    small = ~_tall(procedure, first, second)
    bound = np.where(small, 1.0, _bound(first, second, sign))
    return Found(
        *discoveries(
            bound,
            lambda neurons: _exact(risks, neurons, sign),
            tests=len(bound),
            q=procedure.q,
            correction=procedure.correction,
        )
    )


def as_tested(risks: tuple[SignedRisk, SignedRisk], procedure: Procedure, neurons: Indices) -> Found:
    """What the test says of neurons that were chosen otherwise: their p, adjusted for all neurons."""
    p = _bound(risks[0].moments, risks[1].moments, "opposite")
    p[neurons] = _exact(risks, neurons, "opposite")
    return Found(neurons, p[neurons], adjusted(p, len(p), procedure.correction)[neurons])


def strongest(count: int, procedure: Procedure, first: Moments, second: Moments) -> Indices:
    """The `count` neurons with the smallest p (by t) of a conflict that are large enough; fewer where p reaches 1."""
    p = np.where(_tall(procedure, first, second), _bound(first, second, "opposite"), 1.0)
    order = np.argsort(p, kind="stable")[:count]
    return np.sort(order[p[order] < 1])


def _bound(first: Moments, second: Moments, sign: Sign) -> Floats:
    """p by Student's t alone, [neurons], which is never above the exact one."""
    t = (first.t, second.t)
    return combined_p(
        t_tails(t[0], first.clusters), t_tails(t[1], second.clusters), agree=np.sign(t[0]) == np.sign(t[1]), sign=sign
    )


def _exact(risks: tuple[SignedRisk, SignedRisk], neurons: Indices, sign: Sign) -> Floats:
    first, second = (skew_safe_tails(np.asarray(risk.means.values[:, neurons])) for risk in risks)
    totals = [risk.moments.total[neurons] for risk in risks]
    return combined_p(first, second, agree=np.sign(totals[0]) == np.sign(totals[1]), sign=sign)


def _tall(procedure: Procedure, *moments: Moments) -> NDArray[np.bool_]:
    """Neurons that reach the floor for both risks."""
    reached = [np.abs(one.mean) >= procedure.heights(one.mean)[procedure.layers.codes] for one in moments]
    return np.asarray(reached[0] & reached[1])
