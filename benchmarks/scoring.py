"""Multiple choice by likelihood: shared prompts against scoring every pair of prompt and choice for itself."""

from collections.abc import Iterator, Sequence

import torch

from benchmarks.contest import Result, contest
from benchmarks.models import Question
from crossrisk.risks import Chat
from crossrisk.targets.target import Target


def scoring(target: Target, questions: Sequence[Question]) -> Iterator[Result]:
    """The questions' own choices, and the letters A to D as choices, with batches of 32 rows."""
    letters = [(chat, ("A", "B", "C", "D")) for chat, _ in questions]
    for name, asked in (("choices", questions), ("letters", letters)):
        chats = [chat for chat, options in asked for _ in options]
        continuations = [option for _, options in asked for option in options]
        yield contest(
            f"{len(asked)} questions, {len(chats)} {name}",
            {
                "CrossRisk": lambda c=chats, k=continuations: target.score(c, k, 32),
                "naive loop": lambda c=chats, k=continuations: naive_scores(target, c, k, 1),
                "naive, batches of 32": lambda c=chats, k=continuations: naive_scores(target, c, k, 32),
            },
        )


@torch.no_grad()
def naive_scores(target: Target, chats: Sequence[Chat], continuations: Sequence[str], batch_size: int) -> list[float]:
    """Every prompt with every choice through the model, padded on the right (no token sees what follows it)."""
    replies = target.tokenizer(list(continuations), add_special_tokens=False)["input_ids"]
    pairs = list(zip(target.encode_all(chats), replies, strict=True))
    totals: list[float] = []
    for start in range(0, len(pairs), batch_size):
        batch = pairs[start : start + batch_size]
        longest = max(len(prompt) + len(reply) for prompt, reply in batch)
        rows = [prompt + reply + [0] * (longest - len(prompt) - len(reply)) for prompt, reply in batch]
        log_probs = target.model(torch.tensor(rows, device=target.device)).logits.float().log_softmax(-1)
        for row, (prompt, reply) in enumerate(batch):
            at = torch.arange(len(prompt) - 1, len(prompt) + len(reply) - 1, device=target.device)
            totals.append(float(log_probs[row, at, torch.tensor(reply, device=target.device)].sum()))
    return totals
