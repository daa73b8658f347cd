"""Replies of ours against plain `model.generate` of transformers: the same prompts, greedy, batches of equal size."""

from collections.abc import Callable, Iterator, Sequence

import torch

from benchmarks.contest import Result, contest
from crossrisk.risks import Chat
from crossrisk.targets.generation import stop_tokens
from crossrisk.targets.target import GenerationConfig, Target

NEW_TOKENS = 32


def generation(target: Target, chats: list[Chat]) -> Iterator[Result]:
    """One by one (on every fourth chat), in batches of 8 and of 32."""
    for size, asked in ((1, chats[::4]), (8, chats), (32, chats)):
        config = GenerationConfig(NEW_TOKENS, batch_size=size)
        contenders: dict[str, Callable[[], object]] = {
            "CrossRisk": lambda asked=asked, config=config: target.generate(asked, config),
            "plain": lambda asked=asked, size=size: plain_generate(target, asked, size),
        }
        if size > 1:
            contenders["plain, sorted by length"] = lambda asked=asked, size=size: plain_generate(
                target, sorted(asked, key=lambda chat: -len(target.encode(chat))), size
            )
        yield contest(f"{len(asked)} replies, batches of {size}", contenders)


def plain_generate(target: Target, chats: Sequence[Chat], batch_size: int) -> list[str]:
    """What one writes without us: pad on the left, generate, cut off the prompt, decode."""
    prompts = target.encode_all(chats)
    texts: list[str] = []
    for start in range(0, len(prompts), batch_size):
        rows = prompts[start : start + batch_size]
        longest = max(map(len, rows))
        reply = target.model.generate(
            input_ids=torch.tensor([[0] * (longest - len(row)) + row for row in rows], device=target.device),
            attention_mask=torch.tensor(
                [[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=target.device
            ),
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
            pad_token_id=0,
            eos_token_id=sorted(stop_tokens(target)),
        )
        texts += target.tokenizer.batch_decode(reply[:, longest:], skip_special_tokens=True)
    return texts
