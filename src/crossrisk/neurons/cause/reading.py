"""Both continuations of contrasts as rows of batches that are read without going back."""

from collections.abc import Mapping, Sequence

from crossrisk.errors import SampleError
from crossrisk.neurons.attribution.contrasts import Contrast
from crossrisk.neurons.attribution.first_order import batching
from crossrisk.targets.neuron_passes import Pass, Rewrite, Row, run
from crossrisk.targets.target import Target


def continuations(contrasts: Sequence[Contrast]) -> list[Row]:
    """Risky and safe row of each contrast in turn: rows 2 i and 2 i + 1 are contrast i's."""
    return [row for one in contrasts for row in (one.risky, one.safe)]


def tokens_together(target: Target) -> int:
    """How many tokens a batch may have: of two arms at once, none of which goes back."""
    return max(1, batching(target.model).tokens // 2)


def read(
    target: Target,
    contrasts: Sequence[Contrast],
    rows: Sequence[Row],
    places: Sequence[int],
    rewrites: Mapping[int, Rewrite] | None = None,
) -> Pass:
    """One pass of these rows of `continuations`, in this order and as often as named. Errors name the sample."""
    mean = [contrasts[i // 2].averaged for i in places]
    try:
        return run(target, [rows[i] for i in places], names=[i // 2 for i in places], mean=mean, rewrites=rewrites)
    except SampleError as error:
        raise error.named(contrasts[error.index].sample.id) from error
