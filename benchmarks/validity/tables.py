"""The results in Markdown, one function per table. Shares are in percent."""

from collections.abc import Iterable, Sequence

import numpy as np

from benchmarks.validity.coverage import HIGHEST, LOWEST, STRONG, Coverage, Design
from benchmarks.validity.equivalence import Called
from benchmarks.validity.familywise import Level
from benchmarks.validity.graded import Held
from benchmarks.validity.power import Power, Shown
from benchmarks.validity.rare_templates import Rare

FEW = 6  # changed units that the exact test needs to reject at .05
BANDS = (1, 3, FEW, 10, 20, np.inf)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A Markdown table."""
    return [_row(heads), "|" + "---|" * len(heads), *(_row(row) for row in rows)]


def percent(share: float, digits: int = 1) -> str:
    """Of 100, without a sign."""
    return f"{100 * share:.{digits}f}"


def error(share: float, runs: int) -> str:
    """Two standard errors of a simulated share, in points."""
    return f"{200 * (share * (1 - share) / runs) ** 0.5:.1f}"


def by_changed(results: Sequence[Coverage]) -> list[str]:
    """How many designs lie in the band, by the number of units that change on average."""
    rows, low = [], 0.0
    for high in BANDS:
        some = [one for one in results if low <= one.changed < high]
        held, plain = (np.array([one.held[name] for one in some]) for name in ("ours", "robust t"))
        if len(some):
            inside = int(((held >= LOWEST) & (held <= HIGHEST)).sum())
            above = int((held > HIGHEST).sum())
            forced = sum(one.attainable > HIGHEST for one in some)
            name = f"{low:g} to {high:g}" if np.isfinite(high) else f"{low:g} and more"
            rows.append((name, len(some), percent(held.min()), inside, above, forced, percent(plain.min())))
        low = high
    heads = (
        "units that change",
        "designs",
        "lowest",
        "93.5 to 98",
        "over 98",
        "none can be under 98",
        "robust t, lowest",
    )
    return table(heads, rows)


def by_design(results: Sequence[Coverage]) -> list[str]:
    """Coverage of every design: rates in columns; in a cell a working defense, a side effect, noise alone."""
    rates = sorted({one.design.flips.base for one in results})
    lines: dict[tuple[int, int, float], dict[float, list[str]]] = {}
    for one in results:
        row = lines.setdefault(_shape(one.design), {rate: [] for rate in rates})
        value = percent(one.held["ours"])
        row[one.design.flips.base].append(value if one.changed >= FEW else f"({value})")
    rows = [(n, size, f"{r:g}", *(" ".join(cell) for cell in row.values())) for (n, size, r), row in lines.items()]
    return table(("n", "size", "correlation", *(f"{rate:g}" for rate in rates)), rows)


def uneven(results: Sequence[Coverage]) -> list[str]:
    """Templates of 1 to 50 prompts: by correlation, in a cell ours and the robust t interval."""
    lines: dict[tuple[int, float], list[str]] = {}
    for one in results:
        cell = f"{percent(one.held['ours'])} ({percent(one.held['robust t'])})"
        lines.setdefault((one.design.n, one.design.correlation), []).append(cell)
    heads = (
        "n",
        "correlation",
        "works",
        "side effect",
        "noise",
        f"strong: {STRONG.base:g}, {STRONG.up:g}, {STRONG.down:g}",
    )
    return table(heads, [(n, f"{r:g}", *cells) for (n, r), cells in lines.items()])


def rare(results: Iterable[Rare]) -> list[str]:
    """Templates that rarely flip as a whole."""
    heads = ("templates", "single replies that flip", "ours", "robust t", "called no_effect")
    return table(
        heads,
        [
            (one.templates, percent(one.noise, 0), *(percent(one.held[k]) for k in one.held), percent(one.harmless))
            for one in results
        ],
    )


def graded(results: Iterable[Held]) -> list[str]:
    """Kinds of change in columns; in a cell ours and the robust t interval."""
    lines: dict[tuple[int, int, float], dict[str, str]] = {}
    for one in results:
        row = lines.setdefault((one.n, one.size, one.correlation), {})
        row[one.kind] = f"{percent(one.held['ours'])} ({percent(one.held['robust t'])})"
    kinds = list(next(iter(lines.values())))
    return table(
        ("n", "size", "correlation", *kinds),
        [(n, size, f"{r:g}", *row.values()) for (n, size, r), row in lines.items()],
    )


def familywise(results: Iterable[Level]) -> list[str]:
    """Shares of null studies."""
    heads = ("studies of", "studies", "any p under .05", "false claim in the family", "+-", "any in the explored cells")
    return table(
        heads,
        [
            (
                one.setting.name,
                one.studies,
                percent(one.uncorrected),
                percent(one.family),
                error(one.family, one.studies),
                percent(one.explored),
            )
            for one in results
        ],
    )


def equivalence(results: Iterable[Called]) -> list[str]:
    """Rows are shapes, columns the ways to change by exactly the margin."""
    lines: dict[tuple[int, int, float], list[str]] = {}
    graded: dict[tuple[int, int, float], str] = {}
    for one in results:
        shape = (one.border.n, one.border.size, one.border.correlation)
        if one.border.graded:
            graded[shape] = percent(one.share)
        else:
            lines.setdefault(shape, []).append(percent(one.share))
    heads = (
        "n",
        "size",
        "correlation",
        "up only, rate .1",
        "up only, rate .5",
        "16 % up, 6 % down",
        "graded, long tail",
    )
    shapes = list(dict.fromkeys([*lines, *graded]))
    return table(
        heads, [(*shape[:2], f"{shape[2]:g}", *lines.get(shape, ["-"] * 3), graded.get(shape, "-")) for shape in shapes]
    )


def independent_power(results: Iterable[tuple[Power, Power]]) -> list[str]:
    """McNemar: MDE in points and how often such a change is found."""
    heads = ("n", "noise", "exact MDE", "found", "printed MDE", "found")
    return table(
        heads,
        [
            (
                known.n,
                percent(known.noise, 0),
                *(percent(value) for one in (known, seen) for value in (one.mde, one.found)),
            )
            for known, seen in results
        ],
    )


def clustered_power(results: Iterable[Power]) -> list[str]:
    """The sign-flip test on templates."""
    return table(
        ("n", "size", "correlation", "noise", "printed MDE", "found"),
        [
            (one.n, one.size, f"{one.correlation:g}", percent(one.noise, 0), percent(one.mde), percent(one.found))
            for one in results
        ],
    )


def sample_sizes(results: Iterable[Shown]) -> list[str]:
    """Pairs that show equivalence with 80 % power, by formula and exactly."""
    return table(
        ("margin", "flips", "by formula", "shown", "exact", "shown"),
        [
            (
                percent(one.margin, 0),
                percent(one.flip_rate, 0),
                one.formula,
                percent(one.formula_shown),
                one.exact,
                percent(one.exact_shown),
            )
            for one in results
        ],
    )


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _shape(design: Design) -> tuple[int, int, float]:
    return design.n, design.size, design.correlation
