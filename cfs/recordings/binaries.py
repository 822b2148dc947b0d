"""Binary recordings, from a `Source` to a `Reading`: perf.data, trace.dat, Perfetto traces.

What it decides: which reader a file needs, by its first bytes, and what it must hold to be a recording. Each
reader has one file for what is read once, and a compiled one for the events:

    perf_data, _perf_data    perf record, in a file or from a pipe
    trace_dat, _trace_dat    trace-cmd record
    perfetto, _perfetto      traced_probes

The readers hand facts (`_sink.pxd`) to a `Feed`, which gives them to the tracker.
"""

from __future__ import annotations

from ..errors import RecordingError
from . import perf_data, perfetto, trace_dat
from ._feed import Feed
from .about import About
from .source import READABLE, Source
from .surroundings import Surroundings
from .table import Reading

__all__ = ["is_binary", "read_binary"]

ADVICE = {
    "perf.data": "record with perf sched record",
    "trace.dat": "record with trace-cmd record -C mono -e sched",
    "Perfetto trace": f"record {perfetto.CONFIG}",
}


def is_binary(source: Source) -> bool:
    """Whether one of the readers here can read it.

    Raises
    ------
    RecordingError
        It is neither that nor text.
    """
    head = source.head()
    if perf_data.is_perf_data(head) or trace_dat.is_trace_dat(head) or perfetto.is_perfetto(head):
        return True
    if b"\0" in head[:16]:
        raise RecordingError(
            f"{source.name} is no recording: it begins with {head[:8].hex(' ')}; {READABLE}. Pages of a raw ring "
            "buffer (trace_pipe_raw) lack the description of their events: record with trace-cmd"
        )
    return False


def read_binary(source: Source) -> Reading:
    """Read all of `source`.

    Parameters
    ----------
    source : Source
        One for which `is_binary` is true.

    Returns
    -------
    Reading

    Raises
    ------
    RecordingError
        A part that everything else needs is damaged, or nothing in it is sound. The message says what and
        where.
    MissingExtraError
        It is compressed with zstd, and nothing here can unpack that.
    """
    feed = Feed()
    about = _about(source, feed)
    feed.finish()
    tracker = feed.tracker
    if tracker.nr_switches == 0:
        because = "".join(f"; {warning}" for warning in [*about.warnings, *source.warnings])
        raise RecordingError(f"{source.name} has no sched_switch; {ADVICE[about.kind]}{because}")
    about.warn(about.nr_lost, "events are lost, as far as the recording says")
    about.warn(feed.nr_strange, "events contradict themselves: left out")
    about.warn(feed.nr_backwards, "events go back in time by more than 1 ms: left out")
    about.warn(feed.nr_jumps, "events are more than 10 s later than the next one: left out")
    about.warn(tracker.nr_early, "events go back in time by less than 1 ms: taken as simultaneous")
    return Reading(
        tracker,
        about.kind,
        warnings=about.warnings,
        nr_records=about.nr_records,
        surroundings=Surroundings(
            kernel=about.kernel,
            clock=about.clock,
            cpus_in_machine=about.nr_cpus or None,
            groups_of_rows=_groups_of(feed, about),
        ),
    )


def _groups_of(feed: Feed, about: About) -> tuple[str | None, ...]:
    """The path of each task's control group; "" if its number has none, None if no number is known."""
    return tuple(about.groups.get(number, "") if number else None for number in feed.tracker.groups_seen())


def _about(source: Source, feed: Feed) -> About:
    head = source.head()
    if perf_data.is_perf_data(head) and perf_data.is_pipe(head):
        return perf_data.read_pipe(source.name, source.blocks(), feed)
    reader = (
        perf_data if perf_data.is_perf_data(head) else trace_dat if trace_dat.is_trace_dat(head) else perfetto
    )
    data = source.whole()

    def progress(done: int) -> None:
        if source.progress is not None:
            source.progress(min(done, len(data)), len(data))

    return reader.read_file(source.name, data, feed, progress)
