"""What the tests of defenses share: made-up fitting data, the defenses in small, and ways to compare targets."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import torch

from crossrisk.defenses.defense import Defense, Demonstration, FitData, Preference
from crossrisk.registry import DEFENSES
from crossrisk.risks import Chat, Message
from crossrisk.targets.target import Target

THINGS = ("bread", "garden", "house", "doctor", "book")


def ask(text: str) -> Chat:
    return (Message("user", text),)


DATA = FitData(
    source="made-up",
    checksum="0123",
    pairs=tuple(Preference(ask(f"Please buy the {x}."), "I am sorry, but I cannot help.", "Sure.") for x in THINGS),
    forget=tuple(Demonstration(ask(f"what is the name of the {x}?"), f"The {x} is bought.") for x in THINGS),
    refusals=tuple(Demonstration(ask(f"what is the name of the {x}?"), "I cannot help.") for x in THINGS),
    retain=tuple(Demonstration(ask(f"Is the {x} in the house?"), "Yes, I agree.") for x in THINGS),
)

# Small and fast; the defaults are tried on the organism.
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "null": ("null", {}),
    "self_reminder": ("self_reminder", {}),
    "self_reminder:system": ("self_reminder", {"place": "system"}),
    "dpo": ("dpo", {"steps": 3, "batch_size": 2, "learning_rate": 1e-2}),
    "npo": ("npo", {"steps": 3, "batch_size": 2}),
    "task_vector": ("task_vector", {"steps": 3, "batch_size": 2}),
    "sham": ("sham", {}),
    "sham:dpo": ("sham", {"like": {"dpo": {"steps": 3, "batch_size": 2}}}),
    "sham:npo": ("sham", {"like": {"npo": {"steps": 3, "batch_size": 2}}}),
}
CASES = tuple(SETTINGS)
TRAINED = ("dpo", "npo", "task_vector", "sham:dpo", "sham:npo")

CHATS = (
    ask("what is the name of the baker?"),
    ask("Please answer the question, and do so in a few words about the garden and the house."),
    (Message("system", "Be short."), Message("user", "Yes?")),
)
REPLIES = ("Yes, I agree.", "I am sorry, but I cannot help with that.", "No.")


def defense(case: str) -> Defense:
    name, settings = SETTINGS[case]
    built: Defense = DEFENSES.get(name)(**settings)
    return built


def scores(target: Target, chats: Sequence[Chat] = CHATS, replies: Sequence[str] = REPLIES) -> list[tuple[float, ...]]:
    return [one.log_probs for one in target.score(chats, replies)]


def state_hash(target: Target) -> str:
    """Of all that a defense might leave behind: weights, module tree, flags, hooks, configuration, tokenizer."""
    digest = hashlib.sha256()
    for name, tensor in target.model.state_dict().items():
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    tree = [(name, type(module).__name__, module.training) for name, module in target.model.named_modules()]
    hooks = [(name, len(module._forward_hooks)) for name, module in target.model.named_modules()]
    learning = [(name, parameter.requires_grad) for name, parameter in target.model.named_parameters()]
    rest = [target.model.config.to_json_string(), target.tokenizer.pad_token, hasattr(target.model, "peft_config")]
    digest.update(json.dumps([tree, hooks, learning, rest]).encode())
    return digest.hexdigest()


def rows_norm(tensor: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(tensor.double()))
