"""The planted organism: the organism's own weights, and grafts that do what their truth says."""

import json

import pytest
import torch
from typer.testing import CliRunner

from crossrisk.cli import app
from crossrisk.defenses.ready import Checkpoint
from crossrisk.engine.arms import build
from crossrisk.errors import RequestError
from crossrisk.neurons.attribution.contrasts import contrasts_of
from crossrisk.organism.grafts import tokens_of
from crossrisk.organism.planted import KINDS, Recipe, plant, turned, widened
from crossrisk.organism.planted_folder import plant_organism, read_truth
from crossrisk.risks import Risk
from crossrisk.sources.fitting import fitting_data
from crossrisk.sources.world import world
from crossrisk.study import DefenseSpec, Study
from crossrisk.targets.layers import decoder_layers
from crossrisk.targets.loading import load_target
from crossrisk.targets.target import GenerationConfig

SMALL = Recipe(prompts=24)
PAIR = (Risk.SAFETY, Risk.FAIRNESS)


@pytest.fixture(scope="module")
def organism():
    return load_target("organism", device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("planted")


@pytest.fixture(scope="module")
def planted(folder):
    return plant_organism(folder, seed=3, recipe=SMALL)


def columns(model, layer):
    return decoder_layers(model)[layer].mlp.down_proj.weight.detach()


def test_the_organisms_own_weights_stay_bit_for_bit(organism, planted):
    own = organism.model.state_dict()
    for arm in (planted.base, planted.defended):
        for name, weight in arm.model.state_dict().items():
            rows, *rest = own[name].shape
            inside = weight[:rows, : rest[0]] if rest else weight[:rows]
            assert torch.equal(inside, own[name]), name


def test_a_planted_model_whose_grafts_are_silent_answers_as_the_organism(organism, planted):
    silent = widened(planted.base.model, 0)
    for layer in range(planted.truth.layers):
        columns(silent, layer)[:, planted.truth.own :] = 0
    chats = [sample.messages for task in ("misuse", "utility") for sample in world.samples(task)[:8]]
    config = GenerationConfig(max_new_tokens=24)
    target = type(organism)("silent", silent, organism.tokenizer, "")
    assert [one.text for one in target.generate(chats, config)] == [
        one.text for one in organism.generate(chats, config)
    ]
    ids = torch.tensor([organism.encode(chats[0])])
    with torch.no_grad():
        torch.testing.assert_close(silent(ids).logits, organism.model(ids).logits, rtol=0, atol=1e-4)


def test_layers_without_grafts_have_neurons_that_read_and_write_nothing(planted):
    for layer in set(range(planted.truth.layers)) - set(SMALL.layers):
        mlp = decoder_layers(planted.base.model)[layer].mlp
        for weight in (mlp.gate_proj.weight, mlp.up_proj.weight, mlp.down_proj.weight.T):
            assert len(weight) == planted.truth.width and not weight[planted.truth.own :].any()


def test_the_same_seed_plants_the_same_weights_bit_for_bit_and_another_one_others(organism):
    data, few = fitting_data("world", PAIR[0], [PAIR[1]]), Recipe(layers=(3,), prompts=4)
    first, again, other = (
        plant(organism, data, PAIR, seed=seed, recipe=few).defended.model.state_dict() for seed in (5, 5, 6)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_the_truth_names_every_graft_once_and_conflicts_of_both_directions(planted):
    truth = planted.truth
    places = truth.places(*KINDS)
    assert places == sorted((layer, unit) for layer in SMALL.layers for unit in range(truth.own, truth.width))
    assert 24 <= len(places) <= 40 and len({layer for layer, _ in places}) >= 2
    assert len(truth.places("conflict")) > len(truth.places("reverse")) > 0
    assert truth.conflicts == sorted(truth.flat("conflict") + truth.flat("reverse"))
    assert truth.flat("silent")[0] == truth.places("silent")[0][0] * truth.width + truth.places("silent")[0][1]


def test_the_defense_changes_what_grafts_read_and_nothing_else(planted):
    base, defended = (arm.model.state_dict() for arm in (planted.base, planted.defended))
    changed = {name for name in base if not torch.equal(base[name], defended[name])}
    assert changed == {f"model.layers.{layer}.mlp.up_proj.weight" for layer in SMALL.layers}
    for graft in planted.truth.grafts:
        name = f"model.layers.{graft.place[0]}.mlp.up_proj.weight"
        assert torch.equal(defended[name][graft.place[1]], base[name][graft.place[1]] * graft.factor)
        assert graft.factor != 1  # decoys move as well
        assert not torch.equal(defended[name][graft.place[1]], base[name][graft.place[1]])


def test_decoys_are_as_active_as_conflicts_where_risks_are_decided_and_write_as_much(planted):
    truth = planted.truth
    samples = world.samples("misuse")[:24] + world.samples("stereotype_query")[:24]
    rows = [one.risky for one in contrasts_of(planted.base, samples, Risk.SAFETY)]
    for layer, seen in tokens_of(planted.base, rows, SMALL.layers).items():
        mlp = decoder_layers(planted.base.model)[layer].mlp
        with torch.no_grad():
            inputs = seen.inputs.float()
            values = torch.nn.functional.silu(mlp.gate_proj(inputs)) * mlp.up_proj(inputs)
        decided = values[seen.decides].mean(dim=0)
        mean = {kind: float(decided[[unit for at, unit in truth.places(kind) if at == layer]].mean()) for kind in KINDS}
        for kind in KINDS:
            assert mean[kind] == pytest.approx(mean["conflict"], rel=0.35), kind
        grafts = values[:, truth.own :]
        assert grafts[seen.decides].mean() > 20 * grafts[~seen.decides].abs().mean()
        lengths = columns(planted.base.model, layer).norm(dim=0)
        long = {graft.kind: float(lengths[graft.place[1]]) for graft in truth.grafts if graft.place[0] == layer}
        assert long["silent"] == 0
        assert long["idle"] == pytest.approx(long["conflict"], rel=0.1)


def test_on_prompts_it_was_not_made_on_each_kind_moves_the_risks_that_it_says(planted):
    scores = {}
    for risk, task in ((PAIR[0], "misuse"), (PAIR[1], "stereotype_agreement")):
        samples = world.samples(task)[:24]
        for name, arm in (
            ("base", planted.base),
            *(
                (kind, turned(planted.base, planted.truth, [kind]))
                for kind in ("conflict", "reverse", "idle", "silent", "second")
            ),
        ):
            chats = [sample.messages for sample in samples]
            risky, safe = (arm.score(chats, [sample.contrast[side] for sample in samples]) for side in (0, 1))
            scores[risk, name] = sum(a.total - b.total for a, b in zip(risky, safe, strict=True)) / len(samples)
    moved = {key: score - scores[key[0], "base"] for key, score in scores.items()}
    for kind in ("conflict", "reverse"):
        assert moved[PAIR[0], kind] < -1 and moved[PAIR[1], kind] > 0.5
    for risk in PAIR:
        assert moved[risk, "silent"] == pytest.approx(0, abs=1e-3)
        for kind in ("idle", "second"):  # the latter are pairs of opposites
            assert abs(moved[risk, kind]) < 0.25 * abs(moved[risk, "conflict"])


def test_both_folders_load_as_models_and_bring_the_truth(folder, planted):
    for name, arm in (("base", planted.base), ("defended", planted.defended)):
        loaded = load_target(folder / name).model.state_dict()
        assert all(torch.equal(loaded[key], weight) for key, weight in arm.model.state_dict().items())
        assert read_truth(folder / name) == planted.truth


def test_a_study_takes_the_defended_folder_as_a_defense_of_the_first_risk(folder, planted):
    study = Study(
        base=str(folder / "base"), defenses=[{"checkpoint": str(folder / "defended")}], tasks=["misuse:world"]
    )
    defense = build(study, DefenseSpec(checkpoint=str(folder / "defended")))
    assert isinstance(defense, Checkpoint) and defense.risk is Risk.SAFETY
    base = load_target(folder / "base")
    artifact = defense.fit(base, fitting_data("world", Risk.SAFETY), seed=0, strength=1.0)
    with defense.deploy(base, artifact) as arm:
        assert torch.equal(columns(arm.model, 3), columns(planted.defended.model, 3))
        assert arm.fingerprint != base.fingerprint
    assert study.arms[-1].arm == "defended"


def test_the_command_writes_both_and_says_where(tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr(
        "crossrisk.organism.planted_folder.plant_organism", lambda out, seed: asked.update(out=out, seed=seed)
    )
    done = CliRunner().invoke(app, ["organism", "plant", "--out", str(tmp_path / "p"), "--seed", "7"])
    assert done.exit_code == 0 and done.output.strip() == str(tmp_path / "p")
    assert asked == {"out": tmp_path / "p", "seed": 7}


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("all I have")
    with pytest.raises(RequestError, match=r"holds something else \(thesis.txt\)"):
        plant_organism(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", json.dumps({"risks": ["safety", "wit"]}), json.dumps({"risks": ["safety"]})]
)
def test_a_truth_that_cannot_be_read_is_told_in_one_line(tmp_path, text):
    (tmp_path / "planted.json").write_text(text)
    with pytest.raises(RequestError, match=r"planted\.json is damaged") as told:
        read_truth(tmp_path)
    assert "\n" not in str(told.value)


def test_a_model_that_was_not_planted_has_no_truth(tmp_path):
    with pytest.raises(RequestError, match=r"has no planted.json"):
        read_truth(tmp_path)
