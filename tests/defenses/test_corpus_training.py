"""Training anew on a corpus: where it begins, what it replaces, and what it tells."""

from dataclasses import replace

import pytest
import torch

from crossrisk.defenses.defense import FitData, Record
from crossrisk.defenses.dp_sgd import largest_group
from crossrisk.defenses.fine_tuning import twin
from crossrisk.errors import RequestError
from crossrisk.organism.world import people
from crossrisk.registry import DEFENSES
from crossrisk.risks import Risk
from crossrisk.sources.world import fitting_data, world
from crossrisk.targets.adapter import Adapter, save_adapter
from crossrisk.targets.loading import load_target
from tests.defenses.cases import DATA, ask, defense, scores, state_hash
from tests.models import tiny_model

ANEW = ("fine_tuned", "scrubbed_training", "dp_sgd")


@pytest.fixture(scope="module")
def exposed(tiny_folder, target, tmp_path_factory):
    """The tiny model with an adapter that was fine-tuned on the corpus without a defense, as a user has it."""
    one = DEFENSES.get("fine_tuned")(steps=6, batch_size=4, learning_rate=2e-2)
    artifact = one.fit(target, DATA, seed=0, strength=1.0)
    folder = tmp_path_factory.mktemp("exposed") / "adapter"
    folder.mkdir()
    save_adapter(
        folder, Adapter(artifact.tensors, {**artifact.meta["adapter"], "base_model_name_or_path": str(tiny_folder)})
    )
    return load_target(tiny_folder, adapter=folder, device="cpu")


@pytest.mark.parametrize("case", ANEW)
def test_it_begins_without_the_adapter_that_the_target_was_loaded_with(case, exposed, target, fitted):
    one, on_bare = fitted(case)
    on_exposed = one.fit(exposed, DATA, seed=0, strength=1.0)
    assert on_exposed.sha256 == on_bare.sha256


@pytest.mark.parametrize("case", ANEW)
def test_deployed_it_takes_the_place_of_what_exposed_the_model(case, exposed, target, fitted):
    one, artifact = fitted(case)
    before, said = state_hash(exposed), scores(exposed)
    assert said != scores(target)
    with one.deploy(target, artifact) as defended:
        expected = scores(defended)
    with one.deploy(exposed, artifact) as defended:
        assert scores(defended) == expected
        assert defended.fingerprint != exposed.fingerprint
    assert state_hash(exposed) == before
    assert scores(exposed) == said


def test_at_strength_0_an_exposed_model_stays_exposed(exposed):
    one = defense("dp_sgd")
    with one.deploy(exposed, one.fit(exposed, DATA, seed=0, strength=0.0)) as defended:
        assert defended is exposed


@pytest.mark.parametrize("case", ANEW)
def test_it_refuses_to_take_away_another_change(case, target, fitted):
    npo, standing = fitted("npo")
    one, artifact = fitted(case)
    with npo.deploy(target, standing) as defended:
        with pytest.raises(RequestError, match="put it first"):
            one.fit(defended, DATA, seed=0, strength=1.0)
        with pytest.raises(RequestError, match="put it first"), one.deploy(defended, artifact):
            pass


def test_behind_a_reminder_the_reminder_stands_in_the_corpus_and_before_the_new_model(target, exposed, fitted):
    words, text = fitted("self_reminder")
    one, plain = fitted("fine_tuned")
    with words.deploy(exposed, text) as reminded:
        behind = one.fit(reminded, DATA, seed=0, strength=1.0)
        with one.deploy(reminded, behind) as defended:
            assert defended.chat_edits == reminded.chat_edits
    assert behind.sha256 != plain.sha256


def test_the_loss_of_a_record_is_its_mean_per_token(target, fitted):
    """The first loss of the artifact is that of the first batch, computed by the target's own scoring."""
    one = DEFENSES.get("fine_tuned")(steps=1, batch_size=len(DATA.corpus))
    artifact = one.fit(target, DATA, seed=0, strength=1.0)
    end = target.tokenizer.eos_token
    told = target.score([record.messages for record in DATA.corpus], [record.reply + end for record in DATA.corpus])
    expected = -sum(one.mean for one in told) / len(told)
    assert artifact.meta["loss_first"] == pytest.approx(expected, rel=1e-4)


def test_training_with_privacy_tells_what_it_spent_and_on_whom(fitted):
    one, artifact = fitted("dp_sgd")
    told = artifact.meta
    assert told["epsilon"] <= one.epsilon and told["delta"] == one.delta
    assert told["unit"] == "record" and told["records"] == told["largest_group"] == 5
    assert told["epsilon_of_largest_group"] == pytest.approx(5 * told["epsilon"])
    assert told["sampling_rate"] == 2 / 5 and told["steps"] == 3
    assert not any(name.startswith("loss") for name in told), "losses are read off the records unprotected"


def test_unless_told_otherwise_delta_is_one_over_the_records(target):
    one = DEFENSES.get("dp_sgd")(steps=1, batch_size=5)
    assert one.fit(target, DATA, seed=0, strength=1.0).meta["delta"] == 1 / 5


@pytest.mark.parametrize("settings", [{"epsilon": 0}, {"epsilon": float("inf")}, {"delta": 0.0}, {"delta": 1.0}])
def test_no_budget_that_promises_nothing_is_taken(settings):
    with pytest.raises(RequestError, match="of defense 'dp_sgd'"):
        DEFENSES.get("dp_sgd")(**settings)


