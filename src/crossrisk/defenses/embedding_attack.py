"""An attack in the space of embeddings: the tokens of a request are pushed so that a given reply becomes likely.

Projected gradient ascent with signed steps, each token's push no longer than eps in the L2 norm. Xhonneux et al.
(2024), arXiv 2405.15589; Schwinn et al. (2024), arXiv 2402.09063.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from crossrisk.defenses.fine_tuning import Batch, Copy
from crossrisk.errors import RequestError
from crossrisk.risks import Chat
from crossrisk.targets.target import Target


def instruction_tokens(target: Target, chats: Sequence[Chat]) -> list[range]:
    """Where the last turn of the user stands among the tokens of each prompt; what a template adds is no part of it.

    A token that holds a bit of both counts as the user's. Raises RequestError for a tokenizer that does not tell which
    text a token is from, and for a template that does not repeat what the user says.
    """
    if not target.tokenizer.is_fast:
        raise RequestError(
            f"the tokenizer of '{target.name}' does not tell where in the text a token stands, so its tokens cannot be "
            "pushed: take a model with a fast tokenizer"
        )
    found = []
    for chat, ids in zip(chats, target.encode_all(chats), strict=True):
        text = target.render(chat)
        said = next(message.content for message in reversed(target.edited(chat)) if message.role in ("user", "text"))
        begin = text.rfind(said.strip())
        if begin < 0:
            raise RequestError(f"the chat template of '{target.name}' changes what the user says, so it is not found")
        end = begin + len(said.strip())
        encoded = target.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        before = len(ids) - len(encoded["input_ids"])  # a start token that the text does not show
        inside = [i for i, (first, last) in enumerate(encoded["offset_mapping"]) if first < end and last > begin]
        found.append(range(before + inside[0], before + inside[-1] + 1) if inside else range(0))
    return found


class Attack:
    """The attack on a model that is being trained; it changes nothing but what it returns.

    eps: as a multiple of the mean norm of an embedding. step_size: the length of a token's step, as a multiple of that.
    """

    def __init__(self, trained: Copy, *, eps: float, step_size: float, iterations: int) -> None:
        self.trained, self.iterations = trained, iterations
        self.radius = eps * mean_norm(trained.model)
        self.step = step_size * self.radius

    def shift(self, batch: Batch, asked: Sequence[range]) -> Tensor:
        """For each row the push under which its reply was likeliest, [rows, longest, width], 0 outside of `asked`."""
        if self.radius == 0:
            return self._none(batch)
        free = torch.zeros_like(batch.ids, dtype=torch.bool)
        for row, span in zip(free, asked, strict=True):
            row[span.start : span.stop] = True
        now = best = self._none(batch)
        likeliest = torch.full(free.shape[:1], -torch.inf, device=free.device)
        for _ in range(self.iterations):
            now = now.detach().requires_grad_(True)
            likely = self.trained.log_probs(replace(batch, shift=now))
            (slope,) = torch.autograd.grad(likely.sum(), now)
            likeliest, best = _better(likely, now, likeliest, best)
            # Signed: every coordinate moves by the same amount, so this is the length of a token's step.
            moved = now.detach() + self.step / slope.shape[-1] ** 0.5 * slope.sign() * free[..., None]
            now = projected(moved, self.radius)
        with torch.no_grad():
            _, best = _better(self.trained.log_probs(replace(batch, shift=now)), now, likeliest, best)
        return best.detach()

    def shifted(self, batch: Batch, shift: Tensor) -> Batch:
        """A batch of the same prompts under a push; other replies make it longer or shorter."""
        if self.radius == 0:
            return batch
        longer = shift.new_zeros(*batch.ids.shape, shift.shape[-1])
        common = min(longer.shape[1], shift.shape[1])
        longer[:, :common] = shift[:, :common]
        return replace(batch, shift=longer)

    def _none(self, batch: Batch) -> Tensor:
        width = self.trained.model.get_input_embeddings().weight.shape[-1]
        return torch.zeros(*batch.ids.shape, width, device=batch.ids.device)


def projected(shift: Tensor, radius: float) -> Tensor:
    """Each token's push, the last dimension, cut to a length of at most `radius`."""
    length = torch.linalg.vector_norm(shift, dim=-1, keepdim=True)
    cut: Tensor = shift * (radius / length.clamp(min=radius))
    return cut


@torch.no_grad()
def mean_norm(model: Any) -> float:
    """Mean L2 norm of the embeddings as they enter the model; some families scale them on the way."""
    embed = model.get_input_embeddings()
    norms = torch.linalg.vector_norm(embed.weight, dim=-1, dtype=torch.float32)
    longest = norms.argmax()
    scale = torch.linalg.vector_norm(embed(longest[None])[0].float()) / norms[longest]
    return float(norms.mean() * scale)


def _better(likely: Tensor, now: Tensor, likeliest: Tensor, best: Tensor) -> tuple[Tensor, Tensor]:
    """Row by row the likelier of two pushes, and how likely the reply is under it."""
    likely = likely.detach()
    gained = likely > likeliest
    return torch.where(gained, likely, likeliest), torch.where(gained[:, None, None], now.detach(), best)
