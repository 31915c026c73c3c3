"""The live page: access, content during a search, and its end. Partly in a real browser."""

import json
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partialmethod
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from browser_pages import asked_urls, assert_nothing_sticks_out, find, keys, number_shown, scheme_of, text_of
from conftest import Neuronas
from neuronas.cli.serving import live_server
from neuronas.report.facts import RunFacts
from neuronas.report.live import LiveRun
from neuronas.report.server import LiveServer
from neuronas.runs.history import History
from neuronas.runs.history_file import CandidateRow
from own_process import OwnProcess
from report_runs import add_training, make_run
from test_report import hostile_run
from waiting import WAIT_S, at_most, until

CELL = "|skip~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = make_run(tmp_path_factory.mktemp("runs") / "mine")
    add_training(directory)
    return directory


@pytest.fixture(autouse=True)
def nobody_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers stop at once, and open pages poll often."""
    monkeypatch.setattr("neuronas.report.server._GOODBYE_S", 0.0)
    monkeypatch.setattr("neuronas.report.server._EVERY_S", 0.1)
    serve = partialmethod(ThreadingHTTPServer.serve_forever, poll_interval=0.01)  # stopping waits for it
    monkeypatch.setattr("neuronas.report.server._Server.serve_forever", serve, raising=False)


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """A run whose search is not finished."""
    directory = make_run(tmp_path / "mine")
    for name in ("result.json", "architecture.json"):
        (directory / name).unlink()
    return directory


def ask(server: LiveServer, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=WAIT_S)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    return answer.status, dict(answer.getheaders()), content


@contextmanager
def process(*arguments: object, cwd: Path) -> Iterator[OwnProcess]:
    """A separate neuronas process."""
    started = OwnProcess(*arguments, folder=cwd)
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def add(directory: Path, position: int, fitness: float, energy_uj: float = 1.0) -> None:
    """One more candidate of an unfinished search."""
    history = History(directory / "history.sqlite")
    row = CandidateRow(position, 1, CELL, f"new{position}", 1e3, 1.0, 1.0, energy_uj, "")
    history.add_candidates([row])
    history.add_fitness(row.key, position, fitness, 0.01, screened=False)
    history.close()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", "0.0.0.0:{port}", ""])
@pytest.mark.parametrize("path", ["/", "/state"])
def test_a_wrong_host_gets_nothing(run: Path, host: str, path: str) -> None:
    with live_server(run, None) as server:
        status, _, content = ask(server, path, Host=host.format(port=server.port))
        assert status == 403
        assert content == f"expected the host 127.0.0.1:{server.port}\n"
        for good in ("127.0.0.1", "localhost"):
            assert ask(server, path, Host=f"{good}:{server.port}")[0] == 200


def test_a_request_with_two_hosts_or_none_gets_nothing(run: Path) -> None:
    with live_server(run, None) as server:
        good = f"Host: 127.0.0.1:{server.port}\r\n"
        for hosts in ("", good + "Host: evil.example\r\n"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S) as connection:
                connection.sendall(f"GET /state HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n".encode())
                assert connection.recv(100).split()[1] == b"403"


def test_only_this_machine_is_answered_and_only_get(run: Path) -> None:
    with live_server(run, None) as server:
        assert server.address == f"http://127.0.0.1:{server.port}/"
        with pytest.raises(OSError), socket.create_connection(("127.0.0.2", server.port), timeout=5):
            pass
        assert ask(server, "/config.yaml")[0] == 404
        assert ask(server, "/../../etc/passwd")[0] == 404
        assert ask(server, "/favicon.ico")[0] == 204
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            status, headers, content = ask(server, "/", method)
            assert (status, content) == (501, "only GET is answered\n")
            assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET http://evil.example/state HTTP/1.1", b"404"),
        ("GET http://[ HTTP/1.1", b"404"),
        ("GET /state?version=%ff%00&version=2 HTTP/1.1", b"200"),
        (f"GET /{'a' * 70000} HTTP/1.1", b"414"),
        ("GET", b"GET"),  # plain-text answer without a status: "only GET is answered"
        ("\x00\x01\x02", b"GET"),
    ],
)
def test_odd_requests_harm_nothing(
    run: Path, caplog: pytest.LogCaptureFixture, request_line: str, status: bytes
) -> None:
    with live_server(run, None) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S) as connection:
            connection.sendall(f"{request_line}\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
            assert connection.recv(100).split()[1] == status
        assert ask(server, "/")[0] == 200
    assert not caplog.records


def test_every_answer_has_a_strict_policy(run: Path) -> None:
    with live_server(run, None) as server:
        for path in ("/", "/state", "/nothing"):
            _, headers, _ = ask(server, path)
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy and "*" not in policy
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert headers["Cache-Control"] == "no-store"


def test_content_comes_once_for_each_change(unfinished: Path) -> None:
    read = []

    def counted(directory: Path) -> RunFacts:
        from neuronas.api.reporting.run_facts import read_run

        read.append(directory)
        return read_run(directory, "mine")

    live = LiveRun(unfinished, counted)
    first = live.state("")
    assert set(first) == {"age_s", "version", "title", "summary", "sections", "data"}
    assert set(live.state(first["version"])) == {"age_s"}
    assert live.state("") | {"age_s": 0} == first | {"age_s": 0}
    assert len(read) == 1
    add(unfinished, 60, 1e6)
    second = live.state(first["version"])
    assert second["version"] != first["version"]
    assert second["summary"].startswith("Search not finished: 61 candidates")
    assert "Best so far" in second["sections"]["result"]
    assert CELL in second["sections"]["result"]
    assert second["data"]["explorer"]["runs"][0]["answer"] == 60
    assert len(read) == 2


def test_progress_and_time_left_come_first(unfinished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from neuronas.api.reporting.run_facts import read_run

    now = iter([100.0, 130.0, 130.0])
    monkeypatch.setattr("neuronas.report.live.monotonic", lambda: next(now))
    live = LiveRun(unfinished, lambda directory: read_run(directory, "mine"))
    history = History(unfinished / "history.sqlite")
    history.add_candidates([CandidateRow(i, 1, CELL, f"more{i}", 1e3, 1.0, 1.0, 1.0, "") for i in range(60, 70)])
    history.close()
    first = live.state("")["sections"]
    assert next(iter(first)) == "progress"
    done, total = map(int, re.findall(r"(\d+) of (\d+) proposed", first["progress"])[0])
    assert total == done + 10
    assert "time left not known yet" in first["progress"]
    history = History(unfinished / "history.sqlite")
    history.add_fitness("more60", 60, 5.0, 0.01, screened=False)
    history.add_fitness("more61", 61, 5.0, 0.01, screened=False)
    history.close()
    assert "about 2 min left" in live.state("")["sections"]["progress"]  # 30 s for two, eight remaining


@pytest.mark.parametrize(("epochs", "words"), [(8, "Training: 4 of 8 epochs"), (4, None)])
def test_a_training_has_progress_until_it_is_done(tmp_path: Path, epochs: int, words: str | None) -> None:
    from neuronas.api.reporting.run_facts import read_run

    directory = make_run(tmp_path / "mine", n=8, settings={"train": {"epochs": epochs}})
    add_training(directory)
    sections = LiveRun(directory, lambda directory: read_run(directory, "mine")).state("")["sections"]
    assert ("progress" in sections) is bool(words)
    assert (words or "") in sections.get("progress", "")


def test_what_cannot_be_read_is_said_and_asked_again(unfinished: Path, tmp_path: Path) -> None:
    with live_server(unfinished, None) as server:
        (unfinished / "result.json").write_text("{")
        state = json.loads(ask(server, "/state")[2])
        assert "result.json: is not valid JSON" in state["error"]
        assert "sections" not in state
        (unfinished / "result.json").unlink()
        state = json.loads(ask(server, "/state")[2])
        assert "error" not in state and "sections" in state
    with live_server(tmp_path / "later", None) as server:
        assert "expected a run directory" in json.loads(ask(server, "/state")[2])["error"]


def test_a_taken_port_is_one_line(neuronas: Neuronas, run: Path) -> None:
    with live_server(run, None) as server:
        for command in (("dashboard", run), ("search", "--serve", "--out", "new")):
            code, out, err = neuronas(*command, "--port", server.port)
            assert (code, out, err.count("\n")) == (2, "", 1)
            assert f"port {server.port} of 127.0.0.1 is taken" in err
    assert not Path("new").exists()


def test_mistakes(neuronas: Neuronas, tmp_path: Path) -> None:
    for command, message in (
        (("dashboard", tmp_path), "expected a run directory"),
        (("dashboard", tmp_path, "--port", 70000), "65535"),
        (("search", "--port", 8000), "given without --serve"),
    ):
        code, out, err = neuronas(*command)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert message in err


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_a_dashboard(run: Path, tmp_path: Path, ending: signal.Signals) -> None:
    with process("dashboard", run, "--json", cwd=tmp_path) as served:
        until(lambda: served.out.count("\n") == 4)
        document = json.loads(served.out)
        with socket.create_connection(("127.0.0.1", document["port"]), timeout=WAIT_S):  # an idle browser
            served.send_signal(ending)
            out, err = served.communicate(timeout=WAIT_S)
        assert (served.returncode, json.loads(out), err) == (0, document, "no longer served\n")
        with suppress(OSError), socket.create_connection(("127.0.0.1", document["port"]), timeout=5):
            pytest.fail("still served")


@pytest.mark.slow
def test_a_search_serves_its_page_until_it_ends(tmp_path: Path) -> None:
    small = ("--algorithm", "snasnet", "--n-draws", 12, "--timesteps", 2)
    with process("search", "--serve", *small, "--out", "run", "--json", cwd=tmp_path) as searching:
        until(lambda: "\n" in searching.err)
        address = searching.err.splitlines()[0].split()[-1]
        port = int(address.rstrip("/").rpartition(":")[2])
        connection = HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
        last: dict[str, Any] = {}

        def has_ended() -> bool:
            connection.request("GET", "/state?version=none")
            last.update(json.loads(connection.getresponse().read()))
            return bool(last.get("ended"))

        until(has_ended)
        out, _ = searching.communicate(timeout=WAIT_S)
    assert searching.returncode == 0
    assert last["summary"].startswith("Search finished in")
    assert json.loads(out)["architecture"] in last["sections"]["result"].replace("&#39;", "'")


def open_live(browser: Any, address: str) -> None:
    browser.get("about:blank")
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(address)
    until(lambda: find(browser, "html").get_attribute("data-version"))


@contextmanager
def pending_timeouts_counted(browser: Any) -> Iterator[None]:
    """Pages opened in this context have ``pending``: number of ``setTimeout`` calls that are not due yet."""
    source = """
        pending = 0;
        const set = setTimeout;
        setTimeout = (call, ...rest) => { pending++; return set(() => { pending--; call(); }, ...rest); };
    """
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    yield
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def assert_quiet(browser: Any, address: str) -> None:
    assert browser.get_log("browser") == []
    asked = asked_urls(browser)
    assert all(url.startswith(address) for url in asked)
    assert any("/state" in url for url in asked)


def version(browser: Any) -> str:
    return str(find(browser, "html").get_attribute("data-version"))


@pytest.mark.browser
@pytest.mark.slow
def test_the_page_follows_a_search_in_another_process(browser: Any, tmp_path: Path) -> None:
    """Algorithm 1 on the digits; the page is served by a third process."""
    lasting = ("--exact", "--timesteps", 200)  # at least a minute, so that it is interrupted before its end
    with process("search", *lasting, "--out", "run", "--quiet", cwd=tmp_path) as searching:
        until((tmp_path / "run" / "config.yaml").exists)
        with process("dashboard", "run", "--quiet", cwd=tmp_path) as served:
            until(lambda: "\n" in served.out)
            address = served.out.strip()
            open_live(browser, address)
            until(lambda: "fitness of" in text_of(browser, "#live"))
            until(lambda: browser.find_elements("css selector", "#count"))
            until(lambda: "Best so far" in text_of(browser, "#result h2"))
            before, shown = version(browser), number_shown(browser)
            until(lambda: number_shown(browser) > shown)
            assert version(browser) != before
            assert searching.poll() is None
            searching.send_signal(signal.SIGINT)
            searching.communicate(timeout=WAIT_S)
            assert searching.returncode == 130
            assert "Search not finished" in text_of(browser, "#live")
            assert_quiet(browser, address)


@pytest.mark.browser
def test_updates_keep_what_the_reader_has_set(browser: Any, unfinished: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    with live_server(unfinished, None) as server:
        open_live(browser, server.address)
        keys(browser, "#y-axis", "area")
        keys(browser, "#limit-energy_uj", Keys.HOME)
        limit = find(browser, "[for=limit-energy_uj]").text
        find(browser, "#rejected .copy").send_keys("")  # focus
        before, n_shown = version(browser), number_shown(browser)
        add(unfinished, 60, 1e6, energy_uj=0.001)
        until(lambda: version(browser) != before)
        assert "61 candidates" in find(browser, "#live").text
        assert find(browser, "#y-axis").get_attribute("value") == "area_mm2"
        assert find(browser, "[for=limit-energy_uj]").text == limit
        assert number_shown(browser) == n_shown + 1
        assert browser.execute_script("return document.activeElement.closest('section').id") == "rejected"
        assert CELL in find(browser, "#result code").text
        tables = browser.find_elements("css selector", "figure.table")
        assert len(tables) == len(browser.find_elements("css selector", "figure.table button.copy"))
        assert_quiet(browser, server.address)


@pytest.mark.browser
def test_the_plot_appears_with_the_first_candidate_and_the_answer_with_the_end(browser: Any, tmp_path: Path) -> None:
    finished = make_run(tmp_path / "finished")
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_bytes((finished / "config.yaml").read_bytes())
    with live_server(run, None) as server:
        open_live(browser, server.address)
        assert "no candidate yet" in find(browser, "#live").text
        assert not browser.find_elements("css selector", "#plot")
        find(browser, "#provenance summary").click()
        before = find(browser, "#provenance").text
        add(run, 0, 5.0)
        until(lambda: browser.find_elements("css selector", "#plot"))
        assert find(browser, "#provenance").text != before  # replaced, and still unfolded:
        assert find(browser, "#provenance details").get_attribute("open")
        assert number_shown(browser) == 1
        assert "the best so far" in find(browser, "#plot svg").text
        for name in ("history.sqlite", "architecture.json", "result.json"):
            (run / name).write_bytes((finished / name).read_bytes())
        until(lambda: "Search finished" in find(browser, "#live").text)
        assert find(browser, "#result h2").text == "Result"
        assert "the run's answer" in find(browser, "#plot svg").text
        (run / "result.json").write_text("{")
        until(lambda: "Cannot be read: " in find(browser, "#live").text)
        assert find(browser, "#result h2").text == "Result"  # existing content is kept
        assert_quiet(browser, server.address)


@pytest.mark.browser
def test_an_open_page_is_told_that_the_search_has_ended(
    browser: Any, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("_LATE_S", "_GOODBYE_S"):  # avoids useless waiting
        monkeypatch.setattr(f"neuronas.report.server.{limit}", 20 * WAIT_S)
    with (
        at_most(round(10 * WAIT_S), "ending a server with an open page"),
        live_server(run, None) as server,
        pending_timeouts_counted(browser),
    ):
        open_live(browser, server.address)
    until(lambda: "no longer serves this page" in find(browser, "#live").text)
    assert find(browser, "#result code").text
    assert browser.execute_script("return pending") == 0  # so it has stopped polling
    assert_quiet(browser, server.address)


@pytest.mark.browser
def test_a_server_that_is_gone_is_said(browser: Any, run: Path) -> None:
    with suppress(KeyboardInterrupt), live_server(run, None) as server:
        open_live(browser, server.address)
        raise KeyboardInterrupt
    until(lambda: "No response from neuronas since" in find(browser, "#live").text)
    assert find(browser, "#result code").text


@pytest.mark.browser
def test_hostile_names_run_nothing(browser: Any, tmp_path: Path) -> None:
    hostile = hostile_run(tmp_path / "hostile")
    with live_server(hostile, None) as server:
        open_live(browser, server.address)
        until(lambda: browser.find_elements("css selector", "#fittest"))
        find(browser, "#fittest").click()
        assert find(browser, "h1").text == f"Run {hostile.name}"
        assert browser.execute_script("return typeof pwned") == "undefined"
        assert browser.find_elements("css selector", "img") == []
        assert browser.execute_script("return document.querySelectorAll('main script').length") == 0
        assert_quiet(browser, server.address)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_at_any_width(browser: Any, run: Path, scheme: str) -> None:
    with scheme_of(browser, scheme), live_server(run, None) as server:
        open_live(browser, server.address)
        assert_nothing_sticks_out(browser)
        ink = browser.execute_script("return getComputedStyle(document.body).color")
        assert (ink == "rgb(230, 234, 240)") is (scheme == "dark")
        assert_quiet(browser, server.address)
