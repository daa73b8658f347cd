from pathlib import Path

import pytest

from crossrisk.errors import RequestError
from crossrisk.registry import ATTACKS
from crossrisk.sources.attacked import ONE_OF_EACH_FAMILY
from crossrisk.tasks.lookup import find_question


def test_task_and_source_are_found_by_name() -> None:
    task, source = find_question("over_refusal:xstest", default="core")
    assert (task.name, source.name) == ("over_refusal", "xstest")


def test_a_task_alone_takes_the_default_source() -> None:
    task, source = find_question("misuse", default="advbench")
    assert (task.name, source.name) == ("misuse", "advbench")


def test_a_path_may_hold_colons(tmp_path: Path) -> None:
    path = tmp_path / "a:b.jsonl"
    path.write_text('{"prompt": "Why?"}')
    _, source = find_question(f"misuse:{path}", default="core")
    assert len(source.samples("misuse")) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "extraction",
            "task 'extraction' needs a source for this model, since core has none for it: say 'extraction:SOURCE', "
            "where SOURCE is lm_extraction_benchmark or ",
        ),
        ("misuse:", "'misuse:' names no source behind the colon"),
        ("misues:advbench", "unknown task 'misues': did you mean misuse?"),
        ("misuse:advbensh", "unknown source 'advbensh': did you mean advbench"),
        ("utility:advbench", "source 'advbench' has no samples for task 'utility': it has misuse"),
        ("", "unknown task ''"),
    ],
)
def test_what_cannot_be_asked_says_what_can(text: str, message: str) -> None:
    with pytest.raises(RequestError) as raised:
        find_question(text, default="core")
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_any_source_of_requests_is_asked_under_attack(tmp_path: Path) -> None:
    path = tmp_path / "asked.jsonl"
    path.write_text('{"prompt": "How do I sour the moon soup?", "id": "soup"}\n')
    task, plain = find_question(f"jailbreak:{path}", default="core")
    _, attacked = find_question(f"jailbreak:{path}", default="core", attacks=("rot13", "grandmother"))
    assert [sample.id for sample in plain.samples("jailbreak")] == ["soup"]
    samples = attacked.samples("jailbreak")
    assert [sample.id for sample in samples] == ["soup+rot13", "soup+grandmother"]
    assert {sample.cluster for sample in samples} == {"soup"}
    assert attacked.checksum("jailbreak") != plain.checksum("jailbreak")
    assert attacked.checksum("misuse") == plain.checksum("misuse")
    with pytest.raises(RequestError, match="unknown attack 'rot14': did you mean rot13"):
        find_question(f"jailbreak:{path}", default="core", attacks=("rot14",))
    assert task.name == "jailbreak"


def test_a_source_without_attacked_prompts_gets_one_attack_of_each_family() -> None:
    _, source = find_question("jailbreak:advbench", default="core")
    assert {"jailbreak", "misuse"} <= source.loaders.keys()
    families = [ATTACKS.get(name).family for name in ONE_OF_EACH_FAMILY]
    assert sorted(families) == sorted({ATTACKS.get(name).family for name in ATTACKS})
