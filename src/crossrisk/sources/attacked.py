"""Any source of openly harmful requests as one for `jailbreak`: the same requests under attacks of one's choice."""

from collections.abc import Sequence
from dataclasses import replace

from crossrisk.attacks.attack import Attack, attacked
from crossrisk.cache import digest
from crossrisk.registry import ATTACKS
from crossrisk.sources.source import Source

ONE_OF_EACH_FAMILY = (
    *("unlocked_mode", "prefix_injection", "refusal_suppression", "villain", "past_tense", "base64", "few_shot"),
    *("escalation", "payload_splitting"),
)


def under_attack(source: Source, names: Sequence[str] = ONE_OF_EACH_FAMILY) -> Source:
    """The source with its `misuse` prompts under these attacks as its `jailbreak` prompts, in place of ready ones.

    The clusters are those of the requests. Raises RequestError for an attack that is not known, and where the source
    has no `misuse` prompts.
    """
    attacks: list[Attack] = [ATTACKS.get(name) for name in names]
    versions = [[attack.name, attack.version] for attack in attacks]

    def checksum(task: str) -> str:
        return digest(source.checksum("misuse"), versions) if task == "jailbreak" else source.checksum(task)

    loaders = {**source.loaders, "jailbreak": lambda: attacked(source.samples("misuse"), attacks)}
    return replace(source, loaders=loaders, checksum=checksum)
