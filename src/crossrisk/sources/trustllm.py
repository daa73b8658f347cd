"""TrustLLM: the eight sets of prompts behind the tasks of CrossRiskEval, read from the files of its archive.

Huang et al., TrustLLM: Trustworthiness in Large Language Models, arXiv 2401.05561. The archive is dataset/dataset.zip
of the repository; the files lie in its folders safety, fairness and privacy.
"""

import re
from collections.abc import Callable

from crossrisk.risks import Message, Sample
from crossrisk.sources.extracts import member
from crossrisk.sources.openers import COMPLIANCE, REFUSAL
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row
from crossrisk.sources.trustllm_more import MORE

Parser = Callable[[tuple[Row, ...]], tuple[Sample, ...]]

_RECOGNITION_LABELS = {"stereotype": 0, "anti-stereotype": 1, "unrelated": 2}
_SHOTS = {"zero-shot": 0, "five-shot": 5}
_AWARENESS_PROMPT = re.compile(r"System: (?P<system>.+)\nThird party user:\n(?P<user>.+)", re.DOTALL)


def misuse(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Openly harmful requests; one that is repeated shares its cluster."""
    return tuple(
        Sample(
            id=_id("misuse", row),
            messages=(Message("user", row.text("prompt")),),
            cluster=cluster,
            contrast=(COMPLIANCE, REFUSAL),
            meta={"area": row.optional("type") or row.text("source")},
        )
        for row, cluster in _clustered(rows, "misuse", "prompt")
    )


def toxic_content(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Jailbreak prompts; the attack that wraps the request is the cluster."""
    return tuple(
        Sample(
            id=_id("toxic_content", row),
            messages=(Message("user", row.text("prompt")),),
            cluster=_attack(row),
            contrast=(COMPLIANCE, REFUSAL),
        )
        for row in rows
    )


def over_refusal(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Harmless prompts of XSTest's first version; a type's focus word is the cluster, as in source `xstest`."""
    return tuple(
        Sample(
            id=_id("over_refusal", row),
            messages=(Message("user", row.text("prompt")),),
            cluster=_id("over_refusal", row)
            if row.text("focus") == "None"
            else f"{row.text('type')}/{row.text('focus')}",
            contrast=(REFUSAL, COMPLIANCE),
            meta={"kind": "safe", "type": row.text("type")},
        )
        for row in rows
    )


def stereotype_query(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Questions that take a stereotype for granted, each its own cluster."""
    return tuple(
        Sample(id=_id("stereotype_query", row), messages=(Message("user", row.text("prompt")),), cluster=cluster)
        for row, cluster in _clustered(rows, "stereotype_query", "prompt")
    )


def stereotype_agreement(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Sentences to agree with or not; the kind of bias is the group, the sentence is the cluster."""
    return tuple(
        Sample(
            id=_id("stereotype_agreement", row),
            messages=(Message("user", row.text("prompt")),),
            cluster=cluster,
            group=row.text("bias_type"),
            contrast=("Yes", "No"),
        )
        for row, cluster in _clustered(rows, "stereotype_agreement", "sentence")
    )


def stereotype_recognition(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Pairs of sentences to be labelled with the numbers that the prompt offers; what they share is the cluster."""
    return tuple(
        Sample(
            id=_id("stereotype_recognition", row),
            messages=(Message("user", row.text("prompt")),),
            cluster=cluster,
            group=row.text("type"),
            choices=("1", "2", "3"),
            answer=row.one_of("label", _RECOGNITION_LABELS),
        )
        for row, cluster in _clustered(rows, "stereotype_recognition", "context")
    )


def privacy_awareness(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """A third party asks a database for somebody's datum; the system prompt holds it, with or without a privacy policy.

    The set's one text is split where it changes speakers. Each question comes once of either type: that is a cluster.
    """
    samples = []
    for row, cluster in _clustered(rows, "privacy_awareness", "question"):
        parts = _AWARENESS_PROMPT.fullmatch(row.text("prompt"))
        if parts is None:
            raise row.wrong("column 'prompt' has no 'System:' and 'Third party user:' parts: get the file again")
        name, kind, secret = row.text("name"), row.text("privacy_information"), row.text("info-content")
        sample = Sample(
            id=_id("privacy_awareness", row),
            messages=(Message("system", parts["system"]), Message("user", parts["user"])),
            cluster=cluster,
            contrast=(f"{name}'s {kind} is {secret}", REFUSAL),
            meta={
                "secret": secret,
                "must_refuse": True,
                "type": row.one_of("type", {"normal": "normal", "aug": "aug"}),
            },
        )
        samples.append(sample)
    return tuple(samples)


def pii_leakage(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Raw text to be continued with an e-mail address; clusters are template and number of examples before it.

    The contrast is the true address against the one of another person, in whose place it is as fluent.
    """
    addresses = list(dict.fromkeys(row.text("gt-email") for row in rows))
    samples = []
    for row in rows:
        secret = row.text("gt-email")
        another = addresses[(addresses.index(secret) + 1) % len(addresses)]
        gap = "" if row.text("prompt").endswith("[mailto:") else " "
        sample = Sample(
            id=_id("pii_leakage", row),
            messages=(Message("text", row.text("prompt")),),
            cluster=f"{row.text('type')}/{row.text('shotType')}",
            contrast=(gap + secret, gap + another),
            meta={"secret": secret, "template": row.text("type"), "shots": row.one_of("shotType", _SHOTS)},
        )
        samples.append(sample)
    return tuple(samples)


def _id(task: str, row: Row) -> str:
    return f"trustllm-{task}-{row.number:04d}"


def _clustered(rows: tuple[Row, ...], task: str, column: str) -> list[tuple[Row, str]]:
    """Rows with their cluster: the id of the first row that has the same text in a column."""
    first: dict[str, str] = {}
    return [(row, first.setdefault(row.text(column), _id(task, row))) for row in rows]


def _attack(row: Row) -> str:
    """The name of the one attack in column `label`, which is a list."""
    attacks = row.texts("label")
    if len(attacks) != 1:
        raise row.wrong("column 'label' must be a list of one attack's name")
    return attacks[0]


def _set(make: Parser, risk: str, name: str, sha256: str, size: int, *columns: str) -> PublicSet:
    file = PublicFile(
        folder=f"trustllm_{risk}",
        name=name,
        repository="https://github.com/HowieHwong/TrustLLM",
        revision="4b864211f32602fddb8cafc8d5154bed1e0ce01e",
        path="dataset/dataset.zip",
        sha256=sha256,
        size=size,
        columns=columns,
        extract=member(f"dataset/{risk}/{name}", size),
    )
    return PublicSet(make, (file,))


SETS: dict[str, PublicSet] = {
    "misuse": _set(
        misuse,
        "safety",
        "misuse.json",
        "16ffa9ef3f1d8f633d933982a6895bc3b077db09f38f782e7aeb182f5c4954f1",
        351_197,
        *("prompt", "source"),
    ),
    "toxic_content": _set(
        toxic_content,
        "safety",
        "jailbreak.json",
        "d1d9f68e6416f05912600b4f36f22f0f3f044714b65740995643264de3a35055",
        771_839,
        *("prompt", "label", "source"),
    ),
    "over_refusal": _set(
        over_refusal,
        "safety",
        "exaggerated_safety.json",
        "10ec9a53700c6a8e81ce0091d47da290c0b32dd2d0b5eafdde17fce5d28d1909",
        43_696,
        *("id", "type", "prompt", "focus"),
    ),
    "stereotype_query": _set(
        stereotype_query,
        "fairness",
        "stereotype_query_test.json",
        "38810d6b74e9a2a61d99c658202610ef8f3146001ace6af2897a066c61215a83",
        7_526,
        *("prompt",),
    ),
    "stereotype_agreement": _set(
        stereotype_agreement,
        "fairness",
        "stereotype_agreement.json",
        "4a5693fa563eb0f1520355eab73bef6b45866caefea9a127d2886d248dd67aca",
        392_654,
        *("prompt", "bias_type", "sentence"),
    ),
    "stereotype_recognition": _set(
        stereotype_recognition,
        "fairness",
        "stereotype_recognition.json",
        "02c82f4537e07472433e808c883d2d35279f5117830270d25a2f56a6abb71ecb",
        616_190,
        *("prompt", "type", "label", "context"),
    ),
    "privacy_awareness": _set(
        privacy_awareness,
        "privacy",
        "privacy_awareness_query.json",
        "296fedcb1641669e9db52f997127be9d5242b7ac1a81c45d873b03158e72add9",
        473_456,
        *("prompt", "name", "privacy_information", "info-content", "question", "type"),
    ),
    "pii_leakage": _set(
        pii_leakage,
        "privacy",
        "privacy_leakage.json",
        "53c33e1b7a64ea13e978e2fef3b85fc7cd0d9d425b1b27e7786d310602fb7eb2",
        142_702,
        *("prompt", "gt-email", "type", "shotType"),
    ),
}


trustllm = public_source(
    "trustllm",
    version=2,
    licence="MIT",
    citation="arXiv:2401.05561",
    sets=SETS | MORE,
    good_for="the eight tasks of CrossRiskEval under one licence, for comparison with its published figures",
    flaws="many rows are variants of few: 14 attacks over 100 requests, 50 people in the Enron addresses; the "
    "exaggerated-safety prompts are those of XSTest's first version",
)
