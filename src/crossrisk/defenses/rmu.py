"""RMU: the hidden states of what is to be forgotten are driven to one random vector, those of the rest are held."""

from dataclasses import dataclass, replace
from typing import ClassVar

from crossrisk.defenses import representation
from crossrisk.defenses.settings import Positive, from_settings
from crossrisk.risks import Risk


@dataclass(frozen=True, kw_only=True)
class RepresentationMisdirection(representation.Representation):
    """Representation training with the loss of misdirection, on three down projections."""

    registered: ClassVar[str] = "rmu"

    risk: Risk = Risk.PRIVACY
    layers: representation.Depths = (0.4,)
    coefficient: Positive = 10.0
    multiple: Positive = 1.0

    card = replace(
        representation.CARD,
        title="RMU: representation misdirection for unlearning",
        paper="Li et al. (2024), The WMDP benchmark: measuring and reducing malicious use with unlearning, arXiv "
        "2403.03218",
        formula="""L = mean |h - u|^2 / width of what is to be forgotten
  + a mean |h - h_before|^2 / width of what is retained
u = c r / |r|, r uniform in [0, 1]^width, a the coefficient; W_down of the layer and of the two before""",
        differs="c is a multiple of the layer's median norm, not a number for one model. Of what is to be forgotten "
        "the reply counts, not the whole text. `u` has no negative numbers, so any two of them are alike (cosine about "
        "0.75), and it is no random direction, though the paper calls it one.",
        data="`forget`, `retain`. The paper: WMDP, which is then no fair test of it.",
        invariants=(
            "the norm of u is c",
            "three matrices change and no other",
            "states of what is forgotten turn to u, those of what is retained stay",
        ),
        large="`layers` 0.22 (the 7th of 32), `coefficient` 1200, `learning_rate` 5e-5, `steps` 150, `batch_size` 4, "
        "and a `multiple` at which c is 6.5 (Zephyr 7B).",
    )


rmu = from_settings("rmu", RepresentationMisdirection, loss="rmu")
