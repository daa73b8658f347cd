import base64
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crossrisk.errors import RequestError
from crossrisk.report.page import FLIPS_PER_CELL, write_page
from crossrisk.risks import Verdict
from crossrisk.wording import WORDS, interval, p_value, percent, points
from tests.report.conftest import FLAG, Rows
from tests.report.synthetic import write_study

VOID = {"meta", "link", "br", "wbr", "img", "input", "hr"}


class Page(HTMLParser):
    """The text of a page by the place it stands in. Fails on tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.by_id: dict[str, str] = {}
        self.by_link: dict[str, str] = {}  # target -> text, in the matrix
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop()[0] == tag, f"</{tag}> closes nothing at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        data = f" {data} "
        in_matrix = any(attributes.get("class") == "matrix" for _, attributes in self.open)
        for tag, attributes in self.open:
            if identity := attributes.get("id"):
                self.by_id[identity] = self.by_id.get(identity, "") + data
            if tag == "a" and in_matrix and (target := attributes["href"]):
                self.by_link[target.lstrip("#")] = self.by_link.get(target.lstrip("#"), "") + data


def place(row: dict[str, Any]) -> str:
    return f"arm--{row['defense']}--{row['task']}--{row['source']}"


@pytest.fixture(scope="module")
def html(study_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_page(study_folder, tmp_path_factory.mktemp("page") / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_page_lies_in_the_folder_and_is_the_same_each_time(study_folder: Path, tmp_path: Path, html: str) -> None:
    folder = tmp_path / "elsewhere"
    shutil.copytree(study_folder, folder)
    assert write_page(folder) == folder / "report.html"
    assert (folder / "report.html").read_text(encoding="utf-8") == html


def test_every_cell_of_the_matrix_has_its_verdict_and_numbers(study_folder: Path, rows_of: Rows, page: Page) -> None:
    rows = rows_of(study_folder)
    assert len(page.by_link) >= len(rows)
    for row in rows:
        text = page.by_link[place(row)]
        if row["delta"] is None:
            assert not re.search(r"\d", text)
        else:
            assert WORDS[Verdict(row["verdict"])] in text
            assert f" {points(row['delta'])}" in text
            assert interval(row["ci_low"], row["ci_high"]) in text
            assert f"{percent(row['base'])} → {percent(row['defended'])}%" in text


def test_the_picture_of_a_rise_stands_right_of_zero(study_folder: Path, rows_of: Rows, html: str) -> None:
    for row in rows_of(study_folder):
        cell = re.search(rf'<a href="#{re.escape(place(row))}" title.*?</a>', html, re.S)
        assert cell is not None
        dot = re.search(r'<circle class="dot" cx="([\d.]+)"', cell[0])
        assert (dot is None) == (row["delta"] is None)
        if dot and row["verdict"] in ("worsens", "improves"):
            assert (float(dot[1]) > 42) == (row["verdict"] == "worsens")


def test_every_cell_opens_to_its_numbers(study_folder: Path, rows_of: Rows, page: Page) -> None:
    for row in rows_of(study_folder):
        text = " ".join(page.by_id[place(row)].split())
        assert f"p {p_value(row['p'])} adjusted p {p_value(row['p_adjusted'])}" in text
        mde = "–" if row["mde"] is None else f"{points(row['mde']).lstrip('+')} points"
        assert f"smallest detectable change (MDE) {mde}" in text
        rcr = "–" if row["rcr"] is None else f"{points(row['rcr'], 0)}%"
        assert f"relative change (RCR) {rcr}" in text
        invalid = "–" if row["invalid_defended"] is None else row["invalid_defended"]
        assert f"invalid replies, defended {invalid}" in text


def test_a_cell_shows_the_figures_of_its_field_with_counts_as_counts(
    study_folder: Path, rows_of: Rows, tmp_path: Path
) -> None:
    row = rows_of(study_folder)[0]
    folder = tmp_path / "study"
    shutil.copytree(study_folder, folder)
    cells = [
        {"arm": arm, "task": row["task"], "source": row["source"], "figures": figures}
        for arm, figures in (("base", {"n": 90, "gap": 0.25}), (row["defense"], {"n": 88, "gap": None}))
    ]
    (folder / "metrics.json").write_text(json.dumps({"schema": 1, "rows": cells}))
    text = " ".join(Page(write_page(folder).read_text()).by_id[place(row)].split())
    assert "More figures figure base defended n 90 88 gap 0.250 –" in text


def test_the_flips_on_the_page_are_the_samples_that_flipped(study_folder: Path, rows_of: Rows, page: Page) -> None:
    files = {(cell["arm"], cell["task"]): cell["file"] for cell in _manifest(study_folder)["cells"]}
    checked = 0
    for row in rows_of(study_folder):
        if row["delta"] is None:
            continue
        base, defended = (pl.read_parquet(study_folder / files[arm, row["task"]]) for arm in ("base", row["defense"]))
        flipped = {
            sample
            for sample, before, after in zip(base["sample_id"], base["risk"], defended["risk"], strict=True)
            if before is not None and after is not None and before != after
        }
        shown = re.findall(rf"{row['task']}-\d{{4}}", page.by_id[place(row)])
        assert len(shown) == len(set(shown)) == min(len(flipped), FLIPS_PER_CELL)
        assert set(shown) <= flipped
        assert not flipped or f"{row['flips_up']} worse, {row['flips_down']} better" in page.by_id[place(row)]
        checked += len(shown)
    assert checked > 20


def _manifest(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return content


HOSTILE = (
    '</pre></details></div><script>alert(1)</script><img src="http://evil.example/x" onerror="alert(2)">&'
    "\x00\u202e{{7*7}}"
)


def test_nothing_that_a_model_or_a_file_says_becomes_part_of_the_page(tmp_path: Path) -> None:
    folder = write_study(
        tmp_path,
        replies={("dpo", task, sample): HOSTILE for task in ("misuse", "over_refusal") for sample in range(40)},
        flags=[FLAG | {"note": HOSTILE}],
        failed={("npo", "utility"): HOSTILE},
    )
    text = write_page(folder).read_text(encoding="utf-8")
    page = Page(text)
    assert text.count("&lt;script&gt;alert(1)") > 5
    assert text.lower().count("<script") == 1
    assert "<img" not in text
    assert "\x00" not in text and "\u202e" not in text
    assert "{{7*7}}" in text
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_the_page_loads_and_links_to_nothing_outside_itself(html: str, page: Page) -> None:
    for _, attributes in page.tags:
        assert not {"src", "srcset", "action", "data", "poster", "background", "style"} & set(attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert not re.search(r"https?:|url\(|@import|@font-face", html)


def test_the_policy_of_the_page_lets_only_its_own_script_run(html: str) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    script = re.search(r"<script>(.*?)</script>", html, re.S)
    assert policy is not None and script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy[1]
    assert "default-src 'none'" in policy[1]


def test_every_link_finds_its_place_and_no_place_is_named_twice(page: Page) -> None:
    places = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(places) == len(set(places))
    assert {str(a["href"]).lstrip("#") for tag, a in page.tags if tag == "a"} <= set(places)


def test_links_find_places_with_names_that_are_not_ascii(html: str) -> None:
    # In a browser `hash` is percent-encoded, the id of the place is not.
    assert re.findall(r"getElementById\((.*hash.*?)\);", html) == [
        "decodeURIComponent(link.hash.slice(1))",
        "decodeURIComponent(location.hash.slice(1))",
    ]


def test_the_noise_floor_is_said_where_the_controls_are_explained(
    page: Page, rows_of: Rows, study_folder: Path
) -> None:
    null = [row for row in rows_of(study_folder) if row["defense"] == "null"]
    flips, n = (sum(row[key] or 0 for row in null) for key in ("flips_up", "n"))
    flips += sum(row["flips_down"] or 0 for row in null)
    assert f"({flips} of {n}, 95% interval" in " ".join(page.by_id["reading"].split())


def test_texts_of_safety_stay_folded_and_those_of_service_may_be_read_at_once(html: str) -> None:
    def flips(task: str) -> list[str]:
        body = html.split(f'id="arm--dpo--{task}--world"')[1].split('<details class="cell')[0]
        return re.findall(r'<details class="flip[^>]*>', body)

    assert flips("misuse") and not any(" open" in flip for flip in flips("misuse"))
    assert any(" open" in flip for flip in flips("over_refusal"))


def test_failures_flags_and_what_does_not_apply_are_said(page: Page, html: str) -> None:
    found = " ".join(page.by_id["found"].split())
    assert "npo on toxic_content:world: ValueError: sample toxic-3 has 0 continuations" in found
    assert "dpo on misuse:world is contaminated: 4 of its 40 prompts fitted it." in found
    assert "failed" in page.by_link["arm--npo--toxic_content--world"]
    assert "not applicable" in page.by_link["arm--self_reminder--stereotype_recognition--world"]
    assert "self_reminder has no likelihood" in page.by_id["arm--self_reminder--stereotype_recognition--world"]
    assert "This study is not complete" in html


def test_the_legend_counts_failed_cells_apart_from_those_that_do_not_apply(page: Page) -> None:
    legend = " ".join(page.by_id["matrix"].split()).split("Change of risk")[0]
    assert "× failed 1" in legend and "– not applicable 1" in legend


def test_side_effects_stand_in_the_order_of_their_size(
    study_folder: Path, rows_of: Rows, page: Page, html: str
) -> None:
    found = sorted(
        (row for row in rows_of(study_folder) if row["verdict"] == "worsens" and row["target_risk"] != row["risk"]),
        key=lambda row: -row["delta"],
    )
    text = " ".join(page.by_id["found"].split())
    places = [text.index(f"{row['defense']} ({row['target_risk']}) worsens {row['task']}") for row in found]
    assert len(places) > 1 and places == sorted(places)
    assert f"<h1>{len(found)} side effects in" in html


def test_groups_are_shown_for_their_defense(study_folder: Path, page: Page) -> None:
    rows = json.loads((study_folder / "groups.json").read_text(encoding="utf-8"))["rows"]
    text = " ".join(page.by_id["arm--dpo--groups"].split())
    row = next(row for row in rows if row["defense"] == "dpo" and row["task"] == "over_refusal")
    assert f"over_refusal {row['group']} {row['n']} – – {points(row['delta'])}" in text


def test_provenance_has_versions_keys_and_fingerprints(study_folder: Path, page: Page) -> None:
    manifest, text = _manifest(study_folder), page.by_id["provenance"]
    assert manifest["base"]["fingerprint"] in text
    assert "torch 2.13.0" in text and "every off-target cell" in text
    assert all(arm["fingerprint"][:16] in text for arm in manifest["arms"])
    assert all(cell["key"][:16] in text for cell in manifest["cells"])


def test_tables_name_their_rows_and_columns(page: Page) -> None:
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")


def test_a_long_reply_is_cut_with_a_note(tmp_path: Path) -> None:
    folder = write_study(
        tmp_path,
        n=8,
        defenses={"dpo": ("training", "safety")},
        tasks=["misuse"],
        replies={("dpo", "misuse", sample): "y" * 50_000 for sample in range(8)},
    )
    text = write_page(folder).read_text(encoding="utf-8")
    assert "[48,000 more characters]" in text
    assert len(text) < 100_000


def test_a_study_without_defenses_or_groups_is_still_reported(tmp_path: Path) -> None:
    folder = write_study(tmp_path, n=4, defenses={}, tasks=["misuse"])
    (folder / "groups.json").unlink()
    assert "says nothing of side effects" in write_page(folder).read_text(encoding="utf-8")


def test_a_folder_that_holds_no_analysed_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"no manifest\.json"):
        write_page(tmp_path)
    folder = write_study(tmp_path / "study", n=4, tasks=["misuse"])
    (folder / "interactions.json").write_text("{", encoding="utf-8")
    with pytest.raises(RequestError, match=r"interactions\.json is damaged"):
        write_page(folder)
    (folder / "interactions.json").unlink()
    with pytest.raises(RequestError, match=r"has no interactions\.json"):
        write_page(folder)


def _palettes(html: str) -> list[dict[str, str]]:
    return [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", block))
        for block in re.findall(r":root \{(.*?)\}", html, re.S)
    ]


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


TEXT_ON = [
    *(
        (text, ground)
        for text in ("ink", "muted")
        for ground in ("paper", "panel", "quiet", "worse-fill", "better-fill")
    ),
    *((text, ground) for text in ("worse", "better") for ground in ("paper", "quiet", f"{text}-fill")),
]


@pytest.mark.parametrize(("text", "ground"), sorted(set(TEXT_ON)))
def test_text_keeps_a_contrast_of_4_5_in_light_dark_and_print(html: str, text: str, ground: str) -> None:
    palettes = _palettes(html)
    assert len(palettes) == 3
    for palette in palettes:
        light, dark = sorted((_luminance(palette[text]), _luminance(palette[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2.1, 1.4.3


def test_a_cell_tells_its_sentence_its_odds_and_that_a_control_moved_as_far(study_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "noisy"
    shutil.copytree(study_folder, folder)
    path = folder / "interactions.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    rows = {(row["defense"], row["task"]): row for row in content["rows"]}
    claimed = {"noise_floor": 0.99, "within_noise": True, "rcr_low": -0.99, "rcr_high": -0.5}
    rows["dpo", "misuse"] |= claimed | {"odds_ratio": 0.05, "odds_ratio_low": 0.01, "odds_ratio_high": None}
    path.write_text(json.dumps(content), encoding="utf-8")
    page = Page(write_page(folder).read_text(encoding="utf-8"))
    said = " ".join(page.by_id["arm--dpo--misuse--world"].split())
    assert "dpo (safety) improves misuse:world by −" in said and "a control moved it as far" in said
    assert "0.05 [0.01, no limit]" in said and "[−99, −50]" in said and "99.0 points" in said
    assert " ".join(page.by_id["arm--dpo"].split()).count("within noise") == 1
