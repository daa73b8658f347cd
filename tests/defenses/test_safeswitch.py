"""SafeSwitch: two probers decide, row by row, whether the refusal head speaks; the model itself never changes."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from crossrisk.defenses.defense import Artifact
from crossrisk.defenses.fine_tuning import demonstrations
from crossrisk.defenses.refusal_head import LOOK_AHEAD, fitted_head, fitted_prober, head_in
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.targets.activation import hidden_states
from crossrisk.targets.loading import load_target
from crossrisk.targets.target import GenerationConfig
from tests.defenses.cases import CHATS, DATA, REPLIES, ask, scores, state_hash
from tests.models import FAMILIES, tiny_model

RISKY = [pair.messages for pair in DATA.pairs]
HARMLESS = [one.messages for one in DATA.retain]
SMALL = {"steps": 20, "batch_size": 5, "learning_rate": 5e-2}


def fitted(target, **settings):
    one = DEFENSES.get("safeswitch")(**{**SMALL, **settings})
    return one, one.fit(target, DATA, seed=0, strength=1.0)


def always(tensors, name, says):
    """The same artifact with a prober that always says yes, or no."""
    bias = torch.tensor([0.0, 100.0 if says else -100.0])
    return {**tensors, f"{name}.2.bias": bias, f"{name}.2.weight": torch.zeros_like(tensors[f"{name}.2.weight"])}


def said(target, artifact, chats=CHATS):
    with DEFENSES.get("safeswitch")().deploy(target, artifact) as defended:
        return scores(defended, chats, [REPLIES[0]] * len(chats))


@pytest.mark.parametrize(
    ("unsafe", "complies", "speaks"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_only_where_both_probers_fire_the_refusal_head_speaks(target, unsafe, complies, speaks):
    _, artifact = fitted(target)
    tensors = always(always(artifact.tensors, "unsafe", unsafe), "complies", complies)
    base = scores(target, CHATS, [REPLIES[0]] * len(CHATS))
    assert [a != b for a, b in zip(said(target, replace(artifact, tensors=tensors)), base, strict=True)] == [speaks] * 3


def test_the_prober_of_requests_tells_those_it_was_shown(target):
    _, artifact = fitted(target)
    tensors = always(artifact.tensors, "complies", True)
    chats = [*RISKY, *HARMLESS]
    gates = head_in("", tensors, target).gates(target, target.encode_all(chats))
    assert gates.tolist() == [True] * len(RISKY) + [False] * len(HARMLESS)


def test_a_mixed_batch_is_what_its_rows_are_alone(target):
    _, artifact = fitted(target)
    chats = [chat for pair in zip(RISKY, HARMLESS, strict=True) for chat in pair]
    tensors = always(artifact.tensors, "complies", True)
    with DEFENSES.get("safeswitch")().deploy(target, replace(artifact, tensors=tensors)) as defended:
        together = defended.generate(chats, GenerationConfig(8))
        assert together == [defended.generate([chat], GenerationConfig(8))[0] for chat in chats]
        likelihoods = scores(defended, chats, [REPLIES[1]] * len(chats))
    base = scores(target, chats, [REPLIES[1]] * len(chats))
    assert [a != b for a, b in zip(likelihoods, base, strict=True)] == [True, False] * len(RISKY)


def test_compliance_is_read_after_three_tokens_of_what_the_model_would_say(target):
    _, artifact = fitted(target)
    edit = head_in("", always(artifact.tensors, "unsafe", True), target)
    prompts = target.encode_all(CHATS)
    begun = [reply_tokens(target, prompt) for prompt in prompts]
    assert all(len(tokens) == LOOK_AHEAD for tokens in begun)
    logits = edit.complies(hidden_states(target, prompts, begun, at="end")[:, -1])
    assert edit.gates(target, prompts).tolist() == (logits[:, 1] > logits[:, 0]).tolist()


def reply_tokens(target, prompt):
    tokens = list(prompt)
    with torch.no_grad():
        for _ in range(LOOK_AHEAD):
            tokens.append(int(target.model(torch.tensor([tokens])).logits[0, -1].argmax()))
    return tokens[len(prompt) :]


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_in_every_family_head_and_embeddings_stay_also_where_they_are_one_tensor(family, tied, tmp_path):
    folder = tiny_model(family, tmp_path / family, tie_word_embeddings=tied)
    bare = load_target(folder, device="cpu")
    before = state_hash(bare)
    one, artifact = fitted(bare, steps=3)
    tensors = always(always(artifact.tensors, "unsafe", True), "complies", True)
    prompts = bare.encode_all(CHATS)
    states = hidden_states(bare, prompts)
    with one.deploy(bare, replace(artifact, tensors=tensors)) as defended:
        assert scores(defended) != scores(bare)
        assert torch.equal(hidden_states(defended, prompts), states)
        assert state_hash(bare) == before
    assert state_hash(bare) == before


def test_the_first_loss_is_the_models_own_and_falls(target):
    rows = demonstrations(target, DATA.refusals)
    _, losses = fitted_head(target, rows, learning_rate=5e-2, weight_decay=0.0, batch_size=len(rows), steps=20, seed=0)
    total, tokens = 0.0, 0
    for row in rows:
        with torch.no_grad():
            logits = target.model(torch.tensor([row.prompt + row.reply])).logits[0]
        begin = len(row.prompt) - 1
        total += float(cross_entropy(logits[begin:-1], torch.tensor(row.reply), reduction="sum"))
        tokens += len(row.reply)
    assert losses[0] == pytest.approx(total / tokens, abs=1e-4)
    assert losses[-1] < 0.7 * losses[0]


def test_the_first_loss_is_the_models_own_where_its_logits_are_capped(tmp_path):
    folder = tiny_model("gemma2", tmp_path, final_logit_softcapping=0.5)  # type: ignore[arg-type]
    capped = load_target(str(folder))
    rows = demonstrations(capped, DATA.refusals)[:1]
    _, losses = fitted_head(capped, rows, learning_rate=1e-3, weight_decay=0.0, batch_size=1, steps=1, seed=0)
    with torch.no_grad():
        logits = capped.model(torch.tensor([rows[0].prompt + rows[0].reply])).logits[0, len(rows[0].prompt) - 1 : -1]
    assert logits.abs().max() <= 0.5
    assert losses[0] == pytest.approx(float(cross_entropy(logits, torch.tensor(rows[0].reply))), abs=1e-4)


def test_where_it_speaks_a_refusal_has_become_likelier(target):
    _, artifact = fitted(target)
    tensors = always(always(artifact.tensors, "unsafe", True), "complies", True)
    chats, refusals = [one.messages for one in DATA.refusals], [one.reply for one in DATA.refusals]
    with DEFENSES.get("safeswitch")().deploy(target, replace(artifact, tensors=tensors)) as defended:
        after = [sum(row) for row in scores(defended, chats, refusals)]
    before = [sum(row) for row in scores(target, chats, refusals)]
    assert all(a > b + 1 for a, b in zip(after, before, strict=True))


def test_a_prober_is_trained_with_the_cross_entropy_of_its_logits():
    """With the softmax taken twice no loss goes below 0.31, and no answer is surer than 0.73."""
    draw = torch.Generator().manual_seed(0)
    yes, no = torch.randn(60, 8, generator=draw) + 1, torch.randn(200, 8, generator=draw) - 1
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = fitted_prober(1000 + 50 * yes, 1000 + 50 * no)
    sure = model(1000 + 50 * yes).softmax(dim=-1)[:, 1]
    assert float((sure > 0.9).double().mean()) > 0.9
    assert float((model(1000 + 50 * no).softmax(dim=-1)[:, 1] < 0.1).double().mean()) > 0.9


def test_strength_scales_the_head_and_leaves_the_probers(target):
    one = DEFENSES.get("safeswitch")(**SMALL)
    half, full = (one.fit(target, DATA, seed=0, strength=strength) for strength in (0.5, 1.0))
    torch.testing.assert_close(half.tensors["head.delta"], 0.5 * full.tensors["head.delta"])
    assert all(torch.equal(half.tensors[name], full.tensors[name]) for name in full.meta["kept"])
    assert len(full.meta["kept"]) == len(full.tensors) - 1


def test_a_head_of_another_model_is_refused(target):
    _, artifact = fitted(target)
    other = Artifact("vectors", {**artifact.tensors, "head.delta": torch.zeros(7, 32)}, artifact.meta)
    with (
        pytest.raises(RequestError, match="trained on another model"),
        DEFENSES.get("safeswitch")().deploy(target, other),
    ):
        pass


def test_it_stands_on_top_of_steering_and_reads_what_that_leaves(target, request):
    below, artifact = request.getfixturevalue("fitted")("steering_safety")
    with below.deploy(target, artifact) as once:
        said_once = scores(once)
        one, mine = fitted(once)
        assert mine.sha256 != fitted(target)[1].sha256
        tensors = always(always(mine.tensors, "unsafe", True), "complies", True)
        with one.deploy(once, replace(mine, tensors=tensors)) as twice:
            assert scores(twice) != said_once
            chats = [*CHATS, ask("Please buy the house.")]
            together = twice.generate(chats, GenerationConfig(6))
            assert together == [twice.generate([chat], GenerationConfig(6))[0] for chat in chats]
        assert scores(once) == said_once
