"""The live view fits every terminal; a pipe gets plain lines; JSON is the ledger's own."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Sequence
from datetime import timedelta

import pytest
from incident_script import INCIDENT, OPENED, ROLLBACK, START, STORY, TRIAGED, make_events
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from holdfast.errors import SourceUnavailable
from holdfast.ledger.fold import fold
from holdfast.model import event as ev
from holdfast.model.event import Event
from holdfast.surfaces.cli.frame import Expected, Scene, frame
from holdfast.surfaces.cli.incident_list import row_of, table
from holdfast.surfaces.cli.line import Line
from holdfast.surfaces.cli.live import LiveView
from holdfast.surfaces.cli.print_rows import print_incident, print_summary
from holdfast.surfaces.cli.sli import SliTrack
from holdfast.surfaces.cli.story import Chapter
from holdfast.surfaces.cli.styles import styled, wrap
from holdfast.surfaces.cli.views import LineView, open_view

TRACKS = (
    SliTrack("storefront-latency", "latency", 0.05, (0.0,) * 40 + (0.42,) * 20, 0.3),
    SliTrack("an-objective-with-quite-a-long-name", "availability", 0.01, (None,) * 60),
)


@pytest.fixture(autouse=True)
def a_capable_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever terminal runs the tests: these are about one that can move its cursor."""
    monkeypatch.setenv("TERM", "xterm-256color")


SIZES = [(80, 24), (120, 40), (60, 20), (40, 24), (200, 60)]


def scene_after(seconds: float, **more: object) -> Scene:
    events = make_events([t for t in STORY if t[0] <= seconds])
    now = START + timedelta(seconds=seconds)
    chapter = Chapter(fold(events), events)
    return Scene(now=now, autonomy="act", chapter=chapter, tracks=TRACKS, **more)  # type: ignore[arg-type]


def plain(rows: Sequence[Text]) -> str:
    return "\n".join(row.plain for row in rows)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("seconds", [0, 1.1, 2.0, 3.3, 4.0, 10.0, 19.5, 30])
def test_no_row_is_wider_than_the_terminal_and_the_stream_keeps_its_room(
    width: int, height: int, seconds: float
):
    rows = frame(scene_after(seconds, passing="x" * 500), width, height)
    assert all(row.cell_len <= width for row in rows)
    assert len(rows) <= max(height * 0.62, 13)


def test_the_frame_shows_phases_sli_beliefs_the_action_and_the_wait():
    text = plain(frame(scene_after(10), 80, 24))
    assert "SEV1 storefront · laboratory · level act" in text
    assert "✓ detect     ✓ triage     ● mitigate   ✓ diagnose" in text
    assert "0:10/15m" in text
    assert "42.0 % slow, 5 % allowed" in text
    assert "H1  supported   91 %" in text
    assert "done, not yet measured · expected ≤ 1 budget for 10 s, within 1 min" in text
    assert "0:04 of 1:00" in text


def test_refuted_hypotheses_are_struck_and_kept_and_mechanisms_stand_below_their_cause():
    rows = frame(scene_after(10), 120, 40)
    names = [row.plain.split()[0] for row in rows if row.plain.startswith(" H")]
    assert names == ["H1", "H6", "H5", "H3", "H2", "H4"]
    refuted = next(row for row in rows if row.plain.startswith(" H4"))
    assert any("strike" in str(span.style) for span in refuted.spans)


def test_where_rows_are_few_the_rest_is_counted():
    assert "and 3 more refuted" in plain(frame(scene_after(10), 80, 24))


def test_an_objective_without_data_is_no_data():
    text = plain(frame(scene_after(1), 120, 40))
    assert "no data" in text
    silent = Scene(now=START, autonomy="observe", sli_problem="recorder is not there")
    assert "no data: recorder is not there" in plain(frame(silent, 80, 24))


def test_without_an_incident_the_frame_says_what_is_awaited():
    watching = Scene(now=START, autonomy="observe", tracks=TRACKS)
    assert "Holdfast watches · level observe" in plain(frame(watching, 80, 24))
    expected = Expected("healthy traffic", START - timedelta(seconds=10), 40)
    waiting = Scene(now=START, autonomy="act", expected=expected)
    assert "0:10 of 0:40" in plain(frame(waiting, 80, 24))


def test_an_incident_that_ended_says_so_and_its_clock_stands():
    assert "✓ closed" in plain(frame(scene_after(30), 80, 24))
    assert "0:22 ─" in plain(frame(scene_after(3000), 80, 24))


def test_text_wraps_under_itself_and_never_beyond_the_width():
    line = Line("observation", "a " * 200 + "b" * 300, details=("c " * 100,))
    rows = styled(line, "0:01", 80)
    assert all(row.cell_len <= 80 for row in rows)
    assert all(row.plain.startswith(" " * 20) for row in rows[1:])
    wide = wrap("日本語" * 20, 40)
    assert wide == ["日本語" * 6 + "日本", *wide[1:]]
    assert all(cell_len(row) <= 40 for row in wide)


