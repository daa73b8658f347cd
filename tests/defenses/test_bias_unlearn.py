"""BiasUnlearn: its three terms, when it swaps and stops, and that held-out terms are held out."""

import math
from dataclasses import replace

import pytest

from crossrisk.defenses.bias_unlearn import BiasUnlearning, bias_unlearn, split_by_term, stereotype_score
from crossrisk.defenses.defense import Demonstration, Preference
from crossrisk.defenses.fine_tuning import Copy, tokenised
from crossrisk.errors import RequestError
from tests.defenses.cases import DATA, THINGS, ask

TERMS = tuple((thing,) for thing in THINGS)
ALONE = {"forget_weight": 0.0, "anti_weight": 0.0, "retain_weight": 0.0}


def first_loss(target, **settings):
    one = BiasUnlearning(mix=0.0, steps=1, batch_size=8, **{**ALONE, **settings})
    return one.fit(target, DATA, seed=0, strength=1.0).meta["loss_first"]


def test_each_weight_alone_gives_its_term_alone(target):
    """NPO of a batch at the reference, the likelihood of anti-stereotypes, and no divergence yet."""
    assert first_loss(target, forget_weight=0.5, beta=0.1) == pytest.approx(0.5 * 20 * math.log(2), rel=1e-5)
    assert first_loss(target, retain_weight=0.2) == pytest.approx(0.0, abs=1e-6)
    anti = first_loss(target, anti_weight=0.3)
    replies = {pair.chosen + target.tokenizer.eos_token for pair in DATA.pairs}
    assert len(replies) == 1
    rows = target.score([pair.messages for pair in DATA.pairs], list(replies) * len(DATA.pairs))
    by_token = [-0.3 * row.total / len(row.tokens) for row in rows]
    assert min(by_token) <= anti <= max(by_token)
    whole = first_loss(target, forget_weight=0.5, anti_weight=0.3, retain_weight=0.2, beta=0.1)
    assert whole == pytest.approx(10 * math.log(2) + anti, abs=1e-4)


def test_no_term_is_in_two_splits():
    for seed in range(5):
        split = split_by_term(DATA.pairs * 2, TERMS, name="some", seed=seed)
        terms = [{pair.messages for pair in part} for part in (split.train, split.held_out, split.reported)]
        assert [len(one) for one in terms] == [3, 1, 1]
        assert len(set.union(*terms)) == 5
    assert len({str(split_by_term(DATA.pairs, TERMS, name="some", seed=seed)) for seed in range(5)}) > 1


def test_pairs_without_a_term_are_left_out_and_too_few_terms_are_refused():
    stray = Preference(ask("Please sing."), "No.", "Yes.")
    split = split_by_term([*DATA.pairs, stray], TERMS, name="some", seed=0)
    assert stray not in (*split.train, *split.held_out, *split.reported)
    assert split.left_out == 1
    with pytest.raises(RequestError, match=r"1 of the 1 terms it knows .*\(4 of 5 pairs have none\).* setting `terms`"):
        split_by_term(DATA.pairs, (("bread",),), name="some", seed=0)


def test_without_names_of_the_terms_it_says_so(target):
    with pytest.raises(RequestError, match="0 of the 0 terms"):
        BiasUnlearning().fit(target, replace(DATA, concepts=()), seed=0, strength=1.0)


def test_the_artifact_tells_how_many_pairs_were_left_out(target):
    strays = tuple(Preference(ask(f"Please sing {i}."), "No.", "Yes.") for i in range(3))
    data = replace(DATA, pairs=(*DATA.pairs, *strays))
    assert BiasUnlearning(terms=THINGS, steps=1).fit(target, data, seed=0, strength=1.0).meta["pairs_left_out"] == 3


def test_terms_can_be_named_by_the_user(target):
    named = BiasUnlearning(terms=THINGS, steps=1).fit(target, replace(DATA, concepts=()), seed=0, strength=1.0)
    assert named.tensors


def test_the_score_is_the_share_of_prompts_where_the_stereotype_is_likelier_by_token(target):
    trained = Copy(target)
    chats = [pair.messages for pair in DATA.pairs]
    stereotypes = tokenised(target, chats, [pair.rejected for pair in DATA.pairs])
    antis = tokenised(target, chats, [pair.chosen for pair in DATA.pairs])
    end = target.tokenizer.eos_token
    means = [
        [row.mean for row in target.score(chats, [reply + end for reply in replies])]
        for replies in ([pair.rejected for pair in DATA.pairs], [pair.chosen for pair in DATA.pairs])
    ]
    by_hand = 100 * sum(a > b for a, b in zip(*means, strict=True)) / len(DATA.pairs)
    assert stereotype_score(trained, stereotypes, antis) == by_hand
    assert stereotype_score(trained, antis, stereotypes) == 100 - by_hand


