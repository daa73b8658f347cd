"""One page a defense, made from its card, its fields and its figures on the built-in model; and the table of them all.

A kernel of the grid has one page for its three presets. Nothing on these pages is written by hand but what stands in
the cards and docstrings.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from benchmarks.defenses.figures import read
from crossrisk.catalogue import READY
from crossrisk.defenses.defense import Defense
from crossrisk.registry import DEFENSES
from crossrisk.risks import Risk
from crossrisk.wording import MARKS, interval, points

DOCS = Path(__file__).parents[2] / "docs" / "defenses"
RISKS = (Risk.SAFETY, Risk.FAIRNESS, Risk.PRIVACY)
HEADER = "<!-- Written by `python -m benchmarks.defenses`; change the card, not this page. -->\n"


def defenses() -> dict[str, Defense]:
    """Every registered defense with its defaults, by registered name."""
    return {name: DEFENSES.get(name)(**READY.get(name, {})) for name in DEFENSES}


def kernel_of(name: str, defense: Defense) -> str:
    """The name of the page that tells of a defense: a preset's is its kernel's."""
    return name.removesuffix(f"_{defense.risk}") if _is_preset(name, defense) else name


def _is_preset(name: str, defense: Defense) -> bool:
    risk = next((field for field in fields(defense) if field.name == "risk"), None)  # type: ignore[arg-type]
    return risk is not None and risk.default is MISSING and name.endswith(f"_{defense.risk}")


def write() -> list[Path]:
    """Write all pages; those of defenses that are gone are deleted."""
    wanted = {DOCS / f"{page}.md": text for page, text in all_pages().items()}
    DOCS.mkdir(exist_ok=True)
    for path in DOCS.glob("*.md"):
        if path not in wanted:
            path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return sorted(wanted)


def all_pages() -> dict[str, str]:
    """name -> text of every page, the table of them all under `all`."""
    found = read()
    by_page: dict[str, dict[str, Defense]] = {}
    for name, defense in sorted(defenses().items(), key=lambda one: _order(*one)):
        by_page.setdefault(kernel_of(name, defense), {})[name] = defense
    pages = {page: _page(page, group, found) for page, group in by_page.items()}
    return pages | {"all": _table(by_page, found)}


def _order(name: str, defense: Defense) -> tuple[str, int]:
    return kernel_of(name, defense), RISKS.index(defense.risk) if defense.risk in RISKS else 0


def _page(page: str, group: Mapping[str, Defense], found: Mapping[str, Any]) -> str:
    defense = next(iter(group.values()))
    card = defense.card
    return (
        "\n\n".join(
            [
                f"{HEADER}\n# {card.title} (`{page}`)",
                _facts(group),
                card.paper,
                f"```text\n{card.formula}\n```",
                *_described(defense),
                *([_settings(defense)] if fields(defense) else []),  # type: ignore[arg-type]
                f"**Verdict: {card.deviation}.** {card.differs}".rstrip(),
                f"**Strength.** {card.strength}",
                f"**Data.** {card.data}",
                f"**Cost.** {card.cost}",
                *([f"**Large models.** {card.large}"] if card.large else []),
                "**Invariants tested**\n\n" + "\n".join(f"- {one}" for one in card.invariants),
                *(text for name in group if name in found for text in _on_the_organism(name, group[name], found[name])),
            ]
        ).rstrip()
        + "\n"
    )


def _facts(group: Mapping[str, Defense]) -> str:
    lines = ["| name | mechanism | aims at | threat | needs | covers |", "|---|---|---|---|---|---|"]
    lines += [
        f"| `{name}` | {one.mechanism} | {one.risk or '-'} | {one.threat or '-'} | "
        f"{', '.join(one.needs.data) or '-'} | {', '.join(sorted(one.covers))} |"
        for name, one in group.items()
    ]
    return "\n".join(lines)


def _described(defense: Defense) -> Iterator[str]:
    """The docstring of its file, without its first line's repetition, and that of the defense."""
    module = inspect.getmodule(type(defense))
    yield from (text for text in (inspect.getdoc(module), inspect.getdoc(type(defense))) if text)


