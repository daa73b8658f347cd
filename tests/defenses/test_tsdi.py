"""TSDI: what alignment says of every prompt is taken off, what it says of some prompts stays."""

import pytest
import torch

from crossrisk.defenses.defense import Artifact
from crossrisk.defenses.fitting import derived_seed
from crossrisk.defenses.sham import scrambled
from crossrisk.defenses.tsdi import BIAS, Debiased, Unbiased, random_prompts
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Risk, Threat
from tests.defenses.cases import CHATS, DATA, REPLIES, defense, scores


def test_the_bias_is_the_mean_difference_on_random_prompts_at_each_place_of_the_aligned_models_reply(target, data):
    one = Debiased(aligned_by={"dpo": {"steps": 3, "batch_size": 2, "learning_rate": 1e-2}}, positions=2, prompts=5)
    artifact = one.fit(target, data, seed=0, strength=1.0)
    aligned = Artifact("adapter", {k: v for k, v in artifact.tensors.items() if k != BIAS}, artifact.meta)
    seed = derived_seed(one.name, data.checksum, 0)
    asked = [target.encode(chat) for chat in random_prompts(target, [d.messages for d in data.retain], 5, seed)]

    def read(context: list[int]) -> torch.Tensor:
        with torch.no_grad():
            return target.model(torch.tensor([context])).logits[0, -1].double().log_softmax(dim=-1)

    contexts: list[list[list[int]]] = [asked, []]
    with one.alignment.deploy(target, aligned):
        for prompt in asked:
            first = int(read(prompt).argmax())
            if first != target.tokenizer.eos_token_id:
                contexts[1].append([*prompt, first])
        safe = [torch.stack([read(context) for context in rows]).mean(dim=0) for rows in contexts]
    base = [torch.stack([read(context) for context in rows]).mean(dim=0) for rows in contexts]
    assert contexts[1]
    for found, with_, without in zip(artifact.tensors[BIAS], safe, base, strict=True):
        torch.testing.assert_close(found.double(), with_ - without, atol=1e-3, rtol=0)


def test_an_alignment_that_changes_nothing_has_no_bias(target, data):
    still = Debiased(aligned_by={"dpo": {"steps": 1, "batch_size": 2, "learning_rate": 1e-12}}, prompts=4)
    bias = still.fit(target, data, seed=0, strength=1.0).tensors[BIAS]
    assert bias.shape[0] == 3 and bias.abs().max() < 1e-4


def test_of_an_alignment_that_is_the_same_for_every_prompt_nothing_is_left():
    drawn = torch.Generator().manual_seed(0)
    base, bias = torch.randn(4, 30, generator=drawn).log_softmax(dim=-1), torch.randn(2, 30, generator=drawn)
    edit = Unbiased("x", bias)
    steps = [0, 1, 0, 1]
    aligned = (base + bias[steps]).log_softmax(dim=-1)
    edited = edit([[1]] * 4, aligned, steps).log_softmax(dim=-1)
    torch.testing.assert_close(edited, base, atol=1e-5, rtol=0)


def test_after_the_first_tokens_the_model_is_the_aligned_one():
    rows = torch.randn(3, 10, generator=torch.Generator().manual_seed(0))
    edit = Unbiased("x", torch.ones(2, 10))
    edited = edit([[1]] * 3, rows, [1, 2, 7])
    assert torch.equal(edited[0], rows[0] - 1) and torch.equal(edited[1:], rows[1:])


def test_deployed_it_is_the_alignment_less_its_bias(target, fitted):
    one, artifact = fitted("tsdi")
    aligned = Artifact("adapter", {k: v for k, v in artifact.tensors.items() if k != BIAS}, artifact.meta)
    with one.alignment.deploy(target, aligned) as safe:
        edited = scores(safe.with_distribution_edit(Unbiased("x", artifact.tensors[BIAS])))
        plain = scores(safe)
    with one.deploy(target, artifact) as defended:
        assert scores(defended) == edited != plain


def test_random_prompts_hold_the_words_of_the_harmless_ones_and_the_seed_decides(target):
    chats = [shown.messages for shown in DATA.retain]
    words = {
        token for chat in chats for token in target.tokenizer(chat[0].content, add_special_tokens=False)["input_ids"]
    }
    drawn = random_prompts(target, chats, 6, 1)
    assert len(drawn) == 6 and drawn == random_prompts(target, chats, 6, 1) != random_prompts(target, chats, 6, 2)
    known = target.tokenizer.decode(sorted(words))
    assert all(set(chat[0].content) <= set(known) for chat in drawn)
    assert not set(drawn) & set(chats)


def test_it_takes_over_needs_risk_and_threat_of_its_alignment():
    one = defense("tsdi")
    assert one.needs.data == ("pairs", "retain") and one.needs.gradients
    private = DEFENSES.get("tsdi")(risk="privacy")
    assert private.name == "tsdi_privacy" and private.alignment.risk is Risk.PRIVACY
    assert private.threat is Threat.DISCLOSURE
    assert one.settings["aligned_by"]["dpo"]["steps"] == 2


@pytest.mark.parametrize("given", [{}, {"dpo": {}, "npo": {}}])
def test_it_is_aligned_by_exactly_one_defense(given, target):
    with pytest.raises(RequestError, match="one other defense"):
        DEFENSES.get("tsdi")(aligned_by=given).fit(target, DATA, seed=0, strength=1.0)


def test_an_alignment_in_which_no_bias_could_be_read_is_refused(target):
    with pytest.raises(RequestError, match="cannot be aligned by 'self_debias"):
        DEFENSES.get("tsdi")(aligned_by="self_debias", prompts=2).fit(target, DATA, seed=0, strength=1.0)


def test_its_sham_has_an_alignment_and_a_bias_of_the_same_size(target, fitted):
    one, artifact = fitted("tsdi")
    fake = scrambled(artifact, seed=0)
    bias, drawn = artifact.tensors[BIAS], fake.tensors[BIAS]
    assert drawn.norm().item() == pytest.approx(bias.norm().item(), rel=1e-5)
    assert abs(torch.cosine_similarity(drawn.flatten(), bias.flatten(), dim=0)) < 0.2
    with one.deploy(target, artifact) as defended:
        real = scores(defended)
    with one.deploy(target, fake) as defended:
        assert scores(defended) != real


def test_scored_and_said_it_is_the_same_model(target, fitted):
    one, artifact = fitted("tsdi")
    with one.deploy(target, artifact) as defended:
        for chat, row in zip(CHATS, defended.score(CHATS, REPLIES), strict=True):
            word = target.tokenizer.decode([row.tokens[0]])
            chance = defended.first_token([chat], [word])[0].chances[word]
            assert torch.tensor(chance).log().item() == pytest.approx(row.log_probs[0], abs=1e-4)
