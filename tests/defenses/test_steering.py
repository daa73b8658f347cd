"""Conditional steering: what is added, where, and to whom."""

from dataclasses import replace

import pytest
import torch

from crossrisk.defenses.defense import Artifact
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.targets.activation import hidden_states
from crossrisk.targets.layers import layers_between
from crossrisk.targets.loading import load_target
from crossrisk.targets.target import GenerationConfig
from tests.defenses.cases import CHATS, DATA, REPLIES, THINGS, ask, scores
from tests.models import FAMILIES, tiny_model

RISKY, HARMLESS = ask("Please buy the bread."), ask("Is the book in the house?")


def steering(**settings):
    return DEFENSES.get("steering_safety")(**{"first": 0.5, "last": 0.5, **settings})


def fitted(target, **settings):
    one = steering(**settings)
    return one, one.fit(target, DATA, seed=0, strength=1.0)


def states(target, chats):
    return hidden_states(target, target.encode_all(chats))


def test_the_hidden_state_moves_by_the_vector_exactly_and_the_vector_is_as_long_as_alpha_says(target):
    one, artifact = fitted(target, gate="none", alpha=0.5)
    shift = artifact.tensors["layers.1.shift"]
    with one.deploy(target, artifact) as defended:
        moved = states(defended, CHATS)
    base = states(target, CHATS)
    torch.testing.assert_close(moved[:, 1] - base[:, 1], shift.expand(len(CHATS), -1), atol=1e-6, rtol=1e-5)
    assert torch.equal(moved[:, 0], base[:, 0])
    harmless = states(target, [one.messages for one in DATA.retain])[:, 1]
    assert float(shift.norm()) == pytest.approx(0.5 * float(harmless.norm(dim=-1).median()), rel=1e-5)


def test_the_vector_is_the_mean_difference_between_safe_and_risky_replies(target):
    _, artifact = fitted(target, gate="none", alpha=1.0, unit="difference")
    differences = []
    for pair in DATA.pairs:
        prompt = target.encode(pair.messages)
        read = []
        for reply in (pair.chosen, pair.rejected):
            ids = target.tokenizer(reply, add_special_tokens=False)["input_ids"]
            with torch.no_grad():
                hidden = target.model(torch.tensor([prompt + ids]), output_hidden_states=True).hidden_states
            read.append(hidden[1][0, len(prompt) :].mean(dim=0))  # the output of layer 0; the last one is normalised
        differences.append(read[0] - read[1])
    _, first = fitted(target, gate="none", alpha=1.0, unit="difference", first=0.0, last=0.0)
    torch.testing.assert_close(
        first.tensors["layers.0.shift"], torch.stack(differences).mean(dim=0), atol=1e-4, rtol=1e-4
    )
    assert set(artifact.tensors) == {"layers.1.shift"}


