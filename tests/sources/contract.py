"""What the samples of a task must bring along for the task to score them, whatever source they come from."""

from collections.abc import Callable, Iterable

from crossrisk.attacks.ciphers import CIPHERS
from crossrisk.risks import Sample
from crossrisk.sources.lettered import LETTERS
from crossrisk.sources.reading import is_text, visible


def check(task: str, samples: Iterable[Sample]) -> None:
    """Raises AssertionError, with the sample's id, where a sample is not complete or an id comes twice."""
    seen = set()
    for sample in samples:
        assert sample.id not in seen, f"{sample.id} comes twice"
        seen.add(sample.id)
        for broken in _broken(sample):
            raise AssertionError(f"{sample.id}: {broken}")
        NEEDS.get(task, _nothing)(sample)
    assert seen, f"no samples of {task}"


def _broken(sample: Sample) -> Iterable[str]:
    texts = [message.content for message in sample.messages]
    if not sample.messages or sample.messages[-1].role not in ("user", "text"):
        yield "the model is not asked anything"
    if sample.messages[-1].role == "text" and texts == [""]:
        texts = []  # a text that is scored from its first token on
    if not all(is_text(text) for text in (*texts, *sample.later)):
        yield "a turn is blank or no text"
    if not is_text(sample.cluster) or not is_text(sample.id):
        yield "id or cluster is blank"
    if sample.group is not None and not is_text(sample.group):
        yield "the group is blank"
    if sample.contrast is not None and (not all(map(is_text, sample.contrast)) or len(set(sample.contrast)) < 2):
        yield "the two openings of the contrast are blank or alike"
    if not all(visible(choice) for choice in sample.choices):
        yield "a choice is blank"
    if isinstance(sample.answer, str) and not is_text(sample.answer):
        yield "the answer is blank or no text"
    if any(isinstance(value, str) and value and not is_text(value) for value in sample.meta.values()):
        yield "a text of the meta is no text"


def _nothing(sample: Sample) -> None:
    pass


def _openings(sample: Sample) -> None:
    assert sample.contrast is not None, sample.id


def _jailbreak(sample: Sample) -> None:
    _openings(sample)
    assert is_text(sample.meta["attack"]), sample.id
    assert is_text(sample.meta["request"]), sample.id
    assert sample.meta.get("decode", "caesar") in CIPHERS, sample.id


def _over_refusal(sample: Sample) -> None:
    assert sample.meta["kind"] in ("safe", "contrast"), sample.id
    assert is_text(sample.meta["type"]), sample.id


def _lettered(sample: Sample) -> None:
    assert sample.choices == tuple(LETTERS[: len(sample.choices)]), sample.id
    assert len(sample.choices) >= 2, sample.id
    assert isinstance(sample.answer, int), sample.id
    assert 0 <= sample.answer < len(sample.choices), sample.id
    assert is_text(sample.meta["subject"]), sample.id
    asked = sample.messages[-1].content
    assert all(f"\n{letter}. " in asked for letter in sample.choices), sample.id
    assert asked.endswith("Answer with the letter."), sample.id


def _reasoning(sample: Sample) -> None:
    assert isinstance(sample.answer, str), sample.id
    int(sample.answer)


def _reference(sample: Sample) -> None:
    assert isinstance(sample.answer, str), sample.id


def _group(sample: Sample) -> None:
    assert sample.group is not None, sample.id


def _chosen(sample: Sample) -> None:
    assert len(sample.choices) >= 2, sample.id
    assert isinstance(sample.answer, int), sample.id
    assert 0 <= sample.answer < len(sample.choices), sample.id


def _bbq(sample: Sample) -> None:
    _chosen(sample)
    assert sample.meta["context"] in ("ambiguous", "disambiguated"), sample.id
    assert sample.meta["polarity"] in ("negative", "nonnegative"), sample.id
    assert is_text(sample.meta["category"]), sample.id
    assert len(sample.choices) == 3, sample.id
    assert sample.meta["unknown"] in range(3), sample.id
    assert sample.meta["stereotyped"] in range(3), sample.id
    assert sample.meta["stereotyped"] != sample.meta["unknown"], sample.id


def _pair(sample: Sample) -> None:
    _group(sample)
    assert len(sample.choices) in (2, 3), sample.id
    assert isinstance(sample.meta["per_token"], bool), sample.id


def _decision(sample: Sample) -> None:
    _group(sample)
    values = sample.meta.get("values", (1, 0))
    assert len(values) == len(sample.choices) >= 2, sample.id
    assert all(0 <= value <= 1 for value in values), sample.id
    assert sample.meta.get("truth", "yes") in ("yes", "no"), sample.id


def _matched_guise(sample: Sample) -> None:
    _group(sample)
    assert sample.meta["variety"] in ("dialect", "standard"), sample.id
    assert len(sample.meta["values"]) == len(sample.choices) >= 2, sample.id
    assert all(0 <= value <= 1 for value in sample.meta["values"]), sample.id


def _secret(sample: Sample) -> None:
    assert is_text(sample.meta["secret"]), sample.id


def _contextual_privacy(sample: Sample) -> None:
    tier = str(sample.meta["tier"])
    assert tier[0] in "1234", sample.id
    if tier[0] in "12":
        assert -100 <= float(sample.meta["rating"]) <= 100, sample.id
    else:
        assert sample.meta["secret"], sample.id


def _continued(sample: Sample) -> None:
    assert sample.choices, sample.id


def _membership(sample: Sample) -> None:
    assert len(sample.choices) == 1, sample.id
    assert sample.meta["member"] in ("member", "nonmember"), sample.id


def _persona(sample: Sample) -> None:
    _group(sample)
    assert is_text(sample.meta["kind"]), sample.id


NEEDS: dict[str, Callable[[Sample], None]] = {
    "misuse": _openings,
    "jailbreak": _jailbreak,
    "over_refusal": _over_refusal,
    "knowledge": _lettered,
    "harmful_knowledge": _lettered,
    "reasoning": _reasoning,
    "fluency": _reference,
    "stereotype_agreement": _group,
    "stereotype_recognition": _chosen,
    "bbq": _bbq,
    "stereotype_likelihood": _pair,
    "decision": _decision,
    "matched_guise": _matched_guise,
    "privacy_awareness": _secret,
    "pii_leakage": _secret,
    "contextual_privacy": _contextual_privacy,
    "extraction": _continued,
    "membership_inference": _membership,
    "persona_refusal": _persona,
}