def _settings(defense: Defense) -> str:
    lines = ["| setting | default |", "|---|---|"]
    settled = "risk" if any(field.name == "risk" and field.default is MISSING for field in fields(defense)) else ""  # type: ignore[arg-type]
    lines += [f"| `{name}` | {_plain(value)} |" for name, value in defense.settings.items() if name != settled]
    return "\n".join(lines)


def _plain(value: Any) -> str:
    if isinstance(value, str) and len(value) > 40:
        return f"{value[:37]}..."
    return "-" if value is None else str(value).replace("|", "\\|")


def _on_the_organism(name: str, defense: Defense, found: Mapping[str, Any]) -> Iterator[str]:
    tasks = found["tasks"]
    own = {task: row for task, row in tasks.items() if row["risk"] == defense.risk}
    rest = {task: row for task, row in tasks.items() if task not in own}
    yield f"## `{name}` on the built-in model"
    yield _sentence(found)
    if own:
        yield "Its own risk:"
        yield _rows(own)
    if rest:
        yield "Side effects:"
        yield _rows(rest)


def _sentence(found: Mapping[str, Any]) -> str:
    health, base = found["health"], found["base_health"]
    spoken = ""
    if health and base:
        spoken = f" Of its replies to harmless prompts {100 * health['degenerate']:.0f}% are degenerate"
        if health["perplexity"] is not None and base["perplexity"] is not None:
            spoken += f"; perplexity on plain text {base['perplexity']:.3g} → {health['perplexity']:.3g}"
        spoken += "."
    broken = f" **It broke the model**: {found['broken']}." if found["broken"] else ""
    return f"Base `{found['base_model']}`, fit {found['fit_seconds']:.1f} s.{spoken}{broken}"


def _rows(rows: Mapping[str, Any]) -> str:
    lines = ["| task | base → defended, % | change, points | verdict |", "|---|---|---|---|"]
    for task, row in rows.items():
        if row["delta"] is None:
            lines.append(f"| {task} | | | not applicable |")
            continue
        risks = f"{100 * row['base']:.0f} → {100 * row['defended']:.0f}"
        change = f"{points(row['delta'])} {interval(row['ci_low'], row['ci_high'])}"
        lines.append(f"| {task} | {risks} | {change} | {MARKS[row['verdict']]} {row['verdict'].replace('_', ' ')} |")
    return "\n".join(lines)


def _table(by_page: Mapping[str, Mapping[str, Defense]], found: Mapping[str, Any]) -> str:
    head = f"""{HEADER}
# All defenses

One line a defense; its page has formula, paper, settings, deviations and figures. "Own risk": of the tasks on the
risk that the defense is for, how many fell by more than chance on the built-in model, and the largest fall in points.
"Sides worse": tasks of other risks that rose by more than chance. What a defense cannot do on so small a
model it may do on a large one, and the reverse: these figures show that the code does what it says, and no more.
"""
    columns = ("defense", "mechanism", "aims at", "threat", "verdict", "own risk", "sides worse", "fit, s")
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    for page, group in sorted(by_page.items()):
        for name, one in group.items():
            lines.append(f"| {' | '.join(_line(page, name, one, found.get(name)))} |")
    return f"{head}\n" + "\n".join(lines) + "\n"


def _line(page: str, name: str, one: Defense, found: Mapping[str, Any] | None) -> Sequence[str]:
    facts = [f"[`{name}`]({page}.md)", one.mechanism, one.risk or "-", one.threat or "-", one.card.deviation]
    if found is None or one.risk is None:
        return [*map(str, facts), "-", "-", "-"]
    rows = found["tasks"].values()
    own = [row for row in rows if row["risk"] == one.risk and row["delta"] is not None]
    fell = [row for row in own if row["verdict"] == "improves"]
    most = f" (most {points(min(row['delta'] for row in own))})" if own else ""
    worse = [row for row in rows if row["risk"] != one.risk and row["verdict"] == "worsens"]
    return [*map(str, facts), f"{len(fell)} of {len(own)}{most}", str(len(worse)), f"{found['fit_seconds']:.1f}"]