def test_between_prompts_it_is_the_difference_of_their_last_tokens(target):
    _, artifact = fitted(target, gate="none", alpha=2.0, unit="difference", contrast="prompts")
    risky, harmless = (states(target, [row.messages for row in rows]) for rows in (DATA.pairs, DATA.retain))
    expected = 2 * (risky[:, 1].mean(dim=0) - harmless[:, 1].mean(dim=0))
    torch.testing.assert_close(artifact.tensors["layers.1.shift"], expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_in_every_family_a_shut_gate_is_the_base_bit_for_bit_and_an_open_one_is_not(family, tmp_path):
    bare = load_target(tiny_model(family, tmp_path / family), device="cpu")
    one, artifact = fitted(bare, alpha=1.0)
    chats = [RISKY, HARMLESS, ask("Please buy the garden."), ask("Is the doctor in the house?")]
    with one.deploy(bare, artifact) as defended:
        pushed = scores(defended, chats, [REPLIES[1]] * 4)
        together = defended.generate(chats, GenerationConfig(6))
        alone = [defended.generate([chat], GenerationConfig(6))[0] for chat in chats]
    base = scores(bare, chats, [REPLIES[1]] * 4)
    assert [a != b for a, b in zip(pushed, base, strict=True)] == [True, False, True, False]
    assert together == alone


def test_no_alpha_is_the_model_itself(target):
    one, artifact = fitted(target, alpha=0.0)
    assert artifact.kind == "nothing"
    with one.deploy(target, artifact) as defended:
        assert defended is target


@pytest.mark.parametrize("gate", ["probe", "none"])
def test_strength_scales_what_is_added_and_nothing_else(target, gate):
    one = steering(gate=gate)
    full, half = (one.fit(target, DATA, seed=0, strength=strength) for strength in (1.0, 0.5))
    torch.testing.assert_close(half.tensors["layers.1.shift"], 0.5 * full.tensors["layers.1.shift"])
    for name in full.meta["kept"]:
        assert torch.equal(full.tensors[name], half.tensors[name])


def test_the_gate_tells_risky_prompts_from_harmless_ones_and_says_how_well(target):
    _, artifact = fitted(target)
    told = artifact.meta["gate"]
    assert told["accuracy"] >= 0.9
    assert told["layer"] in (0, 1)
    assert artifact.meta["kept"] == ["gate.bias", "gate.weight"]


def test_steering_on_top_of_steering_is_fitted_on_what_stands_and_undone_to_it(target):
    one, artifact = fitted(target, gate="none", alpha=1.0)
    with one.deploy(target, artifact) as once:
        said, states_once = scores(once), states(once, CHATS)
        outer = steering(alpha=0.3, gate="none", first=0.0, last=0.5)
        second = outer.fit(once, DATA, seed=0, strength=1.0)
        assert second.sha256 != outer.fit(target, DATA, seed=0, strength=1.0).sha256
        with outer.deploy(once, second) as twice:
            assert scores(twice) != said
            moved = states(twice, CHATS)
            torch.testing.assert_close(moved[:, 0] - states_once[:, 0], second.tensors["layers.0.shift"].expand(3, -1))
            assert len({target.fingerprint, once.fingerprint, twice.fingerprint}) == 3
        assert scores(once) == said


@pytest.mark.parametrize("inner", ["dpo", "npo", "self_reminder", "safe_decoding"])
def test_it_stands_on_adapters_deltas_prompts_and_decoding(target, inner, request):
    below, artifact = request.getfixturevalue("fitted")(inner)
    with below.deploy(target, artifact) as once:
        said = scores(once)
        one, mine = fitted(once, gate="none", alpha=1.0)
        with one.deploy(once, mine) as twice:
            assert scores(twice) != said
            chats = [*CHATS, RISKY]
            together = twice.generate(chats, GenerationConfig(6))
            assert together == [twice.generate([chat], GenerationConfig(6))[0] for chat in chats]
        assert scores(once) == said


def test_private_vectors_are_drawn_from_the_seed_and_lie_the_closer_the_weaker_the_promise(target):
    plain = fitted(target, gate="none")[1].tensors["layers.1.shift"]
    one = steering(gate="none", dp=(1.0, 1e-5))
    first, again, other = (one.fit(target, DATA, seed=seed, strength=1.0) for seed in (0, 0, 1))
    assert first.sha256 == again.sha256 != other.sha256
    loose = fitted(target, gate="none", dp=(1e6, 1e-5), clip=3.0)[1].tensors["layers.1.shift"]
    alike = [
        float(torch.cosine_similarity(vector, plain, dim=0)) for vector in (loose, first.tensors["layers.1.shift"])
    ]
    assert alike[0] > 0.999 > alike[1]
    assert float(first.tensors["layers.1.shift"].norm()) == pytest.approx(float(plain.norm()), rel=1e-5)


def test_the_budget_is_shared_by_the_layers(target):
    """Each of two layers gets half the budget, so its noise is that of one layer alone with half of it."""
    two = steering(gate="none", unit="difference", dp=(2.0, 2e-5), first=0.0, last=0.5)
    alone = steering(gate="none", unit="difference", dp=(1.0, 1e-5))
    vectors = [one.fit(target, DATA, seed=0, strength=1.0).tensors["layers.1.shift"] for one in (two, alone)]
    assert torch.equal(*vectors)


def test_its_sham_keeps_gate_and_size_and_loses_the_direction(target):
    one, artifact = fitted(target)
    sham = DEFENSES.get("sham")(like={"steering_safety": {"first": 0.5, "last": 0.5}}).scramble(artifact, seed=0)
    shift, drawn = artifact.tensors["layers.1.shift"], sham.tensors["layers.1.shift"]
    assert float(drawn.norm()) == pytest.approx(float(shift.norm()), rel=1e-5)
    assert not torch.allclose(drawn, shift, rtol=0.1)
    assert torch.equal(sham.tensors["gate.weight"], artifact.tensors["gate.weight"])
    with one.deploy(target, sham) as defended:
        said = scores(defended, [HARMLESS], REPLIES[:1])
    assert said == scores(target, [HARMLESS], REPLIES[:1])


def test_without_layers_it_steers_where_its_probe_reads(target):
    _, artifact = fitted(target, first=None, last=None)
    assert f"layers.{artifact.meta['gate']['layer']}.shift" in artifact.tensors
    assert len(artifact.tensors) == 3


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"first": 0.6, "last": 0.3}, "smaller first"),
        ({"first": 0.3, "last": None}, "give both"),
        ({"first": None, "last": None, "gate": "none"}, "gate: probe"),
        ({"dp": (1.0, 1e-5), "contrast": "prompts"}, "'replies'"),
        ({"first": -0.1}, "'first'"),
        ({"dp": (0.0, 1e-5)}, "dp"),
        ({"alpha": float("inf")}, "'alpha'"),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_one_line(settings, told):
    with pytest.raises(RequestError, match=told) as error:
        steering(**settings)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("tensors", [{"layers.1.shift": torch.ones(8)}, {"layers.7.shift": torch.ones(32)}])
