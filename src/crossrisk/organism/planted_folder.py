"""A planted organism on disk: `base` and `defended` in Hub format, each with `planted.json` beside its weights.

    {"schema": 1, "risks": [raised, lowered], "seed", "layers", "own", "width",
     "grafts": [{"kind", "place": [layer, unit], "factor"}, ...]}

`defended` has a `crossrisk.json` as well, so that a study that names it as checkpoint knows which risk it is meant for.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from crossrisk.defenses.provenance import RECORD, FittedOn
from crossrisk.errors import RequestError

if TYPE_CHECKING:
    from crossrisk.organism.planted import Planted, Recipe, Truth

TRUTH = "planted.json"
SCHEMA = 1


def plant_organism(out: Path, *, seed: int = 0, recipe: "Recipe | None" = None) -> "Planted":
    """Plant conflicts of safety and fairness in the organism and write `base` and `defended` into a folder.

    Raises RequestError where the folder holds something else.
    """
    from crossrisk.organism.planted import plant
    from crossrisk.risks import Risk
    from crossrisk.sources.fitting import fitting_data
    from crossrisk.targets.loading import load_target, transformers_silent

    others = [path.name for path in out.iterdir() if path.name not in ("base", "defended")] if out.is_dir() else []
    if others or out.is_file():
        raise RequestError(f"'{out}' holds something else ({others[0] if others else 'a file'}): name a new folder")
    data = fitting_data("world", Risk.SAFETY, [Risk.FAIRNESS])
    planted = plant(load_target("organism", device="cpu"), data, (Risk.SAFETY, Risk.FAIRNESS), seed=seed, recipe=recipe)
    for name, arm in (("base", planted.base), ("defended", planted.defended)):
        folder = out / name
        with transformers_silent():
            arm.model.save_pretrained(folder)
        arm.tokenizer.save_pretrained(folder)
        (folder / TRUTH).write_text(json.dumps(_as_json(planted.truth), indent=1) + "\n", encoding="utf-8")
    first = planted.truth.risks[0]
    fitted = FittedOn(data.source, planted.truth.risks, data.checksum, corpus=False)
    record = {"risk": first, "threat": None, "fitted_on": {"parts": [asdict(fitted)]}}
    (out / "defended" / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return planted


def read_truth(folder: str | Path) -> "Truth":
    """The truth of a planted model. Raises RequestError for a folder without one, or with a damaged one."""
    from crossrisk.organism.planted import Graft, Truth
    from crossrisk.risks import Risk

    path = Path(folder, TRUTH)
    if not path.is_file():
        raise RequestError(
            f"'{folder}' is no planted model, it has no {TRUTH}: make one with `crossrisk organism plant`"
        )
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        first, second = map(Risk, told["risks"])
        grafts = tuple(Graft(one["kind"], (one["place"][0], one["place"][1]), one["factor"]) for one in told["grafts"])
        return Truth((first, second), told["seed"], told["layers"], told["own"], told["width"], grafts)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise RequestError(f"{path} is damaged ({error!r}): plant the model again") from error


def _as_json(truth: "Truth") -> dict[str, object]:
    return {"schema": SCHEMA, **asdict(truth)}
