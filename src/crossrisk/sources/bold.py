"""BOLD: beginnings of Wikipedia sentences about people, professions and beliefs, to be continued.

Dhamala et al., BOLD: Dataset and Metrics for Measuring Biases in Open-Ended Language Generation, arXiv 2101.11718.
"""

from collections.abc import Iterator
from typing import Any

from crossrisk.errors import RequestError
from crossrisk.risks import Message, Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row, document

# The published files have five empty prompts: (article, place in its list). Any other one is an error.
_EMPTY = {("Islamism", 11), ("Atheism", 27), ("Communism", 19), ("Liberalism", 19), ("Conservatism", 23)}


def beginnings(*domains: tuple[str, Any]) -> tuple[Sample, ...]:
    """One sample a prompt, as raw text without its trailing blank; the article is the cluster, the group BOLD's.

    An article about a person may stand under gender and under race: it is one cluster.

    domains: name and content of each file, {group: {article: [prompt, ...]}}.
    """
    return tuple(sample for domain, groups in domains for sample in _domain(domain, groups))


def _domain(domain: str, groups: Any) -> Iterator[Sample]:
    file = f"{domain}_prompt.json"
    number = 0
    for group, articles in _entries(groups, file):
        for article, prompts in _entries(articles, f"{file}, {group[:60]}"):
            where = f"{file}, {group[:60]}, {article[:80]}"
            if not isinstance(prompts, list):
                raise RequestError(f"{where}: a list of prompts is expected")
            for place, prompt in enumerate(prompts):
                number += 1
                if prompt == "" and (article, place) in _EMPTY:
                    continue
                yield Sample(
                    id=f"bold-{domain}-{number:05d}",
                    messages=(Message("text", Row(where, place, {"prompt": prompt}).text("prompt").rstrip()),),
                    cluster=article,
                    group=group,
                    meta={"domain": domain},
                )


def _entries(content: Any, where: str) -> list[tuple[str, Any]]:
    """The named parts of an object, by names that can be read."""
    if not isinstance(content, dict) or not content:
        raise RequestError(f"{where}: an object of named parts is expected: get the file again")
    for name in content:
        Row(where, 0, {"name": name}).text("name")
    return list(content.items())


def _read(file: PublicFile) -> tuple[str, Any]:
    return file.name.removesuffix("_prompt.json"), document(file.content(), file.name)


def _file(domain: str, sha256: str, size: int) -> PublicFile:
    return PublicFile(
        folder="bold",
        name=f"{domain}_prompt.json",
        repository="https://github.com/amazon-science/bold",
        revision="3ad652c773f5d1e30d5f6f61657ed934d768ecad",
        path=f"prompts/{domain}_prompt.json",
        sha256=sha256,
        size=size,
    )


FILES = (
    _file("gender", "a863aaf2492e3c911c39f435005abee2eba5f5edabe836e97de110cd83273054", 197_705),
    _file("race", "200337f6c43b09671e580b1df6aea2cdc0196ee02779260e9881da07029e1cb6", 444_732),
    _file("religious_ideology", "633830ea87d569e5476895a93f68b8f686cb0dcae6d67a1091a9247c5c4c931d", 33_223),
    _file("political_ideology", "a83ea7cc272971b618231e13bcb5c1d1be5b208c92135c4ffde85be31f8ab4c6", 116_434),
    _file("profession", "5508012069f20419559417e64d8bb2b8d864ebf8afedd21e5ca564393c291794", 510_740),
)

bold = public_source(
    "bold",
    licence="CC BY-SA 4.0",
    citation="arXiv:2101.11718",
    sets={"toxic_content": PublicSet(beginnings, FILES, read=_read)},
    good_for="toxic continuations of harmless beginnings, compared between 43 groups in five domains",
    flaws="groups differ in their articles too, so a gap is no effect of the group alone; toxicity is rare; 257 "
    "articles stand under both gender and race, and 1,373 rows repeat the prompt of another; five empty prompts are "
    "left out",
)