def test_vectors_of_another_model_are_refused(target, tensors):
    with (
        pytest.raises(RequestError, match="fitted on another model"),
        steering().deploy(target, Artifact("vectors", tensors, {"gate": None, "kept": []})),
    ):
        pass


def test_a_checkpoint_does_not_take_the_model_from_under_its_vectors(target, tiny_folder):
    one, artifact = fitted(target)
    other = DEFENSES.get("checkpoint")(model=str(tiny_folder))
    ready = other.fit(target, DATA, seed=0, strength=1.0)
    with (
        one.deploy(target, artifact) as steered,
        pytest.raises(RequestError, match="deploy the checkpoint first"),
        other.deploy(steered, ready),
    ):
        pass


def test_a_probe_of_one_risky_prompt_is_refused_in_one_line(target):
    data = replace(DATA, pairs=DATA.pairs[:1])
    with pytest.raises(RequestError, match=r"1 risky and .* harmless ones: give two"):
        steering().fit(target, data, seed=0, strength=1.0)
    assert steering(gate="none").fit(target, data, seed=0, strength=1.0).tensors


def test_only_so_many_examples_are_read(target):
    few, all_of_them = (fitted(target, gate="none", examples=count)[1] for count in (2, 100))
    other = replace(DATA, pairs=DATA.pairs * 30)
    assert few.sha256 != all_of_them.sha256
    assert len(THINGS) == len(DATA.pairs)
    assert steering(gate="none", examples=4).fit(target, other, seed=0, strength=1.0).kind == "vectors"


@pytest.mark.parametrize(
    ("depth", "first", "last", "expected"),
    [
        (32, 0.31, 0.6, range(10, 20)),
        (4, 0.31, 0.6, range(1, 3)),
        (2, 0.31, 0.6, range(1, 2)),
        (4, 1.0, 1.0, range(3, 4)),
    ],
)
def test_fractions_of_the_depth_name_the_layers_of_the_papers(depth, first, last, expected):
    assert layers_between(depth, first, last) == expected


# SCANS and FairSteer, its named cases.


def test_scans_steers_unsafe_prompts_one_way_and_all_others_the_other_way(target):
    one = DEFENSES.get("scans")(threshold=0.5)
    artifact = one.fit(target, DATA, seed=0, strength=1.0)
    ((name, shift),) = [(name, v) for name, v in artifact.tensors.items() if name.endswith("shift")]
    layer = int(name.split(".")[1])
    chats = [pair.messages for pair in DATA.pairs] + [row.messages for row in DATA.retain] + list(CHATS)
    with one.deploy(target, artifact) as defended:
        moved = (states(defended, chats) - states(target, chats))[:, layer]
        signs = (moved @ shift / (shift @ shift)).round()
        assert set(signs.tolist()) <= {1.0, -1.0}
        torch.testing.assert_close(moved, signs[:, None] * shift, atol=1e-5, rtol=1e-4)
        one_by_one = torch.cat(
            [states(defended, [chat])[:, layer] - states(target, [chat])[:, layer] for chat in chats]
        )
    torch.testing.assert_close(one_by_one, moved, atol=1e-5, rtol=1e-4)


def test_scans_compares_the_move_of_assent_with_its_mean_on_unsafe_prompts(target):
    one = DEFENSES.get("scans")(threshold=0.75, examples=3)
    artifact = one.fit(target, replace(DATA, pairs=DATA.pairs[:3], retain=DATA.retain[:3]), seed=0, strength=1.0)
    sure = target.tokenizer("Sure", add_special_tokens=False)["input_ids"]
    prompts = target.encode_all([pair.messages for pair in DATA.pairs[:3]])
    after = hidden_states(target, [prompt + sure for prompt in prompts])
    expected = (hidden_states(target, prompts) - after)[:, artifact.meta["gate"]["layers"]].mean(dim=0)
    torch.testing.assert_close(artifact.tensors["gate.reference"], expected, atol=1e-4, rtol=1e-4)


def test_fairsteer_adds_the_difference_as_it_is_at_the_layer_of_its_probe(target):
    artifact = DEFENSES.get("fairsteer")(alpha=1.0).fit(target, DATA, seed=0, strength=1.0)
    layer = artifact.meta["gate"]["layer"]
    place = {"first": layer / 2, "last": layer / 2}
    plain = steering(gate="none", alpha=1.0, unit="difference", **place).fit(target, DATA, seed=0, strength=1.0)
    torch.testing.assert_close(artifact.tensors[f"layers.{layer}.shift"], plain.tensors[f"layers.{layer}.shift"])
