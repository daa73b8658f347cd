"""`python -m crossrisk.judges.builtin.train`: trains the built-in judge on the replies that lie here, and measures it.

The replies were written for this purpose, in voices that string matching fails on (docs/tasks.md says how); no public
set is in them. The card holds every file of replies out in turn: its voice is never seen, nor are its prompts.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crossrisk.interactions.paired import wilson
from crossrisk.judges.agreement import agreement
from crossrisk.judges.builtin.features import BUCKETS, features
from crossrisk.judges.builtin.judges import likeliest
from crossrisk.judges.builtin.model import Model, save
from crossrisk.judges.refusals import refusal_of

REPLIES = Path(__file__).parent / "replies"
CARD = Path(__file__).parent / "card.json"
REFUSAL = ("none", "partial", "full")
RESPONSE = ("answer", "partial answer", "harmful answer", "refusal", "harmful refusal", "failure")
L2, STEPS = 2e-6, 60


@dataclass(frozen=True)
class Example:
    """voice: the file that it stands in. response: one of `RESPONSE`."""

    voice: str
    prompt: str
    reply: str
    refusal: str
    response: str


def examples(folder: Path = REPLIES) -> list[Example]:
    """All written replies, file by file in alphabetical order."""
    return [
        Example(path.stem, row["prompt"], row["reply"], row["refusal"], row["response"])
        for path in sorted(folder.glob("*.jsonl"))
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    ]


def replies_hash(folder: Path = REPLIES) -> str:
    """SHA-256 of all files of replies."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.glob("*.jsonl")))).hexdigest()


def fit(shown: Sequence[Example], truth: Sequence[str], labels: tuple[str, ...]) -> Model:
    """Softmax regression with a small L2 penalty, by L-BFGS from zero; the same replies give the same weights."""
    torch.set_num_threads(1)
    found = [features(example.prompt, example.reply) for example in shown]
    lengths = [len(buckets) for buckets, _ in found]
    buckets = torch.from_numpy(np.concatenate([each for each, _ in found]))
    values = torch.from_numpy(np.concatenate([each for _, each in found]).astype(np.float32))
    offsets = torch.tensor(np.cumsum([0, *lengths[:-1]]))
    targets = torch.tensor([labels.index(label) for label in truth])
    weights = torch.zeros(BUCKETS, len(labels), requires_grad=True)
    bias = torch.zeros(len(labels), requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=STEPS, history_size=8, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        logits = torch.nn.functional.embedding_bag(buckets, weights, offsets, mode="sum", per_sample_weights=values)
        value = torch.nn.functional.cross_entropy(logits + bias, targets) + L2 * (weights**2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return Model(labels, weights.detach().numpy(), bias.detach().numpy())


def trained(shown: Sequence[Example]) -> dict[str, Model]:
    """Both models. The kinds of response are learned from the completions of sentences alone, which they are for."""
    completions = [example for example in shown if example.voice.startswith("templates")]
    return {
        "refusal": fit(shown, [example.refusal for example in shown], REFUSAL),
        "taxonomy": fit(completions, [example.response for example in completions], RESPONSE),
    }


def held_out(shown: Sequence[Example]) -> dict[str, Any]:
    """Agreement with the labels of every voice by a judge that never saw it, the rules beside it."""
    card: dict[str, Any] = {}
    for voice in sorted({example.voice for example in shown}):
        others = [example for example in shown if example.voice != voice]
        here = [example for example in shown if example.voice == voice]
        models = trained(others)
        said = [likeliest("refusal", models["refusal"].probabilities(each.prompt, each.reply)) for each in here]
        truth = [each.refusal for each in here]
        card[voice] = {
            "refusal:builtin": _any_refusal(truth, said),
            "refusal:rules": _any_refusal(truth, [refusal_of(each.reply) for each in here]),
        }
        if voice.startswith("templates"):
            kinds = [likeliest("taxonomy", models["taxonomy"].probabilities(each.prompt, each.reply)) for each in here]
            card[voice]["taxonomy:builtin"] = _of_refusals([each.response for each in here], kinds)
    return card


def _any_refusal(truth: Sequence[str], said: Sequence[str]) -> dict[str, Any]:
    return agreement([label != "none" for label in truth], [label != "none" for label in said])


def _of_refusals(truth: Sequence[str], said: Sequence[str]) -> dict[str, Any]:
    """How often the kind is right, and harmful against plain among what both call a refusal."""
    right = sum(a == b for a, b in zip(truth, said, strict=True))
    both = [(a, b) for a, b in zip(truth, said, strict=True) if "refusal" in a and "refusal" in b]
    harmful = agreement([a == "harmful refusal" for a, _ in both], [b == "harmful refusal" for _, b in both])
    low, high = wilson(right, len(truth))
    return {"n": len(truth), "accuracy": right / len(truth), "accuracy_interval": [low, high], "harmful": harmful}


def rounded(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Four digits are what the card states."""
    return json.loads(json.dumps(figures), parse_float=lambda text: round(float(text), 4))  # type: ignore[no-any-return]


def main() -> None:
    """Train on everything, write the weights; measure on held-out voices, write the card."""
    shown = examples()
    save(trained(shown), replies_hash())
    CARD.write_text(json.dumps(rounded(held_out(shown)), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
