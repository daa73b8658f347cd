"""What a study can see, told before it is run: from the numbers of prompts and templates alone."""

from dataclasses import dataclass

from crossrisk.interactions.equivalence_power import shown_margin
from crossrisk.interactions.power import mcnemar_mde

NOISE = 0.05  # share of pairs that flips each way for no reason; bf16 models and sampled replies may do worse


@dataclass(frozen=True)
class Foresight:
    """Changes of a yes-or-no risk that are found with 80 % power; None where none is. Graded risks see smaller ones.

    mde: by one test, prompts independent. mde_family: in the first, hardest step of Holm's procedure over the family.
    mde_clusters: by one test, where templates flip as a whole, so that only their number counts. margin: the smallest
    margin within which `no_effect` is shown with 80 % power where nothing changes.
    """

    mde: float | None
    mde_family: float | None
    mde_clusters: float | None
    margin: float | None


def foresee(prompts: int, clusters: int, *, family: int = 1, alpha: float = 0.05, noise: float = NOISE) -> Foresight:
    """What a comparison of so many prompts, made from so many templates, can see. family: cells corrected together.

    The truth lies between `mde` and `mde_clusters`: nearer the first where the wording of a prompt matters, nearer the
    second where templates decide. Exact power of McNemar's test, with `noise` of the pairs flipping each way. Raises
    ValueError for fewer prompts than clusters.
    """
    if prompts < clusters:
        raise ValueError(f"{prompts} prompts cannot come from {clusters} templates")
    if prompts == 0:
        return Foresight(None, None, None, None)
    return Foresight(
        mde=mcnemar_mde(prompts, noise, alpha=alpha),
        mde_family=mcnemar_mde(prompts, noise, alpha=alpha / max(1, family)),
        mde_clusters=mcnemar_mde(clusters, noise, alpha=alpha),
        margin=shown_margin(prompts, clusters, 2 * noise, alpha=alpha),
    )
