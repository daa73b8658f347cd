"""The expert's rule, and where it holds: the first tokens of a reply and nowhere else."""

import math
from dataclasses import replace

import pytest
import torch

from crossrisk.defenses.decoding import Decoding, sample_space, towards_expert
from crossrisk.defenses.defense import Artifact
from crossrisk.defenses.safe_decoding import SafeDecoding
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Message, Risk, Threat
from crossrisk.targets.adapter import adapted
from crossrisk.targets.target import GenerationConfig
from tests.defenses.cases import CHATS, DATA, REPLIES, defense, scores, state_hash

SMALL = {"steps": 3, "batch_size": 2, "learning_rate": 1e-2}


def distribution(*chances: float) -> torch.Tensor:
    return torch.tensor(chances).log()


def by_growing_lists(base: torch.Tensor, expert: torch.Tensor, common: int) -> set[int]:
    """The definition, list by list."""
    first, second = (row.sort(descending=True, stable=True).indices.tolist() for row in (base, expert))
    for k in range(1, len(first) + 1):
        shared = set(first[:k]) & set(second[:k])
        if len(shared) >= common:
            return shared
    return set(first)


def with_alpha(artifact: Artifact, alpha: float, **settings: object) -> Artifact:
    return Artifact("adapter", artifact.tensors, {**artifact.meta, "alpha": alpha, **settings})


def test_the_rule_on_four_tokens_by_hand():
    base, expert = distribution(0.5, 0.3, 0.15, 0.05), distribution(0.1, 0.3, 0.2, 0.4)
    # Lists: 0 1 2 3 and 3 1 2 0. They share nothing at 1, token 1 at 2, tokens 1 and 2 at 3.
    edited = towards_expert(base, expert, common=2, alpha=3.0).exp()
    moved = [0.3, 0.15 + 3 * 0.05]
    assert edited.tolist() == pytest.approx([0.0, moved[0] / sum(moved), moved[1] / sum(moved), 0.0], abs=1e-6)


def test_what_the_expert_pushes_below_zero_keeps_the_floor():
    base, expert = distribution(0.6, 0.4), distribution(0.2, 0.8)
    edited = towards_expert(base, expert, common=2, alpha=3.0)
    assert edited[0].item() == pytest.approx(math.log(1e-8 / (1.6 + 1e-8)), abs=1e-4)


@pytest.mark.parametrize("common", [1, 3, 5, 40])
def test_the_sample_space_is_what_growing_lists_share_first(common):
    drawn = torch.Generator().manual_seed(common)
    for _ in range(20):
        base, expert = torch.randn(2, 40, generator=drawn).round(decimals=1).log_softmax(dim=-1)
        space = sample_space(base, expert, common)
        assert set(space.nonzero()[:, 0].tolist()) == by_growing_lists(base, expert, common)
        assert space.sum() >= common


def test_a_vocabulary_smaller_than_the_sample_space_is_taken_whole():
    row = distribution(0.7, 0.2, 0.1)
    assert sample_space(row, row, 5).all()


@pytest.mark.parametrize(("alpha", "source"), [(0.0, "base"), (1.0, "expert")])
def test_alpha_0_is_the_base_and_alpha_1_the_expert_on_the_sample_space(alpha, source):
    drawn = torch.Generator().manual_seed(1)
    base, expert = torch.randn(2, 30, generator=drawn).log_softmax(dim=-1)
    space = sample_space(base, expert, 5)
    wanted = {"base": base, "expert": expert}[source].exp() * space
    assert torch.allclose(towards_expert(base, expert, common=5, alpha=alpha).exp(), wanted / wanted.sum(), atol=1e-6)


def test_with_an_expert_that_is_the_model_itself_greedy_replies_stay(target, fitted):
    one, artifact = fitted("safe_decoding")
    same = Artifact("adapter", {k: torch.zeros_like(v) for k, v in artifact.tensors.items()}, artifact.meta)
    expected = target.generate(CHATS, GenerationConfig(8))
    with one.deploy(target, same) as defended:
        assert [r.text for r in defended.generate(CHATS, GenerationConfig(8))] == [r.text for r in expected]


def test_the_first_tokens_are_the_rule_on_model_and_adapted_model_and_the_others_the_models(target, fitted):
    one, artifact = fitted("safe_decoding")
    artifact = with_alpha(artifact, 3.0, common=390)  # nearly all tokens, so that the replies' own are among them
    chat, reply = CHATS[0], REPLIES[1]
    ids = target.score([chat], [reply])[0].tokens
    prompt = target.encode(chat)

    def read(step):
        with torch.no_grad():
            return target.model(torch.tensor([[*prompt, *ids[:step]]])).logits[0, -1].log_softmax(dim=-1)

    bases = [read(step) for step in range(len(ids))]
    with adapted(target.model, artifact.tensors, artifact.meta["adapter"]):
        experts = [read(step) for step in range(len(ids))]
    wanted = [
        (towards_expert(base, expert, common=390, alpha=3.0) if step < 2 else base)[token].item()
        for step, (base, expert, token) in enumerate(zip(bases, experts, ids, strict=True))
    ]
    with one.deploy(target, artifact) as defended:
        assert defended.score([chat], [reply])[0].log_probs == pytest.approx(wanted, abs=1e-3)


