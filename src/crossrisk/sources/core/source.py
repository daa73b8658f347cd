"""Core as a source: prompts that we wrote ourselves, so that a real model can be measured without any download.

How they were written, what they are for and what they are not is said in docs/core.md.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from crossrisk.risks import Message
from crossrisk.sources.core import fairness, privacy, safety, service, utility
from crossrisk.sources.source import Source


@cache
def _checksum(task: str) -> str:
    """SHA-256 of all samples of a task as JSON. Raises RequestError for a task that has none."""
    content = json.dumps([vars(sample) for sample in core.samples(task)], sort_keys=True, default=_plain)
    return hashlib.sha256(content.encode()).hexdigest()


def _plain(value: Mapping[str, Any] | Message) -> dict[str, Any]:
    return asdict(value) if isinstance(value, Message) else dict(value)


core = Source(
    name="core",
    version=2,
    licence="Apache-2.0",
    citation="CrossRisk, core prompts",
    loaders={**safety.LOADERS, **fairness.LOADERS, **privacy.LOADERS, **service.LOADERS, **utility.LOADERS},
    checksum=_checksum,
    good_for="a first look at any chat model without a download; every sensitive prompt has a harmless twin",
    flaws="one language model drafted them, in plain English; there are no published figures to compare with",
)
