"""A second output head, trained to refuse, and the two small probers that say when it speaks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear

from crossrisk.defenses.fine_tuning import Row, shuffled
from crossrisk.errors import RequestError
from crossrisk.targets.activation import fed, hidden_states
from crossrisk.targets.batches import by_length, check_fits
from crossrisk.targets.generation import decode, stop_tokens
from crossrisk.targets.target import Change, GenerationConfig, Target

LOOK_AHEAD = 3  # tokens of the reply after which compliance is read
WIDTH = 64  # of the probers' hidden layer
PROBER_STEPS, PROBER_RATE = 200, 3e-3  # full batches: a few hundred examples of one vector each
PARTS = ("0.weight", "0.bias", "2.weight", "2.bias")


def prober(width: int) -> nn.Sequential:
    """Two layers; the logits of (no, yes)."""
    return nn.Sequential(nn.Linear(width, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 2))


def fitted_prober(yes: Tensor, no: Tensor) -> nn.Sequential:
    """Trained with cross-entropy on its logits, both classes of equal weight. yes, no: [rows, width]."""
    features = torch.cat([yes, no])
    labels = torch.cat([torch.ones(len(yes)), torch.zeros(len(no))]).long()
    mean, spread = features.mean(dim=0), features.std(dim=0).clamp(min=1e-6)
    model = prober(features.shape[1])
    optimiser = torch.optim.AdamW(model.parameters(), lr=PROBER_RATE, weight_decay=0.01)
    balance = len(features) / (2 * torch.tensor([len(no), len(yes)]))
    standard = (features - mean) / spread
    for _ in range(PROBER_STEPS):
        optimiser.zero_grad()
        torch.autograd.backward(cross_entropy(model(standard), labels, weight=balance))
        optimiser.step()
    with torch.no_grad():  # what it reads are raw hidden states
        first = model[0]
        assert isinstance(first, nn.Linear)
        first.weight.div_(spread)
        first.bias.sub_(first.weight @ mean)
    return model.requires_grad_(False)


def head_of(target: Target) -> nn.Linear:
    """The module that turns hidden states into logits. Raises RequestError where it is no linear map."""
    head = target.model.get_output_embeddings()
    if not isinstance(head, nn.Linear):
        raise RequestError(f"'{target.name}' has no linear output head, so no other head can take its place")
    return head


def fitted_head(
    target: Target,
    rows: Sequence[Row],
    *,
    learning_rate: float,
    weight_decay: float,
    batch_size: int,
    steps: int,
    seed: int,
) -> tuple[Tensor, list[float]]:
    """What training on these replies adds to the head alone, [vocabulary, width] in float32, and the losses.

    The hidden states that it reads do not move with it, so they are computed once; the input embeddings stay as they
    are also where they are one tensor with the head.
    """
    head = head_of(target)
    device = head.weight.device
    weight = head.weight.detach().float()
    bias = None if head.bias is None else head.bias.detach().float()
    cap = getattr(target.model.config.get_text_config(), "final_logit_softcapping", None)
    given = _given(target, rows)
    delta = torch.zeros_like(weight, requires_grad=True)
    optimiser = torch.optim.AdamW([delta], lr=learning_rate, weight_decay=weight_decay)
    order, losses = shuffled(len(rows), batch_size, seed), []
    for step in range(steps):
        chosen = next(order)
        states = torch.cat([given[i] for i in chosen]).to(device)
        said = torch.tensor([token for i in chosen for token in rows[i].reply], device=device)
        optimiser.param_groups[0]["lr"] = learning_rate * (1 - step / steps)
        optimiser.zero_grad()
        logits = linear(states, weight + delta, bias)
        if cap:  # Gemma 2 bends what its head says
            logits = cap * torch.tanh(logits / cap)
        loss = cross_entropy(logits, said)
        torch.autograd.backward(loss)
        optimiser.step()
        losses.append(loss.item())
    return delta.detach().cpu(), losses


def _given(target: Target, rows: Sequence[Row], size: int = 32) -> list[Tensor]:
    """What the head is given where it has to say each token of each reply, [tokens, width] a row."""
    found: dict[int, Tensor] = {}
    seen: list[Tensor] = []

    def read(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        seen.append(args[0].float().cpu())

    with torch.no_grad():
        for chosen in by_length([row.prompt + row.reply for row in rows], size):
            seen.clear()
            prompts, replies = zip(*[(list(rows[i].prompt), list(rows[i].reply)) for i in chosen], strict=True)
            fed(target, chosen, prompts, replies, [(head_of(target), read)], keep_all=True)
            states = torch.cat([seen[0][:, -1:], seen[1][:, :-1]], dim=1)
            found |= {i: states[place, : len(rows[i].reply)] for place, i in enumerate(chosen)}
    return [found[i] for i in range(len(rows))]


@dataclass(frozen=True, eq=False)
class RefusalHead:
    """Logits of another head, in the rows whose prompt both probers hold to be unsafe.

    unsafe: reads the last layer at the prompt's last token. complies: reads it after the first tokens of the reply that
    the model would give, greedily. delta: what is added to the head's weight, [vocabulary, width].
    """

    fingerprint: str
    unsafe: nn.Sequential
    complies: nn.Sequential
    delta: Tensor

    def gates(self, target: Target, prompts: Sequence[list[int]]) -> Tensor:
        """Which rows the other head speaks for, [rows]. Only prompts that look unsafe are looked into any further."""
        switched = _says_yes(self.unsafe, hidden_states(target, prompts))
        asked = switched.nonzero()[:, 0].tolist()
        if asked:
            looked = [prompts[i] for i in asked]
            for i, prompt in zip(asked, looked, strict=True):
                check_fits(target, i, prompt, new=LOOK_AHEAD)
            begun = decode(target, asked, looked, GenerationConfig(LOOK_AHEAD), stop_tokens(target), None)
            switched[asked] = _says_yes(self.complies, hidden_states(target, looked, begun, at="end"))
        return switched

    def changes(self, model: Any, gates: Tensor) -> Iterator[tuple[nn.Module, Change]]:
        """The head, where it does not speak for any row not at all."""
        if gates.any():
            yield model.get_output_embeddings(), partial(_switched, self.delta, gates)


def _says_yes(model: nn.Sequential, states: Tensor) -> Tensor:
    logits: Tensor = model(states[:, -1])
    return logits[:, 1] > logits[:, 0]


def _switched(delta: Tensor, gates: Tensor, given: Tensor, logits: Tensor) -> Tensor:
    rows = gates.to(logits.device)
    changed = logits.clone()
    changed[rows] = (logits[rows].float() + linear(given[rows].float(), delta)).to(logits.dtype)
    return changed


def tensors_of(name: str, model: nn.Sequential) -> dict[str, Tensor]:
    """A prober for the artifact."""
    return {f"{name}.{part}": tensor for part, tensor in model.state_dict().items()}


def head_in(fingerprint: str, tensors: Mapping[str, Tensor], target: Target) -> RefusalHead:
    """The edit in an artifact. Raises RequestError for one of another model."""
    head, delta = head_of(target), tensors["head.delta"]
    if head.weight.shape != delta.shape:
        raise RequestError(
            f"a refusal head of shape {tuple(delta.shape)} does not fit '{target.name}' with one of "
            f"{tuple(head.weight.shape)}: it was trained on another model, train it on this one"
        )
    unsafe, complies = (_prober_in(tensors, name) for name in ("unsafe", "complies"))
    return RefusalHead(fingerprint, unsafe, complies, delta.to(head.weight.device))


def _prober_in(tensors: Mapping[str, Tensor], name: str) -> nn.Sequential:
    model = prober(tensors[f"{name}.0.weight"].shape[1])
    model.load_state_dict({part: tensors[f"{name}.{part}"] for part in PARTS})
    return model.requires_grad_(False)
