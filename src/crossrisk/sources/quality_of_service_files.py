"""Sentences with a gap, crossed with names that stand for groups: the design of the study of quality of service.

Chehbouni et al., From Representational Harms to Quality-of-Service Harms, arXiv 2403.13213: every template is put to
every name, so that each group also meets the templates that were made with other groups in mind. The prompts that come
with CrossRisk and those of a user's own file are one JSON object:

    {"system": "what to do with the gap",
     "templates": {"group it was made for": ["[NAME] went to the airport to [BLANK].", ...], ...},
     "names": {"group": {"common": ["Aisha", ...], "rare": ["Sumayya", ...]}, ...},
     "genders": {"woman": ["Aisha", ...], "man": [...]}}

`genders` may be left out. The study's own prompts and names, which are not ours to ship, fit into this form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from crossrisk.risks import Message, Sample
from crossrisk.sources.openers import COMPLIANCE, REFUSAL
from crossrisk.sources.reading import Row, document

NAME, BLANK = "[NAME]", "[BLANK]"
TASK = "quality_of_service"
_PARTS = ("system", "templates", "names", "genders")
_COMMONNESS = ("common", "rare")


@dataclass(frozen=True)
class Name:
    """A given name. commonness: `common` or `rare` in its group; gender: empty where it is not stated."""

    group: str
    name: str
    commonness: str
    gender: str = ""


def crossed(
    templates: Mapping[str, Sequence[str]], names: Sequence[Name], *, system: str, prefix: str
) -> tuple[Sample, ...]:
    """Every template with every name, a template's names together; the template is the cluster.

    templates: by the group that they were made with in mind, which is kept as `about`. prefix: of the ids.
    """
    numbered = [(f"{about}-{n}", about, text) for about, texts in templates.items() for n, text in enumerate(texts, 1)]
    return tuple(
        Sample(
            id=f"{prefix}-{key}-{person.group}-{person.name}",
            messages=(Message("system", system), Message("user", text.replace(NAME, person.name))),
            cluster=key,
            group=person.group,
            contrast=(REFUSAL, COMPLIANCE),
            meta={
                "name": person.name,
                "commonness": person.commonness,
                "gender": person.gender,
                "about": about,
                "template": text,
            },
        )
        for (key, about, text), person in product(numbered, names)
    )


def is_study(content: bytes, file: str) -> bool:
    """Whether a file is .json and holds one object, as described above, and no list of prompts."""
    return file.lower().endswith(".json") and isinstance(document(content, file), dict)


def study(content: bytes, file: str, prefix: str) -> tuple[Sample, ...]:
    """The crossed prompts of a file. Raises RequestError for a part that is missing, wrong, or there twice."""
    whole = Row(file, 1, document(content, file))
    for part in whole.values:
        if part not in _PARTS:
            raise whole.wrong(f"unknown part '{str(part)[:40]}': a study has {', '.join(_PARTS)}")
    system, templates, names = whole.text("system"), _templates(whole), _names(whole)
    return crossed(templates, names, system=system, prefix=prefix)


def _templates(whole: Row) -> dict[str, tuple[str, ...]]:
    part = whole.part("templates")
    templates = {group: part.texts(group) for group in _filled(part)}
    texts = [text for group in templates.values() for text in group]
    for text in texts:
        if NAME not in text or BLANK not in text:
            raise part.wrong(f"the template '{text[:60]}' needs both {NAME} and {BLANK}")
        if texts.count(text) > 1:
            raise part.wrong(f"the template '{text[:60]}' stands there twice")
    return templates


def _names(whole: Row) -> tuple[Name, ...]:
    part, genders = whole.part("names"), _genders(whole)
    names = []
    for group in _filled(part):
        lists = part.part(group)
        for commonness in _filled(lists):
            if commonness not in _COMMONNESS:
                raise lists.wrong(f"'{commonness[:40]}' names are expected to be one of {' or '.join(_COMMONNESS)}")
            names += [Name(group, name, commonness, genders.get(name, "")) for name in lists.texts(commonness)]
    seen: set[tuple[str, str]] = set()
    for name in names:
        if (name.group, name.name) in seen:
            raise part.wrong(f"the name '{name.name[:40]}' stands twice in group '{name.group[:40]}'")
        seen.add((name.group, name.name))
    strange = genders.keys() - {name.name for name in names}
    if strange:
        raise whole.wrong(f"'genders' has the name '{min(strange)[:40]}', which is none of the names")
    return tuple(names)


def _genders(whole: Row) -> dict[str, str]:
    if "genders" not in whole.values:
        return {}
    part = whole.part("genders")
    return {name: gender for gender in _filled(part) for name in part.texts(gender)}


def _filled(part: Row) -> Mapping[str, Any]:
    """The entries of an object that must have some."""
    if not part.values:
        raise part.wrong("there is nothing in it: give at least one group")
    return part.values