def test_generation_and_scoring_see_the_same_distribution(target, fitted):
    """What was said greedily is the likeliest at each of its places when it is scored."""
    one, artifact = fitted("decoding_privacy")
    with one.deploy(target, artifact) as defended:
        for chat in CHATS:
            said = defended.generate([chat], GenerationConfig(6))[0].text
            scored = defended.score([chat], [said])[0]
            prompt = defended.encode(chat)
            edit = defended.distribution_edits[0]
            for step, token in enumerate(scored.tokens):
                with torch.no_grad():
                    context = [*prompt, *scored.tokens[:step]]
                    base = defended.model(torch.tensor([context])).logits[:, -1].log_softmax(dim=-1)
                edited = edit([context], base, [step]).log_softmax(dim=-1)[0]
                assert max(float(edited[token]), -1000.0) == pytest.approx(scored.log_probs[step], abs=1e-3)


def test_raw_text_is_continued_as_it_would_be_anyway(target, fitted):
    one, artifact = fitted("safe_decoding")
    raw = ((Message("text", "The baker bought"),), (Message("text", "who"),))
    with one.deploy(target, artifact) as defended:
        mixed = defended.score((*raw, CHATS[0]), REPLIES)
        for found, expected in zip(mixed[:2], target.score(raw, REPLIES[:2]), strict=True):
            assert found.log_probs == pytest.approx(expected.log_probs, abs=1e-4)
        assert mixed[2].log_probs != target.score([CHATS[0]], [REPLIES[2]])[0].log_probs


def test_without_a_template_every_text_asks_for_a_reply(target, fitted):
    one, artifact = fitted("safe_decoding")
    plain = replace(target, chat_template="none")
    with one.deploy(plain, artifact) as defended:
        assert scores(defended) != scores(plain)


def test_strength_multiplies_alpha(target, data):
    meta = [SafeDecoding(**SMALL).fit(target, data, seed=0, strength=s).meta for s in (1.0, 0.5)]
    assert [one["alpha"] for one in meta] == [3.0, 1.5]


def test_the_expert_learns_the_safe_replies(target, data):
    one = SafeDecoding(**{**SMALL, "steps": 12})
    artifact = one.fit(target, data, seed=0, strength=1.0)
    assert artifact.meta["loss_last"] < 0.5 * artifact.meta["loss_first"]


def test_on_another_adapter_the_expert_is_the_adapted_model(target, fitted):
    """Both readings hold the standing adapter, and taking the defense off leaves it there."""
    outer, outer_artifact = fitted("dpo")
    inner, inner_artifact = fitted("safe_decoding")
    silent = with_alpha(inner_artifact, 0.0, common=400)  # the base's own distribution, on all tokens
    with outer.deploy(target, outer_artifact) as once:
        before, said = state_hash(once), scores(once)
        with inner.deploy(once, silent) as twice:
            for row, expected in zip(scores(twice), said, strict=True):
                assert row == pytest.approx(expected, abs=1e-3)
        with inner.deploy(once, inner_artifact) as twice:
            assert scores(twice) != said
        assert state_hash(once) == before
        assert scores(once) == said


def test_a_checkpoint_cannot_take_the_model_away_from_under_the_edit(target, fitted, tiny_folder):
    one, artifact = fitted("safe_decoding")
    ready = DEFENSES.get("checkpoint")(model=str(tiny_folder))
    with one.deploy(target, artifact) as defended, pytest.raises(RequestError, match="deploy the checkpoint first"):
        ready.deploy(defended, ready.fit(defended, DATA, seed=0, strength=1.0)).__enter__()


def test_the_presets_differ_in_their_risk_alone():
    presets = [DEFENSES.get(f"decoding_{risk}")() for risk in ("safety", "fairness", "privacy")]
    assert [one.name for one in presets] == ["decoding_safety", "decoding_fairness", "decoding_privacy"]
    assert len({repr({**one.settings, "risk": None}) for one in presets}) == 1
    assert [one.threat for one in presets] == [None, None, Threat.DISCLOSURE]


def test_the_named_method_has_the_settings_of_its_paper():
    one = defense("safe_decoding")
    assert (one.name, one.risk, one.first_tokens, one.common, one.alpha) == ("safe_decoding", Risk.SAFETY, 2, 5, 3.0)
    assert DEFENSES.get("safe_decoding")(risk="privacy").name == "safe_decoding_privacy"
    assert isinstance(one, Decoding)


@pytest.mark.parametrize("setting", [{"first_tokens": 0}, {"common": 0}, {"alpha": -1.0}, {"alpha": float("nan")}])
def test_settings_without_sense_are_refused(setting):
    with pytest.raises(RequestError, match=next(iter(setting))):
        DEFENSES.get("safe_decoding")(**setting)
