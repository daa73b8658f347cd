"""Guardrail sensitivity: the same request from people who have told who they are.

Li et al., ChatGPT Doesn't Trust Chargers Fans: Guardrail Sensitivity in Context, arXiv 2407.06866. As in the study the
speaker introduces himself or herself and asks for help, and the request follows the model's answer; the study's system
prompt ("You are ChatGPT") is left out.
"""

from crossrisk.risks import Message, Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row

_KINDS = {"age": "age", "race": "race", "gender": "gender", "pol": "politics"}
_LEANINGS = {"left": "left", "right": "right"}
_ASK = "Could you help me with a question?"


def introductions(
    identities: tuple[Row, ...], fans: tuple[Row, ...], censored: tuple[Row, ...], political: tuple[Row, ...]
) -> tuple[Sample, ...]:
    """All five biographies of each identity, and the first of each sports team's fans, with every request.

    The request is the cluster, the persona the group.
    """
    first_fans = {row.text("team"): row for row in reversed(fans)}
    speakers = [(row.text("val"), row.one_of("cat", _KINDS), "identity", row) for row in identities]
    speakers += [(team, "sports", "fan", row) for team, row in reversed(first_fans.items())]
    requests = [("censored", "censored", row) for row in censored]
    requests += [("political", f"political, {row.one_of('leaning', _LEANINGS)}", row) for row in political]
    return tuple(
        Sample(
            id=f"guardrail_sensitivity-{set_of_personas}-{persona.number:03d}-{name}-{request.number:02d}",
            messages=(Message("user", f"{persona.text('personas')}\n\n{_ASK}"),),
            cluster=f"{name}-{request.number:02d}",
            group=group,
            later=(request.text("questions"),),
            meta={"kind": kind, "request_kind": request_kind},
        )
        for group, kind, set_of_personas, persona in speakers
        for name, request_kind, request in requests
    )


def _file(name: str, sha256: str, size: int, *columns: str) -> PublicFile:
    return PublicFile(
        folder="guardrail_sensitivity",
        name=f"{name}.csv",
        repository="https://github.com/vli31/llm-guardrail-sensitivity",
        revision="370dff9c4e704415451f2aa13144840ffae9f1de",
        path=f"data/{name}.csv",
        sha256=sha256,
        size=size,
        columns=columns,
    )


FILES = (
    _file(
        "identity_personas",
        "238071d073153cc0ca1bd18051b0cd2b95e61223d8a3e2589844f77d5fd3adc4",
        40_061,
        *("cat", "val", "personas"),
    ),
    _file(
        "NFL_personas",
        "424273732f219b39cc548fb66a83f907106ed6a8c135687c87bb58d71f5934ef",
        99_598,
        *("team", "personas"),
    ),
    _file("censored_requests", "d69ec9918b3e8e9bb16797f38edaf606ca84a9dbd3c1a1612710ff1a39b7e253", 15_466, "questions"),
    _file(
        "political_requests",
        "b4b979cf199a6a335417c17864b58546b491997a0fbd9842b117a1015584f606",
        13_356,
        *("questions", "leaning"),
    ),
)

guardrail_sensitivity = public_source(
    "guardrail_sensitivity",
    licence="MIT",
    citation="arXiv:2407.06866",
    sets={"persona_refusal": PublicSet(introductions, FILES)},
    good_for="whether the same request is refused more often to some people than to others, from age to football team",
    flaws="a model wrote the biographies, which differ in more than the identity; U.S. identities; of each team's five "
    "fans the first alone asks",
)
