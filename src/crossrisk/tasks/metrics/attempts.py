"""Samples that are asked several times, and what k attempts reach."""

import re
from typing import TYPE_CHECKING

import numpy as np

from crossrisk.tasks.metric import Outcomes
from crossrisk.tasks.metrics.breakdown import cell_numbers, means_by_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crossrisk.tasks.metric import Floats

_ATTEMPT = re.compile(r"#\d+$")


def sample_codes(outcomes: Outcomes) -> "NDArray[np.intp]":
    """A number for the sample of every row: rows "ID#1", "ID#2" and so on of one cluster are attempts at one."""
    samples = [_ATTEMPT.sub("", name) for name in outcomes.ids.tolist()]
    return cell_numbers(outcomes.clusters, np.array(samples, dtype=np.str_))


def mean_of_attempts(outcomes: Outcomes, values: "Floats") -> "Floats":
    """One value a sample, the mean over its attempts that have one; NaN where none has."""
    return means_by_code(values, sample_codes(outcomes))


def largest_of_attempts(outcomes: Outcomes, values: "Floats") -> "Floats":
    """One value a sample, the largest of its attempts; NaN where none has one."""
    codes = sample_codes(outcomes)
    largest = np.full(int(codes.max(initial=-1)) + 1, np.nan)
    np.fmax.at(largest, codes, values)
    return largest


def any_of_k(chances: "Floats") -> "Floats":
    """How likely one of k attempts succeeds, k drawn from n without replacement; (n,) for k from 1 to n.

    chances: of each attempt to succeed, 0 or 1 where its outcome is known. Then this is 1 - C(n - c, k) / C(n, k) with
    c successes, unbiased where the share of tasks with a success among their first k is merely one draw. Chen et al.
    (2021), arXiv 2107.03374, equation 1.
    """
    k = np.arange(len(chances) + 1)
    # Over all sets of k of the attempts seen so far, the mean chance that every one of them fails.
    failing = (k == 0).astype(np.float64)
    for seen, chance in enumerate(chances, 1):
        with_this_one = np.concatenate(([0.0], failing[:-1])) * (1 - chance)
        failing = ((seen - k).clip(0) * failing + k * with_this_one) / seen
    succeeding: Floats = 1 - failing[1:]
    return succeeding
