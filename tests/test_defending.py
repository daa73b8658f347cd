"""`crossrisk defend`: what it writes is the defended model, loads in other people's tools, and says what it is."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from peft import PeftModel
from safetensors import safe_open
from transformers import AutoModelForCausalLM

from crossrisk import cli
from crossrisk.defending import defend, model_card
from crossrisk.engine.arms import arms
from crossrisk.engine.execute import Execution, base_fingerprint
from crossrisk.engine.store import Store
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES, SOURCES
from crossrisk.risks import Risk
from crossrisk.sources.fitting import fitting_data
from crossrisk.study import ModelSpec, Study
from crossrisk.targets.loading import load_target
from tests.defenses.cases import scores
from tests.models import tiny_model

SMALL = {"steps": 3, "batch_size": 2, "learning_rate": 1e-2}
LORA = {"name": "dpo", **SMALL}
FULL = {"name": "npo", **SMALL}
PROMPT = torch.tensor([[5, 17, 42, 9, 77]])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model("llama", tmp_path_factory.mktemp("defended") / "base")


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CROSSRISK_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def made(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    out = tmp_path_factory.mktemp("made")
    defend(spec(base), LORA, out / "adapter")
    defend(spec(base), FULL, out / "checkpoint")
    return {"adapter": out / "adapter", "checkpoint": out / "checkpoint"}


def spec(base: Path) -> ModelSpec:
    return ModelSpec(model=str(base), device="cpu")


def deployed_scores(base: Path, defense: dict[str, Any]) -> list[tuple[float, ...]]:
    study = Study(base=spec(base), defenses=(defense,), tasks=("fluency",), controls=False)
    (arm,) = arms(study, base_fingerprint(study.base, "cpu"), {})
    target = load_target(base, device="cpu")
    with arm.defense.deploy(target, arm.artifact(target)) as defended:
        return scores(defended)


def close(first: list[tuple[float, ...]], second: list[tuple[float, ...]]) -> bool:
    return all(one == pytest.approx(other, abs=1e-5) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize(("form", "defense"), [("adapter", LORA), ("checkpoint", FULL)])
def test_the_files_are_the_defended_model(form, defense, base, made):
    bare = scores(load_target(base, device="cpu"))
    read_back = load_target(made[form], device="cpu")
    assert close(scores(read_back), deployed_scores(base, defense))
    assert not close(scores(read_back), bare)


def test_peft_and_transformers_load_them(base, made):
    model = AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        bare = model(PROMPT).logits
        adapted = PeftModel.from_pretrained(model, made["adapter"])(PROMPT).logits
        checkpoint = AutoModelForCausalLM.from_pretrained(made["checkpoint"])(PROMPT).logits
    assert (adapted - bare).abs().max() > 1e-3
    assert (checkpoint - bare).abs().max() > 1e-3


@pytest.mark.parametrize("form", ["adapter", "checkpoint"])
def test_the_card_says_what_it_is_and_holds_no_text_that_it_was_fitted_on(form, base, made):
    card = (made[form] / "README.md").read_text(encoding="utf-8")
    record = json.loads((made[form] / "crossrisk.json").read_text(encoding="utf-8"))
    defense = DEFENSES.get(record["defense"])()
    head = yaml.safe_load(card.split("---")[1])
    assert head["base_model"] == str(base)
    assert head["library_name"] == {"adapter": "peft", "checkpoint": "transformers"}[form]
    for told in (defense.card.title, defense.card.formula, str(defense.card.deviation), record["fitted_on"]["source"]):
        assert told in card
    assert record["settings"]["steps"] == 3 and record["form"] == form
    assert set(record["fitted_on"]["rows"]) == set(defense.needs.data)
    data = fitting_data("core", defense.risk)
    assert not any(one.reply in card for one in (*data.forget, *data.refusals))


def test_a_bar_or_a_new_line_in_a_setting_does_not_break_the_table_of_the_card(made):
    record = json.loads((made["adapter"] / "crossrisk.json").read_text(encoding="utf-8"))
    record["settings"] = {"prefixes": ["a|b", "c"], "words": "one\ntwo"}
    card = model_card(DEFENSES.get("dpo")().card, record)
    assert "| `prefixes` | ['a\\|b', 'c'] |\n| `words` | one two |\n" in card


def test_the_same_request_gives_the_same_bytes(base, made, tmp_path, monkeypatch):
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "cache"))
    defend(spec(base), LORA, tmp_path / "again")
    for file in sorted(made["adapter"].iterdir()):
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes(), file.name


@pytest.mark.parametrize(("form", "risk"), [("adapter", "safety"), ("checkpoint", "privacy")])
def test_a_study_reads_from_the_files_what_they_are_for_and_were_fitted_on(form, risk, base, made):
    study = Study(base=spec(base), defenses=({form: str(made[form])},), tasks=("misuse:core",), controls=False)
    (arm,) = arms(study, "base", {})
    data = fitting_data("core", Risk(risk))
    assert arm.defense.risk == risk
    assert (arm.data.source, arm.data.forget) == ("core", data.forget)
    assert arm.data.checksum != data.checksum  # it is known by the hash of its files


SPIN = {"name": "spin", "samples": 3, "top": 0.2}  # its data are of two risks
TUNED = {"name": "fine_tuned", "steps": 2, "batch_size": 2}  # on a corpus, against no risk


@pytest.mark.parametrize("defense", [SPIN, TUNED, {"steps": [LORA, FULL]}], ids=["spin", "fine_tuned", "dpo+npo"])
def test_a_made_model_is_flagged_wherever_its_defense_would_be(defense, base, tmp_path):
    if defense is TUNED:
        prompt = SOURCES.get("core").samples("utility")[0].messages[-1].content
        (tmp_path / "mine.jsonl").write_text(json.dumps({"kind": "corpus", "prompt": prompt, "reply": "So."}) + "\n")
        defense = defense | {"data": str(tmp_path / "mine.jsonl")}
    here = defense | {"label": "here"}
    form = defend(spec(base), here, tmp_path / "made").form
    tasks = ("misuse:core", "stereotype_query:core", "pii_leakage:core", "utility:core")
    study = Study(base=spec(base), defenses=(here, {form: str(tmp_path / "made")}), tasks=tasks, controls=False)
    flags: dict[str, list[tuple[str, ...]]] = {"here": [], "made": []}
    for flag in Execution(study, Store(tmp_path / "study")).record.flags:
        flags[flag["arm"]].append((flag["task"], flag["kind"], flag["note"]))
    assert flags["made"] == flags["here"] != []


def test_a_damaged_record_is_told(base, made, tmp_path):
    copy = tmp_path / "made"
    shutil.copytree(made["adapter"], copy)
    (copy / "crossrisk.json").write_text('{"risk": "peace"}')
    study = Study(base=spec(base), defenses=({"adapter": str(copy)},), tasks=("misuse",), controls=False)
    with pytest.raises(RequestError, match=r"crossrisk\.json is damaged"):
        arms(study, "base", {})


def test_a_defense_that_no_file_can_hold_is_refused(base, tmp_path):
    with pytest.raises(RequestError, match=r"'dpo\+self_reminder' does is in weights"):
        defend(spec(base), "dpo+self_reminder", tmp_path / "out")
    with pytest.raises(RequestError, match=r"'self_reminder' does is in weights \(prompt\).*in a study"):
        defend(spec(base), "self_reminder", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_defense_that_changed_nothing_leaves_nothing(base, tmp_path):
    with pytest.raises(RequestError, match="changed nothing"):
        defend(spec(base), {**LORA, "strength": 0.0}, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_broken_model_is_made_and_told(base, tmp_path, capsys, monkeypatch):
    wild = "{name: gradient_ascent, steps: 30, learning_rate: 0.1}"
    arguments = ["defend", "--base", str(base), "--defense", wild, "--out", str(tmp_path / "out"), "--json"]
    monkeypatch.setattr("sys.argv", ["crossrisk", *arguments, "--device", "cpu"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert ended.value.code == 0
    assert "broke the model" in said.err
    assert json.loads(said.out)["broken"]
    assert "broke the model" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_defaults_of_a_small_model_come_with_the_advice_for_large_ones(base, tmp_path):
    said: list[str] = []
    for defense in ({"name": "dpo", "strength": 0.0}, {**LORA, "strength": 0.0}):
        with pytest.raises(RequestError, match="changed nothing"):
            defend(spec(base), defense, tmp_path / "out", advise=said.append)
    (line,) = said
    assert line.startswith("dpo has no settings here") and line.endswith(DEFENSES.get("dpo")().card.large)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--defense", "dpoo"], "did you mean dpo"),
        (["--defense", "{name: dpo, stepps: 3}"], "stepps"),
        (["--defense", "{name: dpo, strength: much}"], "strength"),
        (["--defense", "dpo", "--dtype", "float8"], "dtype"),
        (["--defense", "dpo", "--data", "nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_a_wrong_request_is_one_line(arguments, problem, base, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "sys.argv", ["crossrisk", "defend", "--base", str(base), "--out", str(tmp_path / "out"), *arguments]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert problem in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_left_alone(base, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RequestError, match="there already"):
        defend(spec(base), LORA, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_checkpoint_is_of_the_type_of_its_base(base, tmp_path):
    defend(ModelSpec(model=str(base), device="cpu", dtype="float16"), FULL, tmp_path / "out")
    with safe_open(tmp_path / "out" / "model.safetensors", "pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float16}  # noqa: SIM118
    assert json.loads((tmp_path / "out" / "config.json").read_text())["dtype"] == "float16"


def test_on_a_base_with_an_adapter_the_files_hold_both(base, made, tmp_path):
    both = ModelSpec(model=str(base), adapter=str(made["adapter"]), device="cpu")
    assert defend(both, {**LORA, "seed": 1}, tmp_path / "out").form == "checkpoint"
    study = Study(base=both, defenses=({**LORA, "seed": 1},), tasks=("fluency",), controls=False)
    (arm,) = arms(study, base_fingerprint(both, "cpu"), {})
    target = load_target(base, adapter=str(made["adapter"]), device="cpu")
    with arm.defense.deploy(target, arm.artifact(target)) as defended:
        deployed = scores(defended)
    assert close(scores(load_target(tmp_path / "out", device="cpu")), deployed)


def test_a_place_where_no_folder_can_be_is_told_before_anything_is_fitted(base, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    monkeypatch.setattr("crossrisk.defending.arms", lambda *_: pytest.fail("it went on"))
    with pytest.raises(RequestError, match=r"file is no folder to write in: name another one with --out"):
        defend(spec(base), LORA, tmp_path / "file" / "out")
