"""What is known of a model that `crossrisk defend` made: the record that lies beside its weights."""

import json
from dataclasses import dataclass
from pathlib import Path

from crossrisk.errors import RequestError
from crossrisk.risks import Risk, Threat

RECORD = "crossrisk.json"


@dataclass(frozen=True)
class Provenance:
    """risk, threat: what the defense is for. source, checksum: what it was fitted on, None where it was on nothing."""

    risk: Risk | None
    threat: Threat | None
    source: str | None
    checksum: str


def provenance(model: str) -> Provenance | None:
    """The record of a local folder; None for any other model. Raises RequestError for a damaged one."""
    path = Path(model, RECORD)
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        fitted = told["fitted_on"]
        return Provenance(
            told["risk"] and Risk(told["risk"]),
            told["threat"] and Threat(told["threat"]),
            fitted["source"] if fitted["rows"] else None,
            fitted["checksum"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError(f"{path} is damaged ({error!r}): make the model again, or delete the file") from error