def terminal(width: int = 80, height: int = 24) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(
        file=stream, force_terminal=True, width=width, height=height, color_system="standard"
    ), stream


def test_the_live_view_tells_events_from_any_thread_and_leaves_no_frame_behind():
    console, stream = terminal()
    view = LiveView(console, autonomy="act", read_sli=lambda: TRACKS, clock=lambda: START)
    events = make_events(STORY)
    with view:
        threads = [threading.Thread(target=view.on_event, args=(e,)) for e in events[:1]]
        for thread in threads:
            thread.start()
            thread.join()
        for entry in events[1:]:
            view.on_event(entry)
        time.sleep(0.3)
    written = stream.getvalue()
    assert "the completion contract holds" in written
    assert "\x1b[?1049h" not in written  # the scrollback stays the reader's
    assert written.rstrip().endswith("\x1b[2K")
    assert view.story.chapters[INCIDENT].case == fold(events)


def test_a_source_that_fails_does_not_stop_the_live_view():
    def failing() -> tuple[SliTrack, ...]:
        raise SourceUnavailable("prometheus is down")

    console, stream = terminal()
    with LiveView(console, autonomy="act", read_sli=failing) as view:
        time.sleep(0.5)
        view.say("laboratory", "goes on")
    assert "no data: prometheus is down" in stream.getvalue()
    assert "goes on" in stream.getvalue()


def piped(events: Sequence[Event], *, as_json: bool = False) -> list[str]:
    stream = io.StringIO()
    with open_view(stream, as_json=as_json) as view:
        for entry in events:
            view.on_event(entry)
    return stream.getvalue().splitlines()


def test_a_pipe_gets_one_line_an_event_with_all_of_it_and_no_colours():
    events = make_events(STORY)
    lines = piped(events)
    assert len(lines) == len(events)
    assert not any("\x1b" in line for line in lines)
    assert lines[0].startswith(f"2026-11-23T17:05:12Z {INCIDENT} incident    SEV1 storefront")
    assert any("H1 predicts: " in line for line in lines)


def test_json_gives_the_ledgers_events_back():
    events = make_events(STORY)
    lines = piped(events, as_json=True)
    assert [Event.model_validate_json(line) for line in lines] == events
    assert json.loads(lines[0])["payload"]["kind"] == "opened"


def test_what_is_no_event_is_left_out_of_json():
    stream = io.StringIO()
    view = LineView(stream, as_json=True)
    view.say("laboratory", "the release train begins")
    view.expect("healthy traffic", 40)
    assert stream.getvalue() == ""


def test_show_tells_every_event_and_the_summary():
    stream = io.StringIO()
    print_incident(stream, make_events(STORY))
    text = stream.getvalue()
    assert text.count("\n") > len(STORY)
    assert "  0:19  observation A1 effect seen" in text
    assert " files     .holdfast/incidents/" in text
    assert "\x1b" not in text


def test_the_summary_in_a_terminal_fits_it():
    console, stream = terminal(width=72)
    events = make_events(STORY)
    print_summary(console, fold(events), events, START)
    rows = Text.from_ansi(stream.getvalue()).plain.splitlines()
    assert " outcome   mitigated only: the objective is met again" in "\n".join(rows)
    assert all(cell_len(row) <= 72 for row in rows if "postmortem" not in row)


def test_the_list_has_titles_beside_where_they_fit_and_below_where_not():
    opened = fold(make_events([(0, OPENED), (1, TRIAGED)]))
    ended = fold(make_events([*STORY, (40, ev.Noted(text="x"))]))
    rows = [row_of(opened), row_of(ended)]
    wide, narrow = table(rows, 160), table(rows, 90)
    assert (len(wide), len(narrow)) == (3, 5)
    assert wide[0].plain.endswith("service     title")
    assert "mitigated only  storefront  storefront-latency burns" in wide[2].plain
    assert narrow[2].plain.startswith("  storefront-latency burns")
    assert all(row.cell_len <= 90 for row in narrow)


def test_in_a_narrow_terminal_values_go_first_and_incidents_stand_in_short_rows():
    text = plain(frame(Scene(now=START, autonomy="observe", tracks=TRACKS), 40, 24))
    assert "storefront-latency" in text
    assert "42.0 % slow" in text
    ended = row_of(fold(make_events(STORY)))
    middle, narrow = table([ended], 80), table([ended], 40)
    assert "mitigated only" in middle[1].plain
    assert middle[0].plain.endswith("outcome")  # the title below names the service
    assert narrow[0].plain == INCIDENT
    assert "closed (mitigated only)" in plain(narrow)
    assert all(row.cell_len <= 40 for row in narrow)


def test_a_path_is_never_broken():
    line = Line("report", "/" + "a" * 100, details=("/" + "b" * 100,), whole=True)
    rows = [row.plain for row in styled(line, "0:01", 60)]
    assert [row.split("/")[-1] for row in rows] == ["a" * 100, "b" * 100]


def test_a_write_under_way_is_seen():
    assert "write under way: A1 " + ROLLBACK.title in plain(frame(scene_after(4.5), 120, 40))
