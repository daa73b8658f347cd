"""What is known of a model that `crossrisk defend` made: the record that lies beside its weights."""

import json
from dataclasses import dataclass
from pathlib import Path

from crossrisk.errors import RequestError
from crossrisk.risks import Risk, Threat

RECORD = "crossrisk.json"


@dataclass(frozen=True)
class FittedOn:
    """One set of fitting data, told so that `sources.fitting.fitting_data` finds it again.

    risks: the one that the data are against, then those whose data came beside. checksum: of all of them. corpus:
    whether the whole training set was among what was fitted on.
    """

    source: str
    risks: tuple[Risk, ...]
    checksum: str
    corpus: bool


@dataclass(frozen=True)
class Provenance:
    """risk, threat: what the defense is for. parts: what it was fitted on, a set for each part of a composition."""

    risk: Risk | None
    threat: Threat | None
    parts: tuple[FittedOn, ...]


def provenance(model: str) -> Provenance | None:
    """The record of a local folder; None for any other model. Raises RequestError for a damaged one."""
    path = Path(model, RECORD)
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        parts = told["fitted_on"]["parts"]
        return Provenance(
            told["risk"] and Risk(told["risk"]),
            told["threat"] and Threat(told["threat"]),
            tuple(FittedOn(**part | {"risks": tuple(Risk(risk) for risk in part["risks"])}) for part in parts),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError(f"{path} is damaged ({error!r}): make the model again, or delete the file") from error
