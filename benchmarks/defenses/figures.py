"""What the defenses did to the built-in model, kept as JSON so that pages can be written without running anything."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crossrisk.defending import defend
from crossrisk.report.study_folder import StudyFolder, read_study
from crossrisk.study import ModelSpec, Study

FIGURES = Path(__file__).with_name("figures.json")
HERE = Path(__file__).parents[2] / "studies"
STUDIES = ("grid", "methods", "private_training")
KEPT = ("risk", "base", "defended", "delta", "ci_low", "ci_high", "verdict", "n", "clusters")


def read() -> dict[str, Any]:
    """Figures by arm; empty where none were kept."""
    return json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}


def keep(found: Mapping[str, Any]) -> None:
    """Put figures beside those of other studies, one arm a line."""
    arms = {**read(), **found}
    lines = ",\n".join(f"{json.dumps(arm)}: {json.dumps(arms[arm])}" for arm in sorted(arms))
    FIGURES.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def measured(studies: Sequence[str], runs: Path) -> dict[str, Any]:
    """Run studies and return the figures of their arms."""
    found: dict[str, Any] = {}
    for name in studies:
        study = Study.load(HERE / f"{name}.yaml")
        if study.base.adapter is not None and not Path(study.base.adapter).exists():
            defend(ModelSpec(model=study.base.model), "fine_tuned", Path(study.base.adapter))
        study.run(runs / name)
        found |= of_study(read_study(runs / name))
    return found


def of_study(folder: StudyFolder) -> dict[str, Any]:
    """arm -> study, fit_seconds, health, flags and tasks: `task:source` -> its row."""
    flags: dict[str, str] = {flag["arm"]: flag["note"] for flag in folder.manifest["flags"] if "broken" in flag["kind"]}
    seconds = round(folder.manifest["seconds"]["total"])
    arms: dict[str, Any] = {}
    for name, arm in folder.arms.items():
        rows = [row for row in folder.rows if row["defense"] == name]
        arms[name] = {
            "study": folder.manifest["study"],
            "study_seconds": seconds,
            "base_model": folder.manifest["base"]["model"],
            "base_health": folder.manifest["base"]["health"],
            "fit_seconds": arm["fit_seconds"],
            "health": arm["health"],
            "broken": flags.get(name),
            "tasks": {row["task"]: {key: _short(row[key]) for key in KEPT} for row in rows},
        }
    return arms


def _short(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
