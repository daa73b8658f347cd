"""Attacks that were submitted to JailbreakBench: prompts found for one model, with its replies and a judge's verdicts.

Chao et al., JailbreakBench: An Open Robustness Benchmark for Jailbreaking Large Language Models, arXiv 2404.01318.
"""

from crossrisk.risks import Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.reading import Row, document, objects, unique
from crossrisk.sources.requests import attacked, harmful


def _artifact(attack: str, size: int, sha256: str) -> PublicFile:
    return PublicFile(
        folder="jailbreakbench_artifacts",
        name=f"{attack.replace('/', '__')}.json",
        repository="https://github.com/JailbreakBench/artifacts",
        revision="909e68c01d94222b8ad2e397a017e2e12e2adb73",
        path=f"attack-artifacts/{attack}.json",
        sha256=sha256,
        size=size,
        shelf="labelled",
    )


ARTIFACTS = {
    attack: _artifact(attack, size, sha256)
    for attack, size, sha256 in (
        (
            "GCG/white_box/llama-2-7b-chat-hf",
            141_247,
            "f76cbaf899c79ca8eed6a6ed26d6f8789933c5595a9a5ee028e305dec4dd95f7",
        ),
        ("GCG/white_box/vicuna-13b-v1.5", 134_533, "9eff8b6f78cae002737868ca8cdd886be5afcd1cbbbe4cf51ff837bc688b01b1"),
        (
            "GCG/transfer/gpt-3.5-turbo-1106",
            128_899,
            "ff185b1dc73732d830e96efdb3f4a92294ee72e9c88a1800b1d11d4ecb3d4cdf",
        ),
        (
            "GCG/transfer/gpt-4-0125-preview",
            94_384,
            "af54543a06e3702256315517ee6e6a7b0edf182dd2c6d938216fa58cbea8de23",
        ),
        ("JBC/manual/vicuna-13b-v1.5", 298_772, "1d5df5aa451c3d1bb8a4c048a7b2e1e6132e72f2970cb9d94ffc77f44e0edb39"),
        ("PAIR/black_box/vicuna-13b-v1.5", 149_383, "18b101386419a98fbdf45cb987069f83af3a40d5e0f7f0d32c4e9dc5ecc049b4"),
    )
}


def attempts(content: Row, attack: str) -> tuple[Sample, ...]:
    """The prompts that one attack found, on behaviours by their index in JailbreakBench.

    Where it found none, prompt and reply are null: there is nothing to ask, so there is no sample. The published rate
    counts such a behaviour as not jailbroken; it is the number of successes over `tried` in the meta, the number of
    behaviours that the attack was run on.
    """
    rows = objects(content.values.get("jailbreaks"), content.where)
    unique(rows, "index")
    found = []
    for row in rows:
        goal = harmful(f"jailbreakbench-{row.whole('index'):02d}", row.text("goal"), area=row.text("category"))
        if not _found_none(row):
            found.append(attacked(goal, attack, row.text("prompt"), tried=str(len(rows))))
    return tuple(found)


def _found_none(row: Row) -> bool:
    nulls = [row.values.get(column, "") is None for column in ("prompt", "response")]
    return all(nulls) and row.values.get("jailbroken") is False


def submitted_attacks(*contents: Row) -> tuple[Sample, ...]:
    """The prompts of all artifacts, given in the order of `ARTIFACTS`; one that an artifact before it has is left out.

    An attack that transfers another's prompts to a further model asks nothing new: GCG's for vicuna-13b are the very
    prompts that were tried on gpt-3.5 and gpt-4, whose files only hold other replies.
    """
    found: dict[tuple[str, str], Sample] = {}
    for attack, content in zip(ARTIFACTS, contents, strict=True):
        for sample in attempts(content, attack):
            found.setdefault((sample.cluster, sample.messages[-1].content), sample)
    return tuple(found.values())


def whole(file: PublicFile) -> Row:
    """The object that an artifact file is, as a row."""
    return objects([document(file.content(), file.name)], file.name)[0]
