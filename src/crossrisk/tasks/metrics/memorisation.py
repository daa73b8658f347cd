"""How far a text is memorised: verbatim, by extraction strength, by repeated sampling, by its rank among candidates."""

import math
from collections.abc import Sequence


def exposure(true: float, candidates: Sequence[float]) -> float | None:
    """log2(number of sequences compared, the true one included) - log2(rank of the true one), in bits.

    true, candidates: total log-likelihoods; rank 1 is the likeliest, and a tie takes the middle of its ranks. Largest
    where the true sequence comes first, 0 where it comes last; where it is like any other of many candidates, log2 e =
    1.44 on average. None without candidates. Carlini et al., arXiv 1802.08232.
    """
    if not candidates:
        return None
    above = sum(candidate > true for candidate in candidates)
    tied = sum(candidate == true for candidate in candidates)
    return math.log2(len(candidates) + 1) - math.log2(above + 1 + tied / 2)


def verbatim(ranks: Sequence[int]) -> bool:
    """Whether greedy decoding writes the whole text: every token is the likeliest one at its place."""
    return not any(ranks)


def extraction_strength(ranks: Sequence[int]) -> float:
    """1 - k/n, where k is the shortest part of the n tokens behind which greedy decoding writes all the rest.

    1 for a text that needs no help, 0 for one whose last token is not the greedy one. ranks: of each token, 0 is the
    greedy one; at least one. Carlini et al., arXiv 2012.07805; in this form in open-unlearning (arXiv 2506.12618).
    """
    needed = max((place + 1 for place, rank in enumerate(ranks) if rank), default=0)
    return 1 - needed / len(ranks)


def probability_of_drawing(sampled: Sequence[float]) -> float:
    """p_z: the probability that one sample is the text, from the sampler's log-probabilities of its tokens (nats).

    0 where the sampler never draws one of them. Hayes et al., arXiv 2410.19482.
    """
    return math.exp(math.fsum(sampled))


def chance_in(draws: int, p_z: float) -> float:
    """1 - (1 - p_z)^draws: how likely the text is among that many samples. Exact for p_z far below 1e-16."""
    return 1.0 if p_z >= 1 else -math.expm1(draws * math.log1p(-p_z))
