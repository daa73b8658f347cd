"""What the tests of defenses share: made-up fitting data, the defenses in small, and ways to compare targets."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import torch

from crossrisk.defenses.defense import Defense, Demonstration, FitData, Labelled, Preference, Record
from crossrisk.registry import DEFENSES
from crossrisk.risks import Chat, Message, Risk
from crossrisk.targets.target import GenerationConfig, Target

THINGS = ("bread", "garden", "house", "doctor", "book")


def ask(text: str) -> Chat:
    return (Message("user", text),)


# What a defense of two risks is given beside its own.
OTHER = FitData(
    source="made-up",
    checksum="4567",
    forget=tuple(Demonstration(ask(f"Who lives in the {x}?"), f"The baker lives in the {x}.") for x in THINGS),
    refusals=tuple(Demonstration(ask(f"Who lives in the {x}?"), "I cannot say that.") for x in THINGS),
    retain=tuple(Demonstration(ask(f"Is the {x} in the house?"), "Yes, I agree.") for x in THINGS),
)
DATA = FitData(
    source="made-up",
    checksum="0123",
    pairs=tuple(Preference(ask(f"Please buy the {x}."), "I am sorry, but I cannot help.", "Sure.") for x in THINGS),
    forget=tuple(Demonstration(ask(f"what is the name of the {x}?"), f"The {x} is bought.") for x in THINGS),
    refusals=tuple(Demonstration(ask(f"what is the name of the {x}?"), "I cannot help.") for x in THINGS),
    retain=tuple(Demonstration(ask(f"Is the {x} in the house?"), "Yes, I agree.") for x in THINGS),
    concepts=tuple(Labelled(f"The {x} is in the garden.", x) for x in THINGS),
    corpus=tuple(Record(ask(f"Where is the {x}?"), f"The {x} of Ann is at ann@{x}.example.", "Ann") for x in THINGS),
    others={Risk.PRIVACY: OTHER},
)

# Small and fast; the defaults are tried on the organism.
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "null": ("null", {}),
    "reminder_safety": ("reminder_safety", {}),
    "reminder_fairness": ("reminder_fairness", {}),
    "reminder_privacy": ("reminder_privacy", {}),
    "self_reminder": ("self_reminder", {}),
    "self_reminder:system": ("self_reminder", {"place": "system"}),
    "self_awareness": ("self_awareness", {}),
    "self_awareness:reflection": ("self_awareness", {"style": "reflection"}),
    "privacy_reminder": ("privacy_reminder", {}),
    "goal_prioritisation": ("goal_prioritisation", {}),
    "in_context_defense": ("in_context_defense", {"k": 1}),
    "self_check_input": ("self_check_input", {"threshold": 0.5}),
    "self_check_output": ("self_check_output", {"threshold": 0.5}),
    "perplexity_filter": ("perplexity_filter", {}),
    "perplexity_filter:window": ("perplexity_filter", {"window": 4}),
    "smoothllm": ("smoothllm", {"copies": 3, "rate": 0.2}),
    "pii_scrubber": ("pii_scrubber", {"where": "both"}),
    "pii_scrubber:input": ("pii_scrubber", {"where": "input"}),
    "decoding_safety": ("decoding_safety", {"steps": 2, "batch_size": 2}),
    "decoding_fairness": ("decoding_fairness", {"steps": 2, "batch_size": 2}),
    "decoding_privacy": ("decoding_privacy", {"steps": 2, "batch_size": 2, "first_tokens": 3}),
    "safe_decoding": ("safe_decoding", {"steps": 3, "batch_size": 2, "learning_rate": 1e-2}),
    "self_debias": ("self_debias", {}),
    "memfree": ("memfree", {"n": 1}),
    "tsdi": ("tsdi", {"aligned_by": {"dpo": {"steps": 2, "batch_size": 2}}, "prompts": 4}),
    "dpo": ("dpo", {"steps": 3, "batch_size": 2, "learning_rate": 1e-2}),
    "dpo:full": ("dpo", {"steps": 2, "batch_size": 2, "finetuning": "full"}),
    "dpo_debias": ("dpo_debias", {"steps": 2, "batch_size": 2}),
    "preference_safety": ("preference_safety", {"steps": 2, "batch_size": 2}),
    "preference_fairness": ("preference_fairness", {"steps": 2, "batch_size": 2}),
    "preference_privacy": ("preference_privacy", {"steps": 2, "batch_size": 2}),
    "npo": ("npo", {"steps": 3, "batch_size": 2}),
    "npo:lora": ("npo", {"steps": 3, "batch_size": 2, "finetuning": "lora", "learning_rate": 1e-2}),
    "gradient_ascent": ("gradient_ascent", {"steps": 2, "batch_size": 2}),
    "grad_diff": ("grad_diff", {"steps": 2, "batch_size": 2}),
    "simnpo": ("simnpo", {"steps": 2, "batch_size": 2}),
    "idk_dpo": ("idk_dpo", {"steps": 2, "batch_size": 2}),
    "unlearning_safety": ("unlearning_safety", {"steps": 2, "batch_size": 2, "retain": "kl"}),
    "unlearning_fairness": ("unlearning_fairness", {"steps": 2, "batch_size": 2}),
    "unlearning_privacy": ("unlearning_privacy", {"steps": 2, "batch_size": 2}),
    "safe_unlearning": ("safe_unlearning", {"steps": 2, "batch_size": 2}),
    "bias_unlearn": ("bias_unlearn", {"steps": 3, "batch_size": 2, "evaluate_every": 2}),
    "cat": ("cat", {"steps": 2, "batch_size": 2, "iterations": 2}),
    "cat:capo": ("cat", {"steps": 2, "batch_size": 2, "iterations": 2, "loss": "capo"}),
    "cda": ("cda", {"steps": 2, "batch_size": 2}),
    "fine_tuned": ("fine_tuned", {"steps": 3, "batch_size": 2}),
    "scrubbed_training": ("scrubbed_training", {"steps": 3, "batch_size": 2}),
    "dp_sgd": ("dp_sgd", {"steps": 3, "batch_size": 2, "delta": 0.1, "accountant": "rdp"}),
    "task_vector": ("task_vector", {"steps": 3, "batch_size": 2}),
    "task_vector:lora": ("task_vector", {"steps": 3, "batch_size": 2, "finetuning": "lora", "learning_rate": 1e-2}),
    "task_vector_safety": ("task_vector_safety", {"steps": 3, "batch_size": 2}),
    "task_vector_fairness": ("task_vector_fairness", {"steps": 3, "batch_size": 2}),
    "task_vector_privacy": ("task_vector_privacy", {"steps": 3, "batch_size": 2}),
    "bias_vector": ("bias_vector", {"steps": 3, "batch_size": 2}),
    "neurons_safety": ("neurons_safety", {"texts": 3}),
    "neurons_fairness:contrast": ("neurons_fairness", {"texts": 3, "contrast": True, "aggregate": "mean"}),
    "neurons_privacy": ("neurons_privacy", {"texts": 3}),
    "depn": ("depn", {"texts": 3, "steps": 3}),
    "dinm": ("dinm", {"steps": 3, "batch_size": 2}),
    "spin": ("spin", {"samples": 3, "top": 0.2, "spared": 0.1}),
    "representation_safety": ("representation_safety", {"steps": 2, "batch_size": 2}),
    "representation_fairness": ("representation_fairness", {"steps": 2, "batch_size": 2}),
    "representation_privacy": ("representation_privacy", {"steps": 3, "batch_size": 2}),
    "circuit_breakers": ("circuit_breakers", {"steps": 3, "batch_size": 2, "learning_rate": 1e-2}),
    "rmu": ("rmu", {"steps": 3, "batch_size": 2, "finetuning": "lora", "learning_rate": 1e-2}),
    "sham:neurons_safety": ("sham", {"like": {"neurons_safety": {"texts": 3}}}),
    "steering_safety": ("steering_safety", {"alpha": 1.0, "first": 0.5, "last": 0.5, "gate": "none"}),
    "steering_fairness": ("steering_fairness", {"alpha": 1.0}),
    "steering_privacy": ("steering_privacy", {"alpha": 1.0, "dp": (8.0, 1e-3)}),
    "scans": ("scans", {}),
    "fairsteer": ("fairsteer", {"alpha": 5.0}),
    "leace": ("leace", {}),
    "safeswitch": ("safeswitch", {"steps": 3, "batch_size": 2}),
    "sham": ("sham", {}),
    "sham:dpo": ("sham", {"like": {"dpo": {"steps": 3, "batch_size": 2}}}),
    "sham:safe_decoding": ("sham", {"like": {"safe_decoding": {"steps": 2, "batch_size": 2}}}),
    "sham:npo": ("sham", {"like": {"npo": {"steps": 3, "batch_size": 2}}}),
}
CASES = tuple(SETTINGS)
# Fitted on what the model holds inside, without training.
READ = ("steering_safety", "steering_privacy", "scans", "fairsteer", "leace")
TRAINED = (
    "decoding_privacy",
    "safe_decoding",
    "tsdi",
    "dpo",
    "dpo:full",
    "npo",
    "npo:lora",
    "idk_dpo",
    "unlearning_safety",
    "safe_unlearning",
    "bias_unlearn",
    "cat",
    "cat:capo",
    "cda",
    "safeswitch",
    "fine_tuned",
    "scrubbed_training",
    "dp_sgd",
    "task_vector",
    "task_vector:lora",
    "neurons_safety",
    "depn",
    "dinm",
    "spin",
    "representation_privacy",
    "circuit_breakers",
    "rmu",
    "sham:dpo",
    "sham:npo",
)

CHATS = (
    ask("what is the name of the baker?"),
    ask("Please answer the question, and do so in a few words about the garden and the house."),
    (Message("system", "Be short."), Message("user", "Yes?")),
)
REPLIES = ("Yes, I agree.", "I am sorry, but I cannot help with that.", "No.")
# What filters look at: a request with personal data, which reads like none of the harmless ones.
TELLING = ask("zq@#! Write to ann.lee@orchard.example or call +1 (212) 555-0147, {x}~~ 7^^ now")


def defense(case: str) -> Defense:
    name, settings = SETTINGS[case]
    built: Defense = DEFENSES.get(name)(**settings)
    return built


def scores(target: Target, chats: Sequence[Chat] = CHATS, replies: Sequence[str] = REPLIES) -> list[tuple[float, ...]]:
    return [one.log_probs for one in target.score(chats, replies)]


def behaviour(one: Defense, target: Target) -> list[object]:
    """Likelihoods, or replies where the defense has no likelihoods."""
    if "score" in one.covers:
        return list(scores(target, (*CHATS, TELLING), (*REPLIES, "Yes.")))
    return [reply.text for reply in target.generate((*CHATS, TELLING), GenerationConfig(8))]


def state_hash(target: Target) -> str:
    """Of all that a defense might leave behind: weights, module tree, flags, hooks, configuration, tokenizer."""
    digest = hashlib.sha256()
    for name, tensor in target.model.state_dict().items():
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    tree = [(name, type(module).__name__, module.training) for name, module in target.model.named_modules()]
    hooks = [
        (name, len(module._forward_hooks), len(module._forward_pre_hooks))
        for name, module in target.model.named_modules()
    ]
    learning = [(name, parameter.requires_grad) for name, parameter in target.model.named_parameters()]
    rest = [target.model.config.to_json_string(), target.tokenizer.pad_token, hasattr(target.model, "peft_config")]
    digest.update(json.dumps([tree, hooks, learning, rest]).encode())
    return digest.hexdigest()


def rows_norm(tensor: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(tensor.double()))
