"""The pages of the defenses say what the cards, the fields and the kept figures say, and none is missing."""

from pathlib import Path

import pytest
import yaml
from benchmarks.defenses.figures import read
from benchmarks.defenses.pages import DOCS, all_pages, defenses, kernel_of

from crossrisk.defenses.card import Card, Deviation
from crossrisk.study import Study

ROOT = Path(__file__).parents[1]
PAGES = all_pages()
GRID = Study.load(ROOT / "studies" / "grid.yaml")


def test_every_defense_has_a_page_and_every_page_a_defense():
    assert {path.stem for path in DOCS.glob("*.md")} == set(PAGES)
    assert {kernel_of(name, one) for name, one in defenses().items()} | {"all"} == set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_what_its_card_says_now(page):
    assert (DOCS / f"{page}.md").read_text(encoding="utf-8") == PAGES[page], "run `python -m benchmarks.defenses`"


def test_every_page_can_be_reached():
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [page for page in PAGES if f"defenses/{page}.md" not in menu] == []


@pytest.mark.parametrize("name", defenses())
def test_a_card_says_all_that_a_reader_must_know(name):
    card = defenses()[name].card
    assert isinstance(card, Card)
    for told in (card.title, card.paper, card.formula, card.strength, card.data, card.cost):
        assert told.strip()
    assert card.invariants and all(card.invariants)


def test_a_faithful_card_differs_in_nothing_and_any_other_says_where():
    fields = {
        "title": "a",
        "paper": "b",
        "formula": "c",
        "strength": "d",
        "data": "e",
        "cost": "f",
        "invariants": ("g",),
    }
    with pytest.raises(ValueError, match="faithful"):
        Card(**fields, deviation=Deviation.FAITHFUL, differs="in something")
    with pytest.raises(ValueError, match="faithful"):
        Card(**fields, deviation=Deviation.FIXED)


def test_the_grid_is_eight_kernels_times_three_risks_that_differ_in_data_alone():
    presets = {spec.name: defenses()[spec.name] for spec in GRID.defenses}
    kernels = {kernel_of(name, one) for name, one in presets.items()}
    assert len(presets) == 24 and len(kernels) == 8
    for kernel in kernels:
        three = [one for name, one in presets.items() if kernel_of(name, one) == kernel]
        assert len({one.risk for one in three}) == 3
        settings = [{key: value for key, value in one.settings.items() if key != "risk"} for one in three]
        assert settings[0] == settings[1] == settings[2]
        assert len({(type(one), one.mechanism, one.version) for one in three}) == 1


@pytest.mark.parametrize("name", [spec.name for spec in GRID.defenses])
def test_every_preset_lowered_its_own_risk_on_the_built_in_model_and_left_it_able_to_speak(name):
    found = read()[name]
    own = {"safety": ("misuse", "toxic_content"), "fairness": ("stereotype_query", "stereotype_agreement")}
    tasks = own.get(str(defenses()[name].risk), ("privacy_awareness", "pii_leakage"))
    assert all(found["tasks"][task]["ci_high"] < 0 for task in tasks)
    assert found["broken"] is None


def test_the_menu_is_valid_yaml():
    assert yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8").replace("!!python", ""))["nav"]
