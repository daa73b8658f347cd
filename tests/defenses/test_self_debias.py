"""Self-debiasing: what a prefix makes likelier becomes unlikely, all the rest keeps its proportions."""

import math
from dataclasses import replace

import pytest
import torch

from crossrisk.defenses.self_debias import PREFIXES, SelfDebias, debiased
from crossrisk.errors import RequestError, SampleError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Message, Risk, Threat
from crossrisk.targets.batches import maximum_length
from crossrisk.targets.generation import decode
from crossrisk.targets.target import GenerationConfig
from tests.defenses.cases import CHATS, ask, scores

WORDS = "The following text is about bread:"


def test_the_rule_on_three_tokens_by_hand():
    p, biased = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.4, 0.32, 0.28])
    edited = debiased(p.log(), biased.log(), decay=50.0, floor=0.01)
    assert edited.exp().tolist() == pytest.approx([0.5, 0.3 * math.exp(-1.0), 0.2 * math.exp(-4.0)], rel=1e-4)


def test_nothing_loses_more_than_the_floor():
    p, biased = torch.tensor([0.5, 0.5]), torch.tensor([0.1, 0.9])
    assert debiased(p.log(), biased.log(), decay=50.0, floor=0.01).exp().tolist() == pytest.approx([0.5, 0.005])
    assert debiased(p.log(), biased.log(), decay=50.0, floor=0.0).exp()[1].item() == pytest.approx(
        0.5 * math.exp(-20.0), rel=1e-4
    )


def test_the_ratio_of_tokens_that_no_prefix_makes_likelier_stays():
    drawn = torch.Generator().manual_seed(0)
    base, biased = torch.randn(2, 5, 60, generator=drawn).log_softmax(dim=-1)
    edited = debiased(base, biased, decay=50.0, floor=0.01).log_softmax(dim=-1)
    for row in range(5):
        kept = biased[row] <= base[row]
        moved = (edited[row] - base[row])[kept]
        assert kept.sum() > 2 and (moved - moved[0]).abs().max() < 1e-5
        assert (edited[row] - base[row])[~kept].max() < moved[0]


def test_a_forbidden_token_stays_forbidden():
    base, biased = torch.tensor([-math.inf, 0.0]), torch.tensor([0.5, 0.5]).log()
    assert debiased(base, biased, decay=50.0, floor=0.0)[0] == -math.inf


def test_a_prefix_that_is_not_there_changes_nothing(target, fitted):
    """Without words the second reading is the first."""
    one, artifact = fitted("self_debias")
    with one.deploy(target, artifact) as defended:
        edit = defended.distribution_edits[0]
        silent = tuple((replace(words, words=(), raw_words=()), reader) for words, reader in edit.readers)
        same = target.with_distribution_edit(replace(edit, readers=silent))
        for row, expected in zip(scores(same), scores(target), strict=True):
            assert row == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("raw", [False, True])
def test_scores_are_the_rule_on_the_prompt_with_and_without_the_words(target, raw):
    def asked(text):
        return (Message("text", text),) if raw else ask(text)

    texts = ("who bought the garden?", "a")
    one = SelfDebias(prefixes=(WORDS, "No bread here:"))
    chats, replies = [asked(text) for text in texts], ["the doctor", "No."]
    wanted = []
    for text, reply in zip(texts, replies, strict=True):
        ids = target.score([asked(text)], [reply])[0].tokens
        row = []
        for step, token in enumerate(ids):
            contexts = [asked(text), *(asked(f"{words}\n{text}") for words in one.words)]
            with torch.no_grad():
                base, *biased = (
                    target.model(torch.tensor([[*target.encode(chat), *ids[:step]]])).logits[0, -1].log_softmax(dim=-1)
                    for chat in contexts
                )
            edited = debiased(base, torch.stack(biased).amax(dim=0), decay=50.0, floor=0.01)
            row.append(edited.log_softmax(dim=-1)[token].item())
        wanted.append(row)
    with one.deploy(target, one.fit(target, None, seed=0, strength=1.0)) as defended:
        for found, expected in zip(defended.score(chats, replies), wanted, strict=True):
            assert found.log_probs == pytest.approx(expected, abs=1e-3)


def test_generation_goes_on_with_what_the_rule_holds_likeliest(target, fitted):
    one, artifact = fitted("self_debias")
    prompts = target.encode_all(CHATS)
    with one.deploy(target, artifact) as defended:
        said = decode(defended, range(3), prompts, GenerationConfig(6), frozenset(), None)
        edit = defended.distribution_edits[0]
        for prompt, ids in zip(prompts, said, strict=True):
            for step, token in enumerate(ids):
                context = [*prompt, *ids[:step]]
                with torch.no_grad():
                    base = target.model(torch.tensor([context])).logits[:, -1].log_softmax(dim=-1)
                assert edit([context], base, [step]).argmax().item() == token


def test_strength_multiplies_lambda_and_without_lambda_nothing_is_deployed(target, data):
    half = SelfDebias().fit(target, data, seed=0, strength=0.5)
    assert half.meta["decay"] == 25.0
    assert SelfDebias(decay=0.0).fit(target, data, seed=0, strength=1.0).kind == "nothing"


def test_each_risk_has_words_of_its_own():
    assert SelfDebias().words == PREFIXES[Risk.FAIRNESS]
    assert SelfDebias(risk=Risk.SAFETY).name == "self_debias_safety"
    assert SelfDebias(risk=Risk.PRIVACY).threat is Threat.DISCLOSURE
    with pytest.raises(RequestError, match="no words against 'utility'"):
        DEFENSES.get("self_debias")(risk="utility")
    with pytest.raises(RequestError, match="no words"):
        DEFENSES.get("self_debias")(prefixes=())


def test_a_prompt_for_which_the_words_leave_no_room_is_refused(target):
    one = SelfDebias(prefixes=(WORDS,))
    limit = maximum_length(target.model)
    longest = ask("doctor " * ((limit - 12) // 2))
    assert limit - 20 < len(target.encode(longest)) <= limit - 4
    target.generate([longest], GenerationConfig(4))
    chats = [*CHATS, longest, ask("Who?")]  # batches go by length, and rows leave them
    said = f"^sample {len(CHATS)}: .*shorten the prompt or the words"
    with one.deploy(target, one.fit(target, None, seed=0, strength=1.0)) as defended:
        with pytest.raises(SampleError, match=said):
            defended.generate(chats, GenerationConfig(4, batch_size=2))
        with pytest.raises(SampleError, match=said):
            defended.score(chats, ["No."] * len(chats), 2)
        with pytest.raises(SampleError, match=said):
            defended.first_token(chats, ["Yes", "No"], 2)


def test_the_sham_asks_for_nothing_with_as_many_words(target, fitted):
    one, artifact = fitted("self_debias")
    sham = DEFENSES.get("sham")(like="self_debias")
    scrambled = sham.scramble(artifact, seed=0)
    for place, words in artifact.meta["texts"].items():
        assert len(scrambled.meta["texts"][place].split()) == len(words.split())
    with sham.deploy(target, scrambled) as neutral, one.deploy(target, artifact) as defended:
        assert scores(neutral) != scores(defended)
