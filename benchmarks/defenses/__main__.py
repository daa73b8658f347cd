"""`python -m benchmarks.defenses`: what every defense does to the built-in model, and the pages that tell it.

Without options it writes the pages in docs/defenses/ anew, from the cards of the defenses and the figures that were
kept (`figures.json`). `--measure` runs the studies first (grid, named methods, private training) and keeps their
figures; names of studies after it run those alone. `--costs` prints the table of memory and time for 1B and 8B.
"""

import argparse
from pathlib import Path

from benchmarks.defenses import costs, figures, pages


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.defenses")
    parser.add_argument("--measure", nargs="*", metavar="STUDY", help=f"of {', '.join(figures.STUDIES)}; default all")
    parser.add_argument("--runs", type=Path, default=Path("runs/defenses"), help="where the studies' folders go")
    parser.add_argument("--costs", action="store_true", help="compute the table of costs and check it, no more")
    options = parser.parse_args()
    if options.costs:
        print("\n".join(costs.table()))
        return
    if options.measure is not None:
        figures.keep(figures.measured(options.measure or list(figures.STUDIES), options.runs))
    for path in pages.write():
        print(path)


if __name__ == "__main__":
    main()
