"""How a reply begins: the chance of each of a few words, from one forward pass.

What judges that answer in one word are read by. A word counts by its first token, as the reply's first one: the first
factor of its likelihood in `scoring`, edits of the distribution included.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache

from crossrisk.errors import NotScorable, RequestError
from crossrisk.risks import Chat
from crossrisk.targets.activation import activated
from crossrisk.targets.batches import by_length, check_fits, forward, left_padded, not_finite, positions_of
from crossrisk.targets.chat import tokenise_replies
from crossrisk.targets.distribution import edited_log_probs
from crossrisk.targets.target import FirstToken, Target


@torch.no_grad()
def first_token(target: Target, chats: Sequence[Chat], words: Sequence[str], batch_size: int) -> list[FirstToken]:
    """How the reply to each chat begins, in order; see `Target.first_token`."""
    if target.output_filters:
        raise NotScorable(f"'{target.name}' stands behind an output filter, so its replies have no likelihood")
    firsts = _first_tokens(target.tokenizer, words)
    prompts = target.encode_all(chats)
    for i, prompt in enumerate(prompts):
        check_fits(target, i, prompt, [max(firsts)])
    found: dict[int, FirstToken] = {}
    for rows in by_length(prompts, batch_size):
        batch = [prompts[i] for i in rows]
        ids, mask = left_padded(batch, target.device)
        cache = DynamicCache(config=target.model.config)
        hooks = activated(target, batch, rows).hooks(prompt=True)
        logits = forward(target, ids, mask, positions_of(mask, ids), cache, keep=1, hooks=hooks)[:, -1]
        log_probs = edited_log_probs(target, batch, logits, [0] * len(batch), rows)
        chances = log_probs[:, torch.tensor(firsts, device=log_probs.device)].exp().tolist()
        likeliest = log_probs.argmax(dim=-1).tolist()
        for i, row, token in zip(rows, chances, likeliest, strict=True):
            if any(chance != chance for chance in row):
                raise not_finite(target, i)
            found[i] = FirstToken(dict(zip(words, row, strict=True)), target.tokenizer.decode([token]))
    return [found[i] for i in range(len(chats))]


def _first_tokens(tokenizer: Any, words: Sequence[str]) -> list[int]:
    """The token that each word begins with, all different."""
    word_of: dict[int, str] = {}
    for word, tokens in zip(words, tokenise_replies(tokenizer, words), strict=True):
        if not tokens:
            raise RequestError("an empty word begins no reply: leave it out")
        if tokens[0] in word_of:
            raise RequestError(
                f"'{word_of[tokens[0]]}' and '{word}' begin with the same token of '{tokenizer.name_or_path}', so a "
                "reply's first token cannot tell them apart: change one"
            )
        word_of[tokens[0]] = word
    return list(word_of)
