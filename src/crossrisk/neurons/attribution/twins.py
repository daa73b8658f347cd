"""Attribution patching between two prompts: which neurons carry the difference between a prompt and its twin?

    attribution = sum over tokens of  (a(x') - a(x)) dF/da  at x        x: prompt and reply, x': twin and the same reply

over the tokens that both end with in common, where F is that of x (`contrasts`). A twin asks for the opposite in like
words: a harmful request beside a harmless one. So what a neuron does for every prompt alike drops out.
Nanda (2023); Kramar et al. (2024), AtP*, arXiv 2403.00745.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from crossrisk.errors import RequestError, SampleError
from crossrisk.neurons.attribution.contrasts import Contrast
from crossrisk.neurons.attribution.first_order import Batching, Piece, base_against_defended
from crossrisk.risks import Sample
from crossrisk.targets.batches import check_fits
from crossrisk.targets.neuron_passes import Row
from crossrisk.targets.target import Target


def twins_of(samples: Sequence[Sample], task: str) -> list[tuple[Sample, Sample]]:
    """Samples with their twins: of the same cluster and another `kind`, of the same group where there is one.

    Samples of clusters of one kind are left out. Raises RequestError where none is left.
    """
    found = []
    in_order = sorted(samples, key=lambda sample: sample.cluster)
    for _, cluster in groupby(in_order, key=lambda sample: sample.cluster):
        kinds: dict[object, list[Sample]] = {}
        for sample in cluster:
            kinds.setdefault(sample.meta.get("kind"), []).append(sample)
        members = list(kinds.values())
        for one, others in zip(members, members[1:] + members[:1], strict=True):
            if one is others:
                continue
            for place, sample in enumerate(one):
                alike = [other for other in others if other.group == sample.group] or others
                found.append((sample, alike[place % len(alike)]))
    if not found:
        raise RequestError(
            f"the prompts of {task} have no twins (samples of one cluster of different `kind`, as over_refusal has), "
            "so nothing can be patched between them: name another task, or another method"
        )
    return found


def twin_contrasts(target: Target, contrasts: Sequence[Contrast], twins: Sequence[Sample]) -> list[Contrast]:
    """The replies of contrasts after the prompts of their twins. Raises RequestError that names a twin that is too
    long for the model."""
    found = []
    prompts = target.encode_all([twin.messages for twin in twins])
    for i, (one, twin, prompt) in enumerate(zip(contrasts, twins, prompts, strict=True)):
        rows = [Row(tuple(prompt), row.reply, row.given) for row in (one.risky, one.safe)]
        try:
            for row in rows:
                check_fits(target, i, row.prompt, row.reply)
        except SampleError as error:
            raise error.named(twin.id) from error
        found.append(Contrast(one.sample, rows[0], rows[1], one.averaged))
    return found


def twin_patching(
    target: Target, contrasts: Sequence[Contrast], twins: Sequence[Contrast], *, how: Batching | None = None
) -> Iterator[Piece]:
    """What each neuron would change of F if it alone were as on the twin (`twin_contrasts`): two passes, one back.

    `defended_scores` are those of the same replies to the twins. Raises ValueError for twins with other replies, and
    what `base_against_defended` raises.
    """
    for one, twin in zip(contrasts, twins, strict=True):
        if (one.risky.reply, one.safe.reply) != (twin.risky.reply, twin.safe.reply):
            raise ValueError(f"the reply to the twin of '{one.sample.id}' is another: make twins by `twin_contrasts`")
    return base_against_defended(target, target, (contrasts, twins), point="base", how=how)
