"""Shams: as large as what they mimic, tensor by tensor or word by word, and otherwise without relation to it."""

import pytest
import torch

from crossrisk.defenses.defense import Artifact
from crossrisk.defenses.reminder import BEFORE
from crossrisk.defenses.sham import Sham, scrambled, update_norm
from crossrisk.errors import RequestError
from crossrisk.risks import Risk
from tests.defenses.cases import ask, defense, rows_norm


def cosine(a, b):
    return float((a.double() * b.double()).sum() / (rows_norm(a) * rows_norm(b)))


def test_a_sham_delta_has_the_norm_of_each_tensor_and_another_direction(fitted):
    _, real = fitted("npo")
    fake = Sham(defense("npo")).scramble(real, seed=0)
    assert set(fake.tensors) == set(real.tensors)
    for name, tensor in real.tensors.items():
        assert rows_norm(fake.tensors[name]) == pytest.approx(rows_norm(tensor), rel=1e-5)
        assert abs(cosine(fake.tensors[name], tensor)) < 0.2


def test_a_sham_lora_has_the_norm_of_each_effective_update_and_another_direction(fitted):
    _, real = fitted("dpo")
    fake = Sham(defense("dpo")).scramble(real, seed=0)
    assert set(fake.tensors) == set(real.tensors)
    downs = [name for name in real.tensors if name.endswith("lora_A.weight")]
    for name in downs:
        up = name.replace("lora_A", "lora_B")
        true, false = (a.tensors[up].double() @ a.tensors[name].double() for a in (real, fake))
        assert rows_norm(false) == pytest.approx(rows_norm(true), rel=1e-5)
        assert abs(cosine(true, false)) < 0.3
    assert fake.meta == real.meta


def test_the_norm_of_a_low_rank_update_needs_no_full_matrix():
    torch.manual_seed(0)
    down, up = torch.randn(4, 30), torch.randn(20, 4)
    assert update_norm(down, up) == pytest.approx(rows_norm(up @ down), rel=1e-6)


def test_an_update_of_nothing_has_a_sham_of_nothing():
    nothing = Artifact("adapter", {"a.lora_A.weight": torch.ones(2, 3), "a.lora_B.weight": torch.zeros(4, 2)})
    fake = scrambled(nothing, seed=0)
    assert update_norm(fake.tensors["a.lora_A.weight"], fake.tensors["a.lora_B.weight"]) == 0.0
    assert scrambled(Artifact("delta", {"a": torch.zeros(3)}), seed=0).tensors["a"].tolist() == [0.0, 0.0, 0.0]


def test_sham_words_are_as_many_and_say_nothing_of_the_risk(fitted):
    _, real = fitted("self_reminder")
    fake = Sham(defense("self_reminder")).scramble(real, seed=0)
    for place, text in real.meta["texts"].items():
        assert len(fake.meta["texts"][place].split()) == len(text.split())
        assert not {"harmful", "responsible", "misleading"} & set(fake.meta["texts"][place].lower().split())


def test_the_seed_alone_decides(fitted):
    _, real = fitted("npo")
    sham = Sham(defense("npo"))
    assert sham.scramble(real, seed=0).sha256 == sham.scramble(real, seed=0).sha256
    assert sham.scramble(real, seed=0).sha256 != sham.scramble(real, seed=1).sha256


def test_a_sham_is_of_the_mechanism_and_needs_of_what_it_mimics_and_aims_at_no_risk():
    real, fake = defense("npo"), Sham(defense("npo"))
    assert (fake.mechanism, fake.needs, fake.covers) == (real.mechanism, real.needs, real.covers)
    assert fake.risk is None and fake.name == "sham_npo"
    assert fake.settings["like"]["learning_rate"] == real.settings["learning_rate"]


def test_by_itself_it_puts_neutral_words_into_the_system_turn(target, data):
    one = Sham()
    with one.deploy(target, one.fit(target, data, seed=0, strength=1.0)) as defended:
        system, user = defended.edited(ask("what is the name of the baker?"))
    assert (system.role, user.content) == ("system", "what is the name of the baker?")
    assert len(system.content.split()) > 20
    assert BEFORE[Risk.SAFETY] not in system.content


def test_a_ready_checkpoint_has_no_sham():
    with pytest.raises(RequestError, match="no sham"):
        scrambled(Artifact("checkpoint", meta={"model": "somewhere"}), seed=0)
