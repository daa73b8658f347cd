"""Downloads against a server on this machine that truncates, stalls, lies and redirects."""

import hashlib
import http.server
import io
import os
import re
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import requests

from crossrisk.errors import RequestError
from crossrisk.sources.bbq import FILES as BBQ
from crossrisk.sources.download import Got, Patience, _check, get
from crossrisk.sources.extracts import Extract, first_columns, member
from crossrisk.sources.public import PublicFile

CONTENT = bytes(range(256)) * 2_000  # half a megabyte: several chunks
HASTY = Patience(seconds=0.3, tries=3, pause=0.0)

Answer = Callable[[http.server.BaseHTTPRequestHandler, int], None]  # handler, first byte that is asked for


def whole(handler: http.server.BaseHTTPRequestHandler, start: int, content: bytes = CONTENT) -> None:
    """What a good server does, ranges included."""
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    handler.send_header("Content-Length", str(len(content) - start))
    handler.end_headers()
    handler.wfile.write(content[start:])


def cut(handler: http.server.BaseHTTPRequestHandler, start: int) -> None:
    """Promises everything, sends a fifth, and hangs up."""
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
    handler.send_header("Content-Length", str(len(CONTENT) - start))
    handler.end_headers()
    handler.wfile.write(CONTENT[start : start + len(CONTENT) // 5])


def stalled(handler: http.server.BaseHTTPRequestHandler, start: int) -> None:
    """Sends a little, then nothing for longer than anybody waits."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(CONTENT)))
    handler.end_headers()
    handler.wfile.write(CONTENT[:1000])
    handler.wfile.flush()
    time.sleep(1.0)


def status(code: int) -> Answer:
    """An answer without content."""

    def answer(handler: http.server.BaseHTTPRequestHandler, start: int) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def moved(to: str) -> Answer:
    """A redirect to another path of the server."""

    def answer(handler: http.server.BaseHTTPRequestHandler, start: int) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def sends(content: bytes) -> Answer:
    """Another content than the published one."""
    return lambda handler, start: whole(handler, start, content)


@dataclass
class Server:
    """Answers requests one after the other as told; the last answer is repeated. asked: (path, Range header)."""

    address: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            told.asked.append((self.path, wanted))
            answer = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            answer(self, int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0)

        def log_message(self, format: str, *args: object) -> None:
            return

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    told.address = f"http://127.0.0.1:{listening.server_address[1]}"
    yield told
    listening.shutdown()
    listening.server_close()


@pytest.fixture
def file(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PublicFile:
    monkeypatch.setenv("CROSSRISK_DATA", str(tmp_path))
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "cache"))
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    return PublicFile(
        folder="set",
        name="prompts.csv",
        repository=f"{server.address}/owner/name",
        revision="abc",
        path="in/prompts.csv",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
    )


def quiet(place: str, kilobytes: int, total: int | None) -> None:
    return


def problem(*files: PublicFile) -> str:
    """The one line that says why nothing could be had."""
    got = get(files, quiet, HASTY)
    assert got.placed == ()
    (line,) = got.problems
    assert "\n" not in line
    return line


def test_a_file_comes_to_its_place_and_is_not_asked_for_again(server: Server, file: PublicFile, tmp_path: Path) -> None:
    server.answers = [whole]
    assert get([file], quiet, HASTY).placed == (tmp_path / "data/set/prompts.csv",)
    assert file.content() == CONTENT
    assert get([file], quiet, HASTY) == Got((), ())
    assert server.asked == [("/owner/name/resolve/abc/in/prompts.csv", None)]
    assert [path.name for path in (tmp_path / "data/set").iterdir()] == ["prompts.csv"]


def test_a_transfer_that_is_cut_again_and_again_is_taken_up_where_it_stopped(server: Server, file: PublicFile) -> None:
    server.answers = [cut]
    seen: list[int] = []
    get([file], lambda place, kilobytes, total: seen.append(kilobytes), HASTY)
    assert file.content() == CONTENT
    starts = [int((wanted or "bytes=0-")[6:-1]) for _, wanted in server.asked]
    assert starts == sorted(set(starts)) and 5 <= len(starts) <= 30
    assert seen == sorted(seen) and seen[-1] == len(CONTENT) // 1000


def test_what_an_earlier_call_got_is_not_sent_again(server: Server, file: PublicFile, tmp_path: Path) -> None:
    server.answers = [cut, status(503)]
    assert re.search("try again to go on", problem(file))
    came = len(CONTENT) // 5
    server.answers, server.asked = [whole], []
    get([file], quiet, HASTY)
    assert server.asked[0][1] == f"bytes={came}-"
    assert file.content() == CONTENT


def test_a_server_that_stalls_is_given_up_with_one_line_and_keeps_its_part(
    server: Server, file: PublicFile, tmp_path: Path
) -> None:
    server.answers = [stalled]
    line = problem(file)
    assert "place it at" in line and file.sha256 in line
    assert not (tmp_path / "data/set/prompts.csv").exists()


def test_a_server_that_ignores_ranges_starts_the_file_anew(server: Server, file: PublicFile) -> None:
    server.answers = [cut, lambda handler, start: whole(handler, 0)]
    get([file], quiet, HASTY)
    assert file.content() == CONTENT


def test_wrong_bytes_never_take_the_place_and_are_not_gone_on_with(
    server: Server, file: PublicFile, tmp_path: Path
) -> None:
    server.answers = [sends(CONTENT[:-1] + b"x")]
    assert re.search(r"not the published prompts\.csv", problem(file))
    assert not list((tmp_path / "data/set").glob("prompts.csv"))
    server.answers, server.asked = [whole], []
    get([file], quiet, HASTY)
    assert server.asked[0][1] is None
    assert file.content() == CONTENT


def test_a_login_page_is_called_a_web_page(server: Server, file: PublicFile) -> None:
    server.answers = [sends(b"<html>sign in</html>")]
    assert re.search("a web page came instead", problem(file))


def test_more_than_the_published_bytes_is_stopped(server: Server, file: PublicFile, tmp_path: Path) -> None:
    server.answers = [sends(CONTENT * 3)]
    assert re.search(f"more than the {len(CONTENT)} bytes", problem(file))
    assert not list((tmp_path / "data/set").glob(".*part"))


def test_a_redirect_is_followed(server: Server, file: PublicFile) -> None:
    server.answers = [moved("/elsewhere"), whole]
    get([file], quiet, HASTY)
    assert [path for path, _ in server.asked] == ["/owner/name/resolve/abc/in/prompts.csv", "/elsewhere"]
    assert file.content() == CONTENT


def test_a_circle_of_redirects_ends(server: Server, file: PublicFile) -> None:
    server.answers = [moved("/round")]
    assert re.search("redirects in a circle", problem(file))


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_what_a_second_try_cannot_mend_is_asked_once(server: Server, file: PublicFile, code: int) -> None:
    server.answers = [status(code)]
    assert re.search(f"answers {code}", problem(file))
    assert len(server.asked) == 1


def test_a_busy_server_is_asked_again(server: Server, file: PublicFile) -> None:
    server.answers = [status(503), status(429), whole]
    get([file], quiet, HASTY)
    assert file.content() == CONTENT


def test_two_that_get_a_file_at_once_ask_for_it_once(server: Server, file: PublicFile) -> None:
    def slowly(handler: http.server.BaseHTTPRequestHandler, start: int) -> None:
        time.sleep(0.2)
        whole(handler, start)

    server.answers = [slowly]
    got: list[Got] = []
    getters = [threading.Thread(target=lambda: got.append(get([file], quiet))) for _ in range(3)]
    for getter in getters:
        getter.start()
    for getter in getters:
        getter.join()
    assert len(server.asked) == 1
    assert sorted(len(each.placed) for each in got) == [0, 0, 1] and not any(each.problems for each in got)


@pytest.mark.parametrize(("asked", "answered", "refused"), [("https", "http", True), ("https", "https", False)])
def test_an_encrypted_address_is_never_left_for_an_open_one(
    file: PublicFile, asked: str, answered: str, refused: bool
) -> None:
    answer = requests.Response()
    answer.status_code, answer.url = 200, f"{answered}://example.invalid/file"
    if refused:
        with pytest.raises(RequestError, match="without encryption"):
            _check(answer, f"{asked}://example.invalid/file", file)
    else:
        _check(answer, f"{asked}://example.invalid/file", file)


def test_nobody_listening_says_what_to_place_where(file: PublicFile, tmp_path: Path) -> None:
    deaf = replace(file, repository="http://127.0.0.1:9/owner/name")
    assert str(tmp_path / "data/set/prompts.csv") in problem(deaf)


def test_offline_nothing_is_asked(file: PublicFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    elsewhere = replace(file, repository="https://example.invalid/owner/name")
    assert re.search(r"HF_HUB_OFFLINE is set.*place it at", problem(elsewhere))


def test_the_files_of_one_archive_come_out_of_one_download(server: Server, file: PublicFile, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/one.csv", b"one")
        archive.writestr("a/two.csv", b"two")
    server.answers = [sends(packed.getvalue())]
    parts = [
        replace(file, name=f"{name}.csv", sha256=hashlib.sha256(name.encode()).hexdigest(), size=3, path="all.zip",
                extract=member(f"a/{name}.csv", 3))
        for name in ("one", "two")
    ]  # fmt: skip
    assert [path.read_bytes() for path in get(parts, quiet, HASTY).placed] == [b"one", b"two"]
    assert len(server.asked) == 1


def test_what_people_made_from_the_origin_is_to_be_placed_by_hand(server: Server, file: PublicFile) -> None:
    server.answers = [whole]
    made = replace(file, extract=Extract("rows chosen by hand", None))
    assert re.search("cannot be downloaded as it is: place it at", problem(made))
    assert server.asked == []


def test_a_file_that_cannot_be_had_does_not_keep_the_others_away(server: Server, file: PublicFile) -> None:
    server.answers = [whole]
    made = replace(file, name="made.csv", extract=Extract("rows chosen by hand", None))
    got = get([made, file], quiet, HASTY)
    assert [path.name for path in got.placed] == ["prompts.csv"]
    (line,) = got.problems
    assert line.startswith("made.csv cannot be downloaded") and line.count("place it at") == 1


def packed(content: bytes, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as written:
        written.writestr("a/one.csv", content)
    return archive.getvalue()


def flagged(archive: bytes, at: int, value: int) -> bytes:
    """The archive with one field of its only member changed, in the local header and in the directory."""
    local, central = archive.index(b"PK\x03\x04"), archive.index(b"PK\x01\x02")
    changed = bytearray(archive)
    changed[local + at] = changed[central + at + 2] = value
    return bytes(changed)


ONE = packed(b"one" * 100)
WRONG = {
    "a login page": b"<html>sign in</html>",
    "a damaged archive": ONE[:45] + b"\xff\xff\xff" + ONE[48:],
    "an encrypted member": flagged(ONE, 6, 1),
    "an unknown compression": flagged(ONE, 8, 97),
    "a bomb": packed(b"0" * 10_000_000),
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_wrong_archive_is_one_line_with_a_remedy(
    content: bytes, server: Server, file: PublicFile, tmp_path: Path
) -> None:
    server.answers = [sends(content)]
    line = problem(replace(file, path="all.zip", size=300, extract=member("a/one.csv", 300)))
    assert "is not the published prompts.csv" in line and "place it at" in line
    assert list((tmp_path / "data/set").iterdir()) == []


@pytest.mark.parametrize("extract", [first_columns(1), BBQ[0].extract], ids=["columns of a table", "rows of JSON"])
@pytest.mark.parametrize("content", [b"<html>", b"caf\xe9,b\n", b'"' + b"x" * 9, b"{}\n"])
def test_a_wrong_table_is_one_line_with_a_remedy(
    content: bytes, extract: Extract, server: Server, file: PublicFile
) -> None:
    server.answers = [sends(content)]
    assert "is not the published prompts.csv" in problem(replace(file, extract=extract))


def test_a_redirect_to_no_address_is_one_line(server: Server, file: PublicFile) -> None:
    server.answers = [moved("http://[::1")]
    assert "could not be downloaded" in problem(file)


def test_what_stands_in_a_files_place_is_told_before_anything_is_sent(
    server: Server, file: PublicFile, tmp_path: Path
) -> None:
    (tmp_path / file.place).mkdir(parents=True)
    assert "prompts.csv is no file: take it away" in problem(file)
    assert server.asked == []


def test_a_pipe_in_a_files_place_is_not_waited_for(file: PublicFile, tmp_path: Path) -> None:
    (tmp_path / file.place).parent.mkdir(parents=True)
    os.mkfifo(tmp_path / file.place)
    with pytest.raises(RequestError, match="is no file"):
        file.content()


def test_a_failed_download_leaves_no_lock_behind(server: Server, file: PublicFile, tmp_path: Path) -> None:
    server.answers = [cut, status(503)]
    problem(file)
    assert [path.name for path in (tmp_path / "data/set").iterdir()] == [".prompts.csv.part"]
