"""Contenders that do the same work, timed in turns, so that a noisy machine is unfair to none of them."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """Median seconds of each contender over the rounds. ours: the name of the one that the ratios are about."""

    work: str
    ours: str
    seconds: Mapping[str, float]

    def ratio(self, rival: str) -> float:
        """How many times as long the rival takes."""
        return self.seconds[rival] / self.seconds[self.ours]


def contest(work: str, contenders: Mapping[str, Callable[[], object]], *, rounds: int = 5) -> Result:
    """Time each contender once a round, in changing order, after one untimed call; the first named is ours."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for contender in contenders.values():
        contender()
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.perf_counter()
            contenders[name]()
            times[name].append(time.perf_counter() - start)
    return Result(work, names[0], {name: statistics.median(taken) for name, taken in times.items()})
