"""Putting a fitted change on a model for the length of a `with` block: an adapter, or a delta of weights.

Both are undone bit for bit, also after an error. The mark names the artifact by its hash, so that the fingerprint of
the defended target tells any two fits apart.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from crossrisk.defenses.defense import Artifact
from crossrisk.errors import RequestError

if TYPE_CHECKING:
    from crossrisk.targets.target import Target


@contextmanager
def deployed_delta(name: str, target: "Target", artifact: Artifact) -> "Iterator[Target]":
    """The target with `scale * delta` added to each matrix that the artifact names.

    On exit the saved originals are copied back: taking the delta off again by subtraction would not be exact.
    """
    from crossrisk.targets.weights import patched_weights

    if artifact.kind == "nothing":
        yield target
        return
    scale = artifact.meta["scale"]
    with patched_weights(target.model, {key: scale * delta for key, delta in artifact.tensors.items()}):
        yield target.with_mark(f"{name}:{artifact.sha256}")


@contextmanager
def deployed_adapter(name: str, target: "Target", artifact: Artifact) -> "Iterator[Target]":
    """The target with the artifact's adapter beside whatever adapters stand on it already."""
    from crossrisk.targets.adapter import adapted

    if artifact.kind == "nothing":
        yield target
        return
    with adapted(target.model, artifact.tensors, artifact.meta["adapter"]):
        yield target.with_mark(f"{name}:{artifact.sha256}")


def scaled_adapter(config: Mapping[str, Any], strength: float) -> dict[str, Any]:
    """A PEFT configuration whose update is `strength` times as large.

    Raises RequestError for other than LoRA, and for one that also holds whole modules or biases, which do not scale.
    """
    if strength == 1.0:
        return dict(config)
    if config["peft_type"] != "LORA" or config.get("use_dora"):
        raise RequestError(
            f"an adapter of type {config['peft_type']} has strength 0 or 1: only that of plain LoRA scales"
        )
    whole = [key for key in ("modules_to_save", "trainable_token_indices") if config.get(key)]
    whole += ["bias"] if config.get("bias", "none") != "none" else []
    if whole:
        raise RequestError(
            f"an adapter with {' and '.join(whole)} has strength 0 or 1: what it replaces whole does not scale"
        )
    patterns = {module: alpha * strength for module, alpha in (config.get("alpha_pattern") or {}).items()}
    return {**config, "lora_alpha": config["lora_alpha"] * strength, "alpha_pattern": patterns}
