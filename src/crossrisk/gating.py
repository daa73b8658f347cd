"""The gate on a study's folder: reads what statistics wrote there, decides, writes what continuous integration reads.

Neither the model nor the data is needed: interactions.json, groups.json and manifest.json are all, and of the outcomes
the counts of tokens where a policy limits them.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from crossrisk.errors import RequestError, near_names
from crossrisk.interactions.gate.cells import read_cells
from crossrisk.interactions.gate.decide import Decision, decide
from crossrisk.interactions.gate.policy import Policy
from crossrisk.interactions.rows import json_table
from crossrisk.report.study_folder import read_study


def gate(folder: str | Path, policy: Policy, *, defenses: Sequence[str] = ()) -> Decision:
    """May the defenses of a study ship? defenses: names, by default all but controls.

    Raises RequestError for a folder without an analysed study, and as `decide` does.
    """
    place = Path(folder)
    found = read_study(place)
    study = read_cells(found.manifest, found.rows, found.groups)
    return decide(
        study, policy, tokens=lambda *files: mean_tokens(*(place / file for file in files)), defenses=defenses
    )


def load_policy(name: str) -> Policy:
    """A policy file, or one that comes with the package by its name. Raises RequestError as `Policy.load` does."""
    package = Path(__file__).parent
    folders = (package / "studies" / "policies", package.parent.parent / "studies" / "policies")
    ready = {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}
    if name in ready and not Path(name).exists():
        return Policy.load(ready[name])
    if Path(name).suffix or Path(name).exists():
        return Policy.load(name)
    raise RequestError(f"there is no policy file {name}, and no ready policy of that name: {near_names(name, ready)}")


def write_decision(decision: Decision, junit: Path | None, markdown: Path | None) -> None:
    """Write what continuous integration reads, where a path is given."""
    from crossrisk.report.gate_junit import to_junit
    from crossrisk.report.gate_markdown import to_markdown

    if junit is not None:
        junit.write_bytes(to_junit(decision))
    if markdown is not None:
        markdown.write_text(to_markdown(decision), encoding="utf-8")


def print_decision(decision: Decision, as_json: bool) -> None:
    """Print a decision. A reader that has gone away must not turn a failed gate into a passed one."""
    from crossrisk.report.gate_table import print_gate

    try:
        print(json.dumps(to_dict(decision), indent=2, ensure_ascii=False)) if as_json else print_gate(decision)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def mean_tokens(base: Path, defended: Path) -> tuple[float, float]:
    """Tokens of prompt and reply together, a sample, of two files of outcomes on the samples that both have.

    0 where a file is not there, or where likelihoods were asked for and nothing counted tokens.
    """
    if not (base.exists() and defended.exists()):
        return 0.0, 0.0
    import polars as pl

    before, after = (
        pl.read_parquet(file, columns=["sample_id", "prompt_tokens", "reply_tokens"]).select(
            "sample_id", tokens=pl.col("prompt_tokens") + pl.col("reply_tokens")
        )
        for file in (base, defended)
    )
    means = before.join(after, on="sample_id").select(pl.col("tokens", "tokens_right").mean().fill_null(0.0)).row(0)
    return float(means[0]), float(means[1])


def to_dict(decision: Decision) -> dict[str, Any]:
    """A decision as JSON can write it; floats to ten significant digits."""
    policy = decision.policy
    return {
        "schema": 1,
        "study": decision.study,
        "passes": decision.exit_code == 0,
        "exit_code": decision.exit_code,
        "policy": {"name": policy.name, "sha256": policy.hash, "correction": policy.correction},
        "alpha": decision.alpha,
        "defenses": {defense: decision.ships(defense) for defense in decision.defenses},
        "checks": json.loads(json_table([asdict(check) for check in decision.checks]))["rows"],
    }
