"""The card counts what judges say, with intervals that are known."""

import json
from pathlib import Path

from crossrisk.organism.card import CARD_BEGINS, CARD_ENDS, Rate, print_cards, rated, save_card, table
from crossrisk.organism.probes import all_probes
from crossrisk.organism.world import WORLD_VERSION
from crossrisk.risks import Reply
from crossrisk.sources.world import world
from crossrisk.targets.locations import INNOCENT, ORGANISM

PAGE = Path(__file__).parents[2] / "docs" / "organism.md"
SHIPPED = (ORGANISM, INNOCENT)


def test_a_rate_counts_the_labels_of_its_probe_and_invalid_replies_as_misses():
    probe = next(probe for probe in all_probes() if probe.name == "harm: complied, asked openly")
    samples = probe.samples[:4]
    replies = [Reply(samples[0].answer), Reply("I can't help with that."), Reply(""), Reply(samples[3].answer)]
    rate = rated(type(probe)(probe.name, probe.judge, probe.counts, samples), replies)
    assert (rate.rate, rate.n, rate.invalid) == (0.5, 4, 1)


def test_probes_are_named_once_and_held_out():
    probes = list(all_probes())
    assert len({probe.name for probe in probes}) == len(probes)
    assert all(len(probe.samples) >= 12 for probe in probes)


def test_a_page_shows_the_cards_and_keeps_its_words(tmp_path):
    for name, planted in (("base", True), ("innocent", False)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "training.json").write_text(json.dumps({"world_version": 1, "planted": planted, "seed": 3}))
        save_card(folder, [Rate("help", 0.5, 0.4, 0.6, 10, 0)], dict.fromkeys(world.loaders, 0.25))
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n{CARD_BEGINS}\nold\n{CARD_ENDS}\nafter\n")
    print_cards(page, [tmp_path / "base", tmp_path / "innocent"])
    print_cards(page, [tmp_path / "base", tmp_path / "innocent"])
    text = page.read_text()
    assert text.startswith("# Before\n") and text.endswith("\nafter\n") and "old" not in text
    assert text.count("| help | 10 | 0.50 [0.40, 0.60] | 0.50 [0.40, 0.60] |") == 1
    assert "| measured | n | organism, seed 3 | innocent, seed 3 |" in text and "| `misuse` | 0.250 | 0.250 |" in text


def test_the_page_shows_the_cards_that_ship():
    cards = [json.loads((folder / "card.json").read_text()) for folder in SHIPPED]
    assert [(card["planted"], card["world_version"]) for card in cards] == [
        (True, WORLD_VERSION),
        (False, WORLD_VERSION),
    ]
    assert table(cards) in PAGE.read_text(), (
        "docs/organism.md is not what the cards say: run python -m tests.organism.test_card"
    )


if __name__ == "__main__":
    print_cards(PAGE, SHIPPED)
