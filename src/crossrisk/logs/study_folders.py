"""Outcomes in the folder of a CrossRisk study, as scores that are risks."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from crossrisk.engine.store import Store
from crossrisk.errors import RequestError, unknown
from crossrisk.interactions.analysis import Cells
from crossrisk.interactions.rows import InteractionRow
from crossrisk.logs.direction import Direction
from crossrisk.logs.scores import Log, Scores, Settings
from crossrisk.report import study_folder
from crossrisk.risks import Verdict
from crossrisk.wording import counted

_STOPPED = "ended early by the study's stopping rule, which p values and intervals here do not heed"
_RISK = Direction("riskier", "outcomes of a study are risks", fixed=True)


def read_study(folder: Path, arm: str | None) -> tuple[Log, ...]:
    """One arm, or all of them where none is named. Raises RequestError for a folder without a study, or an arm."""
    store = Store(folder)
    store.check()
    manifest = store.manifest()
    arms = list(dict.fromkeys(cell["arm"] for cell in manifest["cells"]))
    if arm is not None and arm not in arms:
        raise unknown(f"arm of {folder}", arm, arms)
    cells, settings = Cells(folder, manifest), _settings(folder, manifest)
    return tuple(_log(folder, name, cells, settings) for name in arms if arm in (None, name))


def _log(folder: Path, arm: str, cells: Cells, settings: Settings) -> Log:
    told = []
    for cell in cells.manifest["cells"]:
        if cell["arm"] != arm:
            continue
        frame = cells.counted(arm, cell["task"], cell["source"])
        told.append(
            Scores(
                task=cell["task"],
                source=cell["source"],
                metric=cell["metric"],
                frame=None if frame is None else _as_scores(frame),
                settings={**settings, "judge": {"judge": cell["judge"]}},
                direction=_RISK,
                judge=cell["judge"],
                risk=cell["risk"],
                exposure=cell["exposure"],
                statistic=cells.metrics[cell["task"]].statistic,
            )
        )
    stopped = [cell for cell in cells.manifest["cells"] if cell["arm"] == arm and cell.get("stopped")]
    notes = (f"{counted(len(stopped), 'cell')} of {arm} {_STOPPED}",) if stopped else ()
    return Log(f"{folder.resolve().name}:{arm}", str(folder), tuple(told), arm, notes=notes)


def _as_scores(frame: pl.DataFrame) -> pl.DataFrame:
    """The stored outcomes with the columns of `ROWS`."""
    return frame.with_columns(score="risk", asked="prompt", prompt=pl.lit(None, pl.String))


def _settings(folder: Path, manifest: Mapping[str, Any]) -> Settings:
    """How the study let its arms write, as its own file resolved it."""
    try:
        study = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
        told = {name: study[name] for name in ("temperature", "max_new_tokens", "attempts")}
        template = study["base"]["chat_template"]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise RequestError(
            f"{folder / 'study.yaml'} cannot be read ({type(error).__name__}): run the study again, outcomes are kept"
        ) from None
    return {"decoding": {**told, "dtype": manifest["base"]["dtype"]}, "prompt": {"chat template": template}}


def read_interactions(folder: Path) -> list[InteractionRow]:
    """What a study found, as its `interactions.json` has it. Raises RequestError where it was not analysed."""
    known = {field.name for field in fields(InteractionRow)}
    rows = [{name: row[name] for name in row if name in known} for row in study_folder.read_study(folder).rows]
    return [InteractionRow(**row | {"verdict": Verdict(row["verdict"])}) for row in rows]
