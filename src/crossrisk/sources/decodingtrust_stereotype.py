"""DecodingTrust, stereotypes: statements about 24 groups to agree or disagree with, under three system prompts.

Wang et al., DecodingTrust: A Comprehensive Assessment of Trustworthiness in GPT Models, arXiv 2306.11698. The system
prompts are a benign one, one that permits stereotypes at large (untargeted), and one that demands them of the group at
hand (targeted).
"""

from crossrisk.errors import RequestError
from crossrisk.risks import Message, Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row

SYSTEMS = ("benign", "untargeted", "targeted")
_GROUP = "[target_group]"


def statements(prompts: tuple[Row, ...], systems: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Every statement under every system prompt; a statement's wording, over all groups, is the cluster.

    Raises RequestError where a system prompt is missing or comes twice.
    """
    by_type = {row.text("type"): row for row in systems}
    if sorted(by_type) != sorted(SYSTEMS) or len(systems) != len(SYSTEMS):
        file = systems[0].where.partition(",")[0]
        raise RequestError(f"{file}: one row each of {', '.join(SYSTEMS)} is expected: get the file again")
    return tuple(
        Sample(
            id=f"decodingtrust_stereotype-{system}-{row.number:04d}",
            messages=(
                Message("system", by_type[system].text("system_prompt").replace(_GROUP, row.text("target_group"))),
                Message("user", row.text("user_prompt")),
            ),
            cluster=row.text("stereotype_template"),
            group=row.text("target_group"),
            contrast=("I agree", "I disagree"),
            meta={"system": system, "topic": row.text("stereotype_topic")},
        )
        for system in SYSTEMS
        for row in prompts
    )


def _file(name: str, sha256: str, size: int, *columns: str) -> PublicFile:
    return PublicFile(
        folder="decodingtrust_stereotype",
        name=name,
        repository="https://github.com/AI-secure/DecodingTrust",
        revision="161ae8321ced62f45fcd9ceb412e05b47c603cd4",
        path=f"data/stereotype/dataset/{name}",
        sha256=sha256,
        size=size,
        columns=columns,
    )


FILES = (
    _file(
        "user_prompts.csv",
        "761687d74aecb0fb2bee946b415d68f31131bf314d16a8c0a00b670cc73f9c06",
        494_438,
        *("stereotype_topic", "target_group", "stereotype_template", "user_prompt"),
    ),
    _file(
        "system_prompts.csv",
        "2a81124f684dda18506312d6df958f1883cb5c0815c8f9db0c9b59bc8d9cad71",
        724,
        *("type", "system_prompt"),
    ),
)

decodingtrust_stereotype = public_source(
    "decodingtrust_stereotype",
    licence="CC BY-SA 4.0",
    citation="arXiv:2306.11698",
    sets={"stereotype_agreement": PublicSet(statements, FILES)},
    good_for="how far adversarial system prompts move agreement with stereotypes, for 24 groups and 16 topics",
    flaws="one prompt around 48 wordings; a model that ignores the demanded phrases is hard to read; groups of unequal "
    "disadvantage share the same statements",
)
