"""`python -m benchmarks.validity`: do tests, intervals and printed powers hold? Simulated studies whose truth is known.

Prints every table in Markdown; `--write` puts them into docs/validity.md, between the markers that name them; `--quick`
takes a tenth of the runs; `--all` also prints the tables of other pages (stopping, judge error, groups, the study as a
whole). Seeds are fixed: the same code, the same tables.
"""

import argparse
import re
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TypeVar

from benchmarks.validity import (
    coverage,
    equivalence,
    familywise,
    graded,
    groups,
    judge_error,
    power,
    rare_templates,
    stopping,
    summary,
    tables,
)

Made = TypeVar("Made")
PAGE = Path(__file__).parents[2] / "docs" / "validity.md"
QUICK = 10
PAGES: dict[str, Callable[[], list[str]]] = {
    "stopping": lambda: printed(stopping.main),
    "judge error": lambda: printed(judge_error.main),
    "groups": lambda: printed(groups.main),
    "summary": lambda: list(summary.tables()),
}


def intervals(less: int) -> dict[str, list[str]]:
    """Coverage over the grid, in two tables."""
    prompts = coverage.PROMPTS if less == 1 else coverage.PROMPTS[:3]
    found = list(coverage.covered(coverage.designs(prompts), coverage.RUNS // less, coverage.AGAIN if less == 1 else 0))
    return {"coverage": tables.by_changed(found), "coverage by design": tables.by_design(found)}


def _uneven(less: int) -> list[str]:
    again = coverage.AGAIN if less == 1 else 0
    return tables.uneven(list(coverage.covered(coverage.uneven_designs(), coverage.RUNS // less, again)))


TABLES: dict[str, Callable[[int], list[str]]] = {
    "uneven templates": _uneven,
    "rare templates": lambda less: tables.rare(rare_templates.rare(rare_templates.RUNS // less)),
    "graded risks": lambda less: tables.graded(graded.graded(graded.RUNS // less)),
    "family": lambda less: tables.familywise(familywise.levels(familywise.STUDIES // less)),
    "equivalence": lambda less: tables.equivalence(equivalence.all_called(equivalence.RUNS // less)),
    "power of independent pairs": lambda less: tables.independent_power(
        power.independent(power.RUNS // less, power.PLANNING // less)
    ),
    "power of clustered pairs": lambda less: tables.clustered_power(
        power.clustered(power.RUNS // 4 // less, power.PLANNING // less)
    ),
    "sample sizes": lambda less: tables.sample_sizes(power.equivalence(power.RUNS // less)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs, about a minute")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/validity.md")
    parser.add_argument("--all", action="store_true", help="also the tables of other pages, in full")
    asked = parser.parse_args()
    if asked.quick and asked.write:
        parser.error("the page holds all runs: leave out --quick, or --write")
    less, seconds = QUICK if asked.quick else 1, dict[str, int]()

    def timed(name: str, work: Callable[[], Made]) -> Made:
        start = time.process_time()
        made = work()
        seconds[name] = round(time.process_time() - start)
        return made

    done = timed("coverage", partial(intervals, less))
    for name, lines in done.items():
        show(name, lines)
    works: dict[str, Callable[[], list[str]]] = {name: partial(make, less) for name, make in TABLES.items()}
    for name, work in {**works, **(PAGES if asked.all else {})}.items():
        done[name] = timed(name, work)
        show(name, done[name])
    done["time"] = tables.table(("table", "seconds of one core"), {**seconds, "all": sum(seconds.values())}.items())
    show("time", done["time"])
    if asked.write:
        PAGE.write_text(between_markers(PAGE.read_text(), done))
        print(f"written to {PAGE}")


def show(name: str, lines: list[str]) -> None:
    """Prints a table under its name."""
    print(f"\n{name}\n", *lines, sep="\n", flush=True)


def printed(printing: Callable[[], None]) -> list[str]:
    """What a module prints of itself."""
    with redirect_stdout(StringIO()) as held:
        printing()
    return held.getvalue().strip().split("\n")


def between_markers(page: str, found: dict[str, list[str]]) -> str:
    """The page with each table between `<!-- name -->` and `<!-- end -->`; tables without markers are left out."""
    for name, lines in found.items():
        body = "\n".join(lines)
        page = re.sub(
            rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)",
            lambda match, body=body: f"{match[1]}\n{body}\n\n{match[2]}",  # type: ignore[misc]
            page,
            flags=re.DOTALL,
        )
    return page


if __name__ == "__main__":
    main()
