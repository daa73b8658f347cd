"""LEACE concept scrubbing: which group a text speaks of can no longer be read, linearly, from any layer.

x' = x - W^+ P W (x - mean), with W the whitening of x and P the projection onto the columns of W Sigma_xz: of all
affine maps after which no linear reader of x tells the concept z better than chance, the one that moves x least.
Belrose et al. (2023), *LEACE: Perfect linear concept erasure in closed form*, arXiv 2306.03819, by their own package.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.fitting import derived_seed, drawn_from, require
from crossrisk.defenses.settings import Configured, Count, from_settings
from crossrisk.errors import RequestError, SampleError
from crossrisk.risks import Mechanism, Message, Risk

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.targets.target import Target

CARD = Card(
    title="LEACE concept scrubbing",
    paper="Belrose et al. (2023), LEACE: Perfect linear concept erasure in closed form, NeurIPS, arXiv 2306.03819",
    formula="""x' = x - W^+ P W (x - mean x)      W = Sigma_xx^(-1/2), P projects onto the columns of W Sigma_xz
at the embedding and after every layer, each fitted on what those before it have scrubbed""",
    deviation=Deviation.VARIANT,
    differs="The concept is the group that a text speaks of, and all its tokens carry it (the paper: a label for each "
    "token). Scrubbed are hidden states between layers, and not what goes into attention and MLP. Ordinary chats are "
    "in the covariance: without them the smallest change on texts of the concept is a large one elsewhere. The bound "
    "on the trace that the package sets by default is off: where it acts, the concept stays.",
    strength="The share of what is erased that is taken out; only at 1 is there a guarantee.",
    data="`concepts`: texts that differ in the group alone. `retain`: ordinary chats.",
    cost="Seconds; two thin products per token and layer, nothing else.",
    invariants=(
        "a linear probe of scrubbed states is at chance, their cross-covariance with the group is 0 to rounding",
        "I - P has the rank of groups less one, P P = P, the mean is kept",
        "what the variance of a state tells stays readable for a small MLP: the guarantee is linear, layer by layer",
    ),
    large="As it is; `examples` are in memory at once, with all their tokens.",
)


@dataclass(frozen=True)
class Leace(Configured):
    """Scrubbing of the group in every layer. examples: how many texts, and ordinary chats, it is fitted on."""

    risk: Risk = Risk.FAIRNESS
    examples: Count = 512

    registered: ClassVar[str] = "leace"
    version = 1
    mechanism = Mechanism.ACTIVATION
    threat = None
    needs = Needs(data=("concepts", "retain"), weights=True)
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score"})
    card: ClassVar[Card] = CARD

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Fit an eraser for each place between layers, in turn."""
        from crossrisk.defenses.erasure import fit_scrubbers
        from crossrisk.defenses.fine_tuning import demonstrations
        from crossrisk.targets.batches import check_fits

        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        drawn = derived_seed(self.name, data.checksum, seed)
        texts = drawn_from(data.concepts, self.examples, drawn)
        others = drawn_from(data.retain, self.examples, drawn)
        names = sorted({text.group for text in texts})
        if len(names) < 2:
            raise RequestError(
                f"defense '{self.name}' tells groups apart, and the concepts of '{data.source}' have only {names}: "
                "give texts of at least two groups"
            )
        told = target.encode_all([(Message("user", text.text),) for text in texts])
        for text, prompt in zip(texts, told, strict=True):
            try:
                check_fits(target, 0, prompt)
            except SampleError as error:
                raise RequestError(f"the concept '{text.text[:40]}' of '{data.source}': {error.problem}") from error
        ordinary = [[*row.prompt, *row.reply] for row in demonstrations(target, others)]
        groups = [names.index(text.group) for text in texts] + [-1] * len(ordinary)
        erasers = fit_scrubbers(target, told + ordinary, groups)
        tensors: dict[str, Tensor] = {}
        for place, eraser in erasers.items():
            tensors |= {
                f"places.{place}.left": strength * eraser.left,
                f"places.{place}.right": eraser.right,
                f"places.{place}.mean": eraser.mean,
            }
        kept = sorted(name for name in tensors if name.endswith("mean"))
        return Artifact("vectors", tensors, {"groups": names, "kept": kept})

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """The model with hooks that scrub the hidden states of all tokens; taken off on exit."""
        from crossrisk.defenses.erasure import erasers_of, scrubbing

        if artifact.kind == "nothing":
            yield target
            return
        erasers = erasers_of(artifact.tensors, target)
        with scrubbing(target.model, lambda place, hidden: erasers[place](hidden).to(hidden.dtype)):
            yield target.with_mark(f"{self.name}:{artifact.sha256}")


leace = from_settings("leace", Leace)
