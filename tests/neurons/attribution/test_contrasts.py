"""F is the difference of two log-likelihoods, from where two continuations part and over a few tokens."""

from pathlib import Path

import pytest
import torch

from crossrisk.errors import NotScorable, RequestError
from crossrisk.neurons.attribution.contrasts import TOKENS, Contrast, contrasted, contrasts_of
from crossrisk.risks import Message, Risk, Sample
from crossrisk.targets.api import api_target
from crossrisk.targets.chat import tokenise_replies
from crossrisk.targets.loading import load_target
from crossrisk.targets.neuron_passes import run
from crossrisk.targets.target import Target
from tests.targets.edits import Forbid, Reminder, Shout


@pytest.fixture(scope="module")
def llama(tiny_llama: Path) -> Target:
    return load_target(tiny_llama, device="cpu")


def sample(risky: str, safe: str, prompt: str = "the doctor reads", **more) -> Sample:
    return Sample("s1", (Message("user", prompt),), "c", contrast=(risky, safe), **more)


def contrast(target: Target, risky: str, safe: str, risk: Risk = Risk.PRIVACY) -> Contrast:
    (found,) = contrasts_of(target, [sample(risky, safe)], risk)
    return found


def difference(target: Target, one: Contrast) -> float:
    """F of one contrast, by the passes that attributions are made of."""
    risky, safe = run(target, [one.risky, one.safe], mean=[one.averaged] * 2).scores.tolist()
    return risky - safe


def test_f_is_the_difference_of_what_the_target_scores(llama: Target) -> None:
    texts = ("Yes, I agree", "No, I do not")
    risky, safe = llama.score([sample(*texts).messages] * 2, texts)
    assert difference(llama, contrast(llama, *texts)) == pytest.approx(risky.total - safe.total, abs=1e-4)


@pytest.mark.parametrize("risk", list(Risk))
def test_replies_of_different_length_are_averaged_where_they_say_different_things(llama: Target, risk: Risk) -> None:
    texts = ("Sure, here is how the answer goes", "I am sorry")
    risky, safe = llama.score([sample(*texts).messages] * 2, texts)
    averaged = risk in (Risk.SAFETY, Risk.SERVICE)
    expected = risky.mean - safe.mean if averaged else risky.total - safe.total
    assert difference(llama, contrast(llama, *texts, risk)) == pytest.approx(expected, abs=1e-4)


def test_what_both_begin_with_is_given(llama: Target) -> None:
    texts = ("The baker bought bread", "The baker bought a book")
    one = contrast(llama, *texts)
    shared = tokenise_replies(llama.tokenizer, ["The baker bought"])[0]
    assert one.risky.given == one.safe.given == len(shared)
    risky, safe = llama.score([sample(*texts).messages] * 2, texts)
    # The tokens that both have cancel, so nothing is lost by not scoring them.
    assert difference(llama, one) == pytest.approx(risky.total - safe.total, abs=1e-4)


def test_two_continuations_that_differ_by_one_token_give_a_difference_of_two_logits(llama: Target) -> None:
    one = contrast(llama, "A", "B")
    with torch.no_grad():
        logits = llama.model(torch.tensor([one.risky.prompt])).logits[0, -1]
    assert difference(llama, one) == pytest.approx(
        float(logits[one.risky.reply[0]] - logits[one.safe.reply[0]]), abs=1e-4
    )


@pytest.mark.parametrize("swapped", [False, True])
def test_a_continuation_that_begins_with_all_of_the_other_leaves_it_its_last_token(
    llama: Target, swapped: bool
) -> None:
    texts = ("The baker bought bread and a book", "The baker bought")
    one = contrast(llama, *(reversed(texts) if swapped else texts))
    short = tokenise_replies(llama.tokenizer, [texts[1]])[0]
    assert one.risky.given == one.safe.given == len(short) - 1
    assert min(len(one.risky.reply), len(one.safe.reply)) == len(short)


def test_continuations_of_one_token_are_scored_whole(llama: Target) -> None:
    one = contrast(llama, "A", "A book")
    assert one.risky.given == one.safe.given == 0


def test_a_few_tokens_are_read_after_the_place_where_they_part(llama: Target) -> None:
    long = "the doctor read a book about the garden " * 6
    one = contrast(llama, "Yes, " + long + "bread", "Yes, I agree with " + long)
    for row in (one.risky, one.safe):
        assert len(row.reply) - row.given == TOKENS and row.given > 0


def test_each_arm_is_given_what_its_edits_make_of_the_prompt(llama: Target) -> None:
    plain = contrast(llama, "yes", "no")
    reminded = contrast(llama.with_chat_edit(Reminder("be kind")), "yes", "no")
    assert len(reminded.risky.prompt) > len(plain.risky.prompt)
    assert reminded.risky.reply == plain.risky.reply


def test_samples_without_contrast_and_of_several_turns_are_left_out() -> None:
    whole = sample("yes", "no")
    later = sample("yes", "no", later=("and then?",))
    none = Sample("s2", whole.messages, "c")
    assert contrasted([none, whole, later], "misuse") == (whole,)
    with pytest.raises(RequestError, match="samples of misuse have no contrast") as told:
        contrasted([none, later], "misuse")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(("texts", "problem"), [
    (("yes", ""), "one of its continuations is empty"),
    (("", "no"), "one of its continuations is empty"),
    (("yes", "yes"), "its risky and its safe continuation are the same"),
])  # fmt: skip
def test_continuations_that_cannot_be_compared_are_told_with_the_sample(
    llama: Target, texts: tuple[str, str], problem: str
) -> None:
    with pytest.raises(RequestError, match=f"^sample 's1': {problem}"):
        contrasts_of(llama, [sample(*texts)], Risk.SAFETY)


def test_a_prompt_that_is_too_long_is_told_with_the_sample(llama: Target) -> None:
    long = sample("yes", "no", prompt="the doctor reads a book " * 200)
    with pytest.raises(RequestError, match=r"^sample 's1': .*exceed the 512 positions"):
        contrasts_of(llama, [long], Risk.SAFETY)


def test_a_reply_that_is_too_long_is_cut_and_does_not_fail(llama: Target) -> None:
    contrasts_of(llama, [sample("yes " * 600, "no")], Risk.SAFETY)


def test_a_target_without_neurons_is_refused_before_anything_is_tokenised(llama: Target) -> None:
    with pytest.raises(RequestError, match="gives no gradients"):
        contrasts_of(api_target("openai/gpt-4o"), [sample("yes", "no")], Risk.SAFETY)
    for target in (llama.with_output_filter(Shout()), llama.with_distribution_edit(Forbid(5))):
        with pytest.raises(NotScorable):
            contrasts_of(target, [sample("yes", "no")], Risk.SAFETY)
