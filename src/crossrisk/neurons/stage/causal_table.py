"""The rows of `causal.json`: one set on one task of one defense; what does not exist is None."""

from typing import Any

import numpy as np

from crossrisk.engine.arms import Arm
from crossrisk.neurons.cause.check import Cause, RepliesCause
from crossrisk.neurons.stage.request import Row
from crossrisk.neurons.stage.sets import Pair


def figures(cause: Cause) -> Row:
    """What the causal test of one set on one task gave, teacher-forced."""
    back, shares = cause.back, cause.back.random_shares
    low, middle, high = np.quantile(shares, (0.05, 0.5, 0.95)).tolist() if shares else (None, None, None)
    utility = cause.utility
    return {
        "neurons": cause.neurons,
        "prompts": back.prompts,
        "clusters": back.clusters,
        "base": back.base,
        "defended": back.defended,
        "patched": back.patched,
        "change": back.change,
        **_ends("change", back.change_interval),
        "undone": back.undone,
        **_ends("undone", back.undone_interval),
        "share": back.share,
        **_ends("share", back.share_interval),
        "random_sets": len(shares),
        "random_low": low,
        "random_median": middle,
        "random_high": high,
        "p_random": back.p_random,
        "reverse_share": cause.reverse.share,
        **_ends("reverse", cause.reverse.share_interval),
        "ablation_share": cause.ablation.share,
        **_ends("ablation", cause.ablation.share_interval),
        "utility_change": None if utility is None else utility.change,
        **_ends("utility", None if utility is None else utility.interval),
        "because": cause.because,
    }


def of_replies(told: RepliesCause | None) -> Row:
    """What it gave on generated replies; nothing where they were not asked for."""
    back = None if told is None else told.back
    return {
        "replies": None if told is None else told.prompts,
        "replies_change": None if back is None else back.change,
        "replies_undone": None if back is None else back.undone,
        "replies_share": None if back is None else back.share,
        **_ends("replies", None if back is None else back.share_interval),
    }


_NUMBERS = (
    *("neurons", "prompts", "clusters", "base", "defended", "patched"),
    *("change", "change_low", "change_high", "undone", "undone_low", "undone_high"),
    *("share", "share_low", "share_high"),
    *("random_sets", "random_low", "random_median", "random_high", "p_random"),
    *("reverse_share", "reverse_low", "reverse_high", "ablation_share", "ablation_low", "ablation_high"),
    *("utility_change", "utility_low", "utility_high"),
)
_OF_REPLIES = ("replies", "replies_change", "replies_undone", "replies_share", "replies_low", "replies_high")


def blank_row(
    arm: Arm, pair: Pair | None, row: Row | None, role: str | None, name: str | None, state: str, reason: str
) -> Row:
    """A row whose numbers do not exist yet. state: `checked`, `no_set` or `not_applicable`."""
    told = row or {}
    return {
        "defense": arm.name,
        "mechanism": str(arm.defense.mechanism),
        "target_risk": None if arm.defense.risk is None else str(arm.defense.risk),
        "task": told.get("task"),
        "source": told.get("source"),
        "risk": told.get("risk"),
        "pair": None if pair is None else list(pair),
        "role": role,
        "verdict": told.get("verdict"),
        "delta": told.get("delta"),
        "set": name,
        "state": state,
        **dict.fromkeys(_NUMBERS),
        "because": False,
        "reason": reason,
        **dict.fromkeys(_OF_REPLIES),
        "notes": [],
    }


def _ends(name: str, interval: Any) -> Row:
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return {f"{name}_low": low, f"{name}_high": high}