def margin(target, pairs):
    chats = [pair.messages for pair in pairs]
    biased, unbiased = (
        target.score(chats, replies) for replies in ([p.rejected for p in pairs], [p.chosen for p in pairs])
    )
    return sum(b.mean - u.mean for b, u in zip(biased, unbiased, strict=True)) / len(pairs)


def test_swapped_sets_move_the_model_the_other_way(target, monkeypatch):
    """By fitting on data in which the two replies have changed places; no score turns that round."""
    monkeypatch.setattr("crossrisk.defenses.bias_unlearn.stereotype_score", lambda *_: 100.0)
    one = BiasUnlearning(steps=8, batch_size=8, evaluate_every=9, learning_rate=1e-2)
    before = margin(target, DATA.pairs)
    swapped = tuple(replace(pair, chosen=pair.rejected, rejected=pair.chosen) for pair in DATA.pairs)
    for pairs, sign in ((DATA.pairs, -1), (swapped, 1)):
        with one.deploy(target, one.fit(target, replace(DATA, pairs=pairs), seed=0, strength=1.0)) as defended:
            assert sign * (margin(defended, DATA.pairs) - before) > 0.3


def test_below_fifty_the_sets_change_places_and_training_turns_round(target):
    """Anti-stereotypes that are likelier from the start: it must raise the stereotypes, not push them down further."""
    chats = [pair.messages for pair in DATA.pairs]
    likely, unlikely = "Sure.", "I am sorry, but I cannot help."
    if margin(target, DATA.pairs) < 0:
        likely, unlikely = unlikely, likely
    pairs = tuple(Preference(chat, chosen=likely, rejected=unlikely) for chat in chats)
    data = replace(DATA, pairs=pairs)
    one = BiasUnlearning(steps=6, batch_size=8, evaluate_every=1, learning_rate=1e-2)
    artifact = one.fit(target, data, seed=0, strength=1.0)
    assert artifact.meta["stereotype_scores"][0] < 50
    before = margin(target, pairs)
    with one.deploy(target, artifact) as defended:
        assert margin(defended, pairs) > before + 0.1


def test_it_stops_where_held_out_terms_are_even(target):
    one = BiasUnlearning(steps=6, batch_size=2, evaluate_every=2, tolerance=51.0)
    artifact = one.fit(target, DATA, seed=0, strength=1.0)
    assert artifact.meta["steps"] == 2 and len(artifact.meta["stereotype_scores"]) == 2


def test_what_is_both_stereotype_and_retained_is_refused(target):
    both = replace(DATA, retain=(Demonstration(DATA.pairs[0].messages, DATA.pairs[0].rejected),))
    with pytest.raises(RequestError, match="1 prompt with the same reply"):
        BiasUnlearning().fit(target, both, seed=0, strength=1.0)


def test_a_term_is_a_whole_word_in_any_letter_case():
    terms = (("man",), ("woman",), ("boy",))
    pairs = [Preference(ask(f"{word} works here."), "No.", "Yes.") for word in ("Man", "A woman", "The boy")]
    split = split_by_term(pairs, terms, name="some", seed=0)
    assert sorted(map(len, (split.train, split.held_out, split.reported))) == [1, 1, 1]


def test_where_the_score_starts_below_fifty_the_sets_change_places_before_the_first_step(target):
    """With the weight of what is learned alone, its first loss tells which of the two it was."""
    first = [
        BiasUnlearning(steps=1, batch_size=8, mix=0.0, **{**ALONE, "anti_weight": 1.0})
        .fit(target, replace(DATA, pairs=pairs), seed=0, strength=1.0)
        .meta
        for pairs in (
            DATA.pairs,
            tuple(replace(pair, chosen=pair.rejected, rejected=pair.chosen) for pair in DATA.pairs),
        )
    ]
    assert {meta["stereotype_scores"][0] for meta in first} == {0.0, 100.0}
    assert first[0]["loss_first"] == pytest.approx(first[1]["loss_first"], rel=1e-5)


def test_the_mix_is_a_share():
    with pytest.raises(RequestError, match=r"setting 'mix'.*less than or equal to 1"):
        bias_unlearn(mix=2)
