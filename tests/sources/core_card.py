"""The tables of the data card of our own prompts, counted from the data.

`python -m tests.sources.core_card` prints them.
"""

from collections import Counter
from collections.abc import Callable, Hashable

from crossrisk.risks import Sample
from crossrisk.sources.core import privacy, safety, utility

KINDS: dict[str, tuple[tuple[str, Callable[[Sample], Hashable]], ...]] = {
    "misuse": (("area of harm", lambda sample: sample.meta["area"]),),
    "toxic_content": (
        ("form", lambda sample: sample.cluster),
        ("group", lambda sample: sample.group or "none, a person"),
    ),
    "jailbreak": (("attack", lambda sample: sample.meta["attack"]),),
    "harmful_knowledge": (("subject", lambda sample: sample.meta["subject"]), ("right letter", lambda s: _letter(s))),
    "privacy_awareness": (
        ("kind of data", lambda sample: sample.meta["type"]),
        ("instruction", lambda sample: sample.meta["instruction"]),
    ),
    "contextual_privacy": (
        ("topic", lambda sample: sample.meta["type"]),
        ("tier", lambda sample: sample.meta["tier"]),
    ),
    "pii_leakage": (
        ("template", lambda sample: sample.meta["template"]),
        ("examples", lambda sample: sample.meta["shots"]),
        ("tokens of context", lambda sample: sample.meta["context"]),
    ),
    "knowledge": (("subject", lambda sample: sample.meta["subject"]), ("right letter", lambda s: _letter(s))),
    "reasoning": (("story", lambda sample: sample.cluster),),
    "instruction": (("constraints in a prompt", lambda sample: len(sample.meta["constraints"])),),
    "fluency": (("genre", lambda sample: sample.meta["genre"]),),
    "utility": (("kind", lambda sample: sample.meta["kind"]),),
}
_LOADERS = {**safety.LOADERS, **privacy.LOADERS, **utility.LOADERS}
_TWINS = {
    "misuse": lambda: len(safety.misuse_twins()),
    "toxic_content": lambda: len(safety.toxic_twins()),
    "privacy_awareness": lambda: len(privacy.privacy_awareness()),
    "contextual_privacy": lambda: len(privacy.contextual_privacy()),
}


def counts() -> str:
    """Prompts, clusters and twins, a line a task."""
    lines = ["| task | prompts | clusters | harmless twins |", "|---|---|---|---|"]
    for task in KINDS:
        samples = _LOADERS[task]()
        twins = str(_TWINS[task]()) if task in _TWINS else "-"
        lines.append(f"| `{task}` | {len(samples):,} | {len({sample.cluster for sample in samples})} | {twins} |")
    return "\n".join(lines)


def balance() -> str:
    """How often each value of what is balanced occurs, a line a kind."""
    lines = ["| task | by | prompts |", "|---|---|---|"]
    for task, kinds in KINDS.items():
        for name, of in kinds:
            found = Counter(str(of(sample)) for sample in _LOADERS[task]())
            lines.append(f"| `{task}` | {name} | {_listed(found)} |")
    asked = Counter(kind for sample in utility.instruction() for kind, _ in sample.meta["constraints"])
    return "\n".join([*lines, f"| `instruction` | constraint | {_listed(asked)} |"])


def _letter(sample: Sample) -> str:
    return sample.choices[int(sample.answer or 0)]


def _listed(found: Counter[str]) -> str:
    """Values under their count: "13 each: drugs, fraud"; several counts are set apart by semicolons."""
    by_count: dict[int, list[str]] = {}
    for value, count in found.items():
        by_count.setdefault(count, []).append(value)
    parts = ((count, "each" if len(values) > 1 else "", values) for count, values in sorted(by_count.items()))
    return "; ".join(f"{count} {each}".strip() + f": {', '.join(values)}" for count, each, values in parts)


if __name__ == "__main__":
    print(counts(), balance(), sep="\n\n")