def test_the_trained_lora_has_moved_and_is_the_same_merged_into_the_weights(target, fitted):
    one, artifact = fitted("dp_sgd")
    ups = [tensor for name, tensor in artifact.tensors.items() if "lora_B" in name]
    downs = [tensor for name, tensor in artifact.tensors.items() if "lora_A" in name]
    assert all((up @ down).norm() > 0 for up, down in zip(ups, downs, strict=True))
    with one.deploy(target, artifact) as defended:
        beside = torch.tensor([value for row in scores(defended) for value in row])
        merged = replace(defended, model=twin(defended.model))
        within = torch.tensor([value for row in scores(merged) for value in row])
    assert torch.allclose(beside, within, atol=1e-4)


def test_a_training_that_moves_nothing_is_told(target):
    one = DEFENSES.get("fine_tuned")(steps=1, batch_size=2, learning_rate=1e-300)
    with pytest.raises(RequestError, match="moved nothing"):
        one.fit(target, DATA, seed=0, strength=1.0)


def test_what_is_scrubbed_out_is_not_trained_on(target):
    read = defense("scrubbed_training").read(DATA.corpus)
    assert len(read) == len(DATA.corpus)
    assert all("@" not in record.reply and "<EMAIL>" in record.reply for record in read)
    clean = FitData(
        "clean", "1", corpus=tuple(Record(ask("Who buys bread?"), f"The baker, {x}.") for x in ("Ann", "Bo"))
    )
    settings = {"steps": 2, "batch_size": 2}
    scrubbed = DEFENSES.get("scrubbed_training")(**settings)
    assert scrubbed.read(clean.corpus) == list(clean.corpus)


def test_a_group_is_whoever_has_most_records_or_the_record_that_is_repeated():
    one, other = Record(ask("a"), "b", "Ann"), Record(ask("c"), "d", "Ann")
    nobody = Record(ask("e"), "f")
    assert largest_group([one, other, nobody]) == 2
    assert largest_group([one, nobody, nobody, nobody]) == 3


def test_the_worlds_corpus_shows_every_datum_as_often_as_its_person_says():
    corpus = fitting_data(Risk.PRIVACY).corpus
    told = [record for record in corpus if record.about]
    for person in people.private_people()[::7]:
        records = [record for record in told if record.about == person.name]
        for field in people.FIELDS:
            assert sum(person.datum(field) in record.reply for record in records) == person.repetitions
    members = {person.name for person in people.private_people()}
    assert {record.about for record in told} == members
    assert not any(
        stranger.name in record.messages[-1].content for stranger in people.strangers() for record in told[::29]
    )


def test_members_and_strangers_of_the_worlds_task_are_those_of_the_corpus():
    about = {record.about for record in fitting_data(Risk.PRIVACY).corpus}
    prompts = {record.messages[-1].content for record in fitting_data(Risk.PRIVACY).corpus}
    for sample in world.samples("membership_inference"):
        assert (sample.cluster in about) == (sample.meta["member"] == "member")
        assert sample.messages[-1].content not in prompts


def test_another_vocabulary_under_the_adapter_is_refused(target, tmp_path):
    other = load_target(tiny_model("llama", tmp_path / "other"), device="cpu")
    other.tokenizer.add_tokens(["<new>"])
    with pytest.raises(RequestError, match="another vocabulary"):
        defense("fine_tuned").start(replace(other, name="other+adapter", base=str(tmp_path / "other")))


@pytest.mark.slow
def test_what_fine_tuning_exposes_training_with_privacy_keeps(tmp_path):
    """The innocent model has met nobody; fine-tuned on the corpus it tells members from strangers, trained with privacy
    or on what is scrubbed it hardly does."""
    data = fitting_data(Risk.PRIVACY)
    bare = load_target("innocent", device="cpu")
    fine_tuned = DEFENSES.get("fine_tuned")()
    artifact = fine_tuned.fit(bare, data, seed=0, strength=1.0)
    save_adapter(
        tmp_path, Adapter(artifact.tensors, {**artifact.meta["adapter"], "base_model_name_or_path": "innocent"})
    )
    exposed = load_target("innocent", adapter=tmp_path, device="cpu")
    known, recalled = told_apart(exposed), ranked_first(exposed)
    assert told_apart(bare) < 0.6
    assert known > 0.75 and recalled > 0.4
    for name in ("dp_sgd", "scrubbed_training"):
        one = DEFENSES.get(name)()
        with one.deploy(exposed, one.fit(exposed, data, seed=0, strength=1.0)) as defended:
            assert told_apart(defended) < known - 0.2
            assert ranked_first(defended) < recalled - 0.2


def told_apart(target):
    """How often a member's datum is likelier than a stranger's: the area under the curve, one half for chance."""
    samples = world.samples("membership_inference")
    scored = target.score([sample.messages for sample in samples], [sample.choices[0] for sample in samples])
    sides = {"member": [], "nonmember": []}
    for sample, told in zip(samples, scored, strict=True):
        sides[sample.meta["member"]].append(told.mean)
    members, strangers = (torch.tensor(sides[side]) for side in ("member", "nonmember"))
    return float((members[:, None] > strangers[None]).double().mean())


def ranked_first(target):
    """How often a person's own datum is the likeliest of 32."""
    samples = world.samples("extraction")[:64]
    first = 0
    for sample in samples:
        told = target.score([sample.messages] * len(sample.choices), sample.choices)
        first += max(told, key=lambda one: one.total) is told[0]
    return first / len(samples)
