"""What every fit owes to the rest: its needs are met before it starts, and its randomness is its own.

An unseeded fit fakes an effect of order (a random LoRA start alone moved log-probabilities by 0.4 to 0.8 nats when two
defenses swapped places), so every fit is seeded from the defense, the data and the study's seed, and nothing else.
"""

import hashlib
import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from crossrisk.defenses.defense import Defense, FitData
from crossrisk.errors import RequestError

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

T = TypeVar("T")


def require(defense: Defense, target: "Target", data: FitData, strength: float) -> None:
    """Raise RequestError unless the target and the data have what the defense needs."""
    needs = defense.needs
    if (needs.gradients or needs.weights) and getattr(target, "model", None) is None:
        what = "gradients" if needs.gradients else "weights"
        raise RequestError(
            f"defense '{defense.name}' needs {what}, and '{target.name}' gives none: "
            "use a local model, or a defense that works by prompt"
        )
    if needs.gradients and target.activation_edits:
        raise RequestError(
            f"defense '{defense.name}' trains a copy of the model, which would be without the edits of activations "
            f"that stand on '{target.name}': put it first, and the defense that edits activations on top of it"
        )
    require_data(defense, data)
    if not (math.isfinite(strength) and strength >= 0):
        raise RequestError(f"the strength of defense '{defense.name}' must be a number from 0 on, got {strength}")


def require_data(defense: Defense, data: FitData) -> None:
    """Raise RequestError unless the data have what the defense is fitted on."""
    for field in defense.needs.data:
        if not getattr(data, field):
            raise RequestError(
                f"defense '{defense.name}' is fitted on '{field}', and the data of '{data.source}' have none: "
                "name another source of fitting data"
            )
        for risk in defense.needs.risks:
            if not getattr(data.others.get(risk), field, ()):
                raise RequestError(
                    f"defense '{defense.name}' is fitted on '{field}' of {risk} too, and the data of '{data.source}' "
                    "come without: put them into `FitData.others`"
                )


def derived_seed(*parts: str | int) -> int:
    """A seed in [0, 2**32) that hangs on every part and on nothing else."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def drawn_from(rows: Sequence[T], count: int, seed: int) -> list[T]:
    """At most `count` of the rows, without repetition, in their order; where there are no more, all of them."""
    places = random.Random(seed).sample(range(len(rows)), min(count, len(rows)))
    return [rows[place] for place in sorted(places)]


@contextmanager
def isolated_randomness(seed: int) -> Iterator[None]:
    """Seed Python, numpy and torch for the block; afterwards their states are as they were."""
    import torch

    python_state, numpy_state = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            random.seed(seed)
            np.random.seed(seed)
            torch.manual_seed(seed)
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
