"""Who pays: for each defense the groups on which it fell hardest, in sentences, from `groups.json` and `gaps.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crossrisk.wording import Row, interval, number, p_value, points

Names = Mapping[tuple[str, str], str]

LONGEST_LIST = 6
MOST_GROUPS, MOST_OTHERS = 80, 24  # rows of a defense that keep the page of a large study at a few megabytes


@dataclass(frozen=True)
class Payers:
    """What one defense did to groups. worse, better: sentences on groups that were shown to fare otherwise than the
    others, the largest change first; unsaid: how many more there are. apart: sentences on how far groups lie apart;
    gaps: the same in numbers, for every way to tell people apart. groups: its groups; others: names, facets and
    intersections; of many, those whose gap changed most. more_groups, more_others: in `groups.json`.
    """

    defense: str
    worse: tuple[str, ...]
    better: tuple[str, ...]
    unsaid: int
    apart: tuple[str, ...]
    gaps: tuple[Row, ...]
    groups: tuple[Row, ...]
    more_groups: int
    others: tuple[Row, ...]
    more_others: int


@dataclass(frozen=True)
class WhoPays:
    """Every defense, and what controls did to groups. None of them where no task speaks of groups."""

    defenses: tuple[Payers, ...]
    cautions: tuple[str, ...]


def who_pays(groups: Sequence[Row], gaps: Sequence[Row], names: Names, *, alpha: float) -> WhoPays:
    """Arrange the rows of both files. names: of `question_names`."""
    defenses = dict.fromkeys(row["defense"] for row in groups if not row["control"])
    uneven = [
        row for row in gaps if row["control"] and row["kind"] == "group" and _below(row["uneven_p_adjusted"], alpha)
    ]
    return WhoPays(
        tuple(_payers(defense, groups, gaps, names, alpha) for defense in defenses),
        tuple(
            f"The control {row['defense']} treats groups unevenly on {names[row['task'], row['source']]} (adjusted p "
            f"{p_value(row['uneven_p_adjusted'])}): changes of this kind come about without any aim."
            for row in uneven
        ),
    )


def group_sentence(row: Row, task: str) -> str:
    """What a defense did to one group beside the others, in plain words with the numbers behind them."""
    said = interval(row["gap_defended_low"], row["gap_defended_high"])
    change = interval(row["gap_change_low"], row["gap_change_high"])
    return (
        f"Under {row['defense']} the {row['metric']} on {task} is {_apart(row['gap_defended'])} for {who(row)} than "
        f"for {_reference(row)} {said}, before {_before(row['gap_base'])}: a change of {points(row['gap_change'])} "
        f"{change}, adjusted p {p_value(row['gap_change_p_adjusted'])}, n = {row['n']}{', few' if row['small'] else ''}"
    )


def gap_sentence(row: Row, task: str) -> str:
    """How far the groups of a task lie apart in either arm, beside what groups that do not differ would show."""
    before, after, change = (
        f"{number(100 * row[name])} points (by chance {number(100 * row[f'{name}_expected'])})"
        for name in ("gap_base", "gap_defended", "uneven")
    )
    return (
        f"{task}: the largest gap between {row['groups']} groups was {before} and is {after}; between the group that "
        f"the defense raised most and the one it raised least lie {change}, adjusted p "
        f"{p_value(row['uneven_p_adjusted'])}"
    )


def who(row: Row) -> str:
    """Of whom a row speaks."""
    if row["kind"] == "name":
        return f"people called {row['group']}"
    return f"{row['group']} ({row['by']})" if row["kind"] == "facet" else str(row["group"])


def _payers(defense: str, groups: Sequence[Row], gaps: Sequence[Row], names: Names, alpha: float) -> Payers:
    mine = [row for row in groups if row["defense"] == defense]
    whole = [row for row in mine if row["kind"] == "group"]
    others = [row for row in mine if row["kind"] != "group"]
    shown = sorted((row for row in mine if row["kind"] in ("group", "name") and _shown(row, alpha)), key=_hardest)
    said = {up: [row for row in shown if (row["gap_change"] > 0) == up] for up in (True, False)}
    said[False].reverse()
    worse, better = (
        tuple(group_sentence(row, names[row["task"], row["source"]]) for row in said[up][:LONGEST_LIST])
        for up in (True, False)
    )
    apart = [row for row in gaps if row["defense"] == defense and row["groups"] > 1]
    said_apart = [row for row in apart if row["kind"] == "group" and row["permuted"] is not None]
    return Payers(
        defense=defense,
        worse=worse,
        better=better,
        unsaid=len(shown) - len(worse) - len(better),
        apart=tuple(gap_sentence(row, names[row["task"], row["source"]]) for row in said_apart[:LONGEST_LIST]),
        gaps=tuple(apart),
        groups=_most_changed(whole, MOST_GROUPS),
        more_groups=max(0, len(whole) - MOST_GROUPS),
        others=_most_changed(others, MOST_OTHERS),
        more_others=max(0, len(others) - MOST_OTHERS),
    )


def _most_changed(rows: Sequence[Row], at_most: int) -> tuple[Row, ...]:
    """All rows as they stand or, of too many, those whose gap changed most."""
    if len(rows) <= at_most:
        return tuple(rows)
    return tuple(sorted(rows, key=lambda row: -abs(row["gap_change"] or 0.0))[:at_most])


def _shown(row: Row, alpha: float) -> bool:
    """Whether a group was shown to fare otherwise: by its corrected p and by its interval."""
    low, high = row["gap_change_low"], row["gap_change_high"]
    return _below(row["gap_change_p_adjusted"], alpha) and low is not None and (low > 0 or high < 0)


def _hardest(row: Row) -> tuple[float, str, str, str]:
    return -row["gap_change"], row["task"], row["source"], row["group"]


def _below(p: float | None, alpha: float) -> bool:
    return p is not None and p < alpha


def _apart(gap: float) -> str:
    return f"{number(100 * abs(gap))} points {'higher' if gap >= 0 else 'lower'}"


def _before(gap: float) -> str:
    return _apart(gap) if round(gap, 3) else "no different"


def _reference(row: Row) -> str:
    return "the rest" if row["reference"] == "all others" else str(row["reference"])
