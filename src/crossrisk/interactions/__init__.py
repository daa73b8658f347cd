"""What a defense did to each risk: paired effects, verdicts, corrections, the matrix of interactions, groups.

Functions on arrays and frames; no model, no accelerator. docs/statistics.md says which statistics and why. polars is
loaded only when frames are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from crossrisk.interactions.effect import Effect, compare, verdict_of

if TYPE_CHECKING:
    from crossrisk.interactions.frames_by_group import GroupFrame, group_frame
    from crossrisk.interactions.groups import GroupComparison, GroupRow, compare_groups, groups_to_json
    from crossrisk.interactions.matrix import CellPair, interaction_rows
    from crossrisk.interactions.rows import InteractionRow, to_frame, to_json

_LAZY = {
    "CellPair": "matrix",
    "GroupComparison": "groups",
    "GroupFrame": "frames_by_group",
    "GroupRow": "groups",
    "InteractionRow": "rows",
    "compare_groups": "groups",
    "group_frame": "frames_by_group",
    "groups_to_json": "groups",
    "interaction_rows": "matrix",
    "to_frame": "rows",
    "to_json": "rows",
}
__all__ = [
    "CellPair",
    "Effect",
    "GroupComparison",
    "GroupFrame",
    "GroupRow",
    "InteractionRow",
    "compare",
    "compare_groups",
    "group_frame",
    "groups_to_json",
    "interaction_rows",
    "to_frame",
    "to_json",
    "verdict_of",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"crossrisk.interactions.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'crossrisk.interactions' has no attribute '{name}'")
