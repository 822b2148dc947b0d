"""What a recording shows of the machine that made it: when ticks come, what an interrupt costs, what can be preempted.

What it decides: each fact of a `Platform` that can be seen in the events alone, and what is taken where none
shows it. What somebody says (a header, the command line) counts more than what is inferred here.

F1  Ticks. The kernel charges the running task at each tick. Such a charge comes alone: nothing else happens on
    its CPU around it. So of the charges that come alone more than chance would put there lie in a window of
    WINDOW_NS, if they are taken modulo the length of a tick. That is the phase; how they are spread in the
    window is the jitter. If several frequencies fit, it is the lowest: ticks of 250 Hz lie in one window of
    1000 Hz as well.
F2  An interrupt keeps its CPU from the wakeup until the woken task runs, on an idle CPU: the lower
    quartile (`answers.py`).
F3  Preemption. A task that wakes its parent on its way out is preempted there only by a kernel that can be
    preempted (`answers.py`).
F4  Slices are scaled by the CPUs seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..limits import DEFAULT_HZ
from ..platform import NR_CPUS_MAX, Platform
from ..units import count_text, short_time
from .answers import Answers

__all__ = ["Inferred", "infer"]

FREQUENCIES = (100, 250, 300, 1000)
WINDOW_NS = 200_000
NEARLY = 0.75
"""A lower frequency is believed if it explains that part of what the best one does."""
NR_TICKS_MIN = 8
SIGMAS = 4
NR_QUANTILES = 64
PREEMPT_SAID = {"none": "none", "voluntary": "voluntary", "lazy": "voluntary", "full": "full", "rt": "full"}
"""What the kernel calls its modes. A lazy one switches at the return to user mode, as far as fair tasks go."""


@dataclass(frozen=True)
class Inferred:
    """What was found.

    Parameters
    ----------
    platform : Platform
    notes : tuple of str
        A sentence for each fact: what it is and how it is known.
    """

    platform: Platform
    notes: tuple[str, ...]

    def told(self, hz: int | None, preempt: str | None, nr_cpus: int | None) -> Inferred:
        """The same where the recording itself says more; None is not said."""
        cpus = min(nr_cpus, NR_CPUS_MAX) if nr_cpus else None  # slices have long stopped growing there
        platform = self.platform.changed(hz=hz, preempt=PREEMPT_SAID.get(preempt or ""), nr_cpus=cpus)
        facts = {"ticks a second": hz, "preemption": preempt, "CPUs": nr_cpus}
        said = [f"{name}: {value}, as the recording says" for name, value in facts.items() if value]
        return Inferred(platform, (*said, *self.notes) if said else self.notes)


@dataclass(frozen=True)
class _Ticks:
    hz: int
    begin_ns: int  # of the window, modulo a tick of the clock
    late_ns: tuple[int, ...]
    score: float  # what part of the charges is at ticks and not there by chance


def infer(charges: np.ndarray, start_ns: int, nr_cpus: int, answers: Answers) -> Inferred:
    """The platform that made a recording.

    Parameters
    ----------
    charges : numpy.ndarray
        Times of charges that came alone, ns of the recording's clock.
    start_ns : int
        Time 0 of the recording.
    nr_cpus : int
        CPUs that were seen.
    answers : Answers

    Returns
    -------
    Inferred
    """
    ticks = _ticks(charges)
    hz = ticks.hz if ticks else DEFAULT_HZ
    platform = Platform(
        hz=hz,
        preempt="full" if answers.is_preemptible else "none",
        tick_phase_ns=_phase(ticks.begin_ns - start_ns, hz) if ticks else 0,
        tick_jitter_ns=ticks.late_ns if ticks else (),
        wakeup_cost_ns=answers.wakeup_cost_ns or 0,
        nr_cpus=nr_cpus,
    )
    return Inferred(platform, _notes(platform, ticks is not None, answers))


def _ticks(charges: np.ndarray) -> _Ticks | None:
    if len(charges) < NR_TICKS_MIN:
        return None
    found = [ticks for hz in FREQUENCIES if (ticks := _best_window(charges, hz)) is not None]
    best = max((ticks.score for ticks in found), default=0)
    return next((ticks for ticks in found if ticks.score >= NEARLY * best), None)


def _best_window(charges: np.ndarray, hz: int) -> _Ticks | None:
    """The window that has most charges, if they are more than chance puts there."""
    tick_ns = 1_000_000_000 // hz
    number = charges * hz // 1_000_000_000
    phase = np.sort(charges - number * 1_000_000_000 // hz)
    around = np.concatenate([phase, phase + tick_ns])
    nr_in = np.searchsorted(around, phase + WINDOW_NS, "right") - np.arange(len(phase))
    first = int(nr_in.argmax())
    nr, chance = int(nr_in[first]), WINDOW_NS / tick_ns
    expected = chance * len(phase)
    if nr < expected + SIGMAS * expected**0.5 + NR_TICKS_MIN:
        return None
    late = around[first : first + nr] - phase[first]
    places = ((np.arange(NR_QUANTILES) + 0.5) / NR_QUANTILES * nr).astype(np.int64)
    score = (nr / len(phase) - chance) / (1 - chance)
    return _Ticks(hz, int(phase[first]), tuple(late[places].tolist()), score)


def _phase(begin_ns: int, hz: int) -> int:
    """When the first tick comes after time 0, of those at ``begin_ns + k * 10**9 // hz``.

    A tick of 300 Hz is no whole number of ns: after a day of uptime, rounded ones would be 9 ms off.
    """
    first = -(begin_ns * hz // 1_000_000_000)
    return (begin_ns + first * 1_000_000_000 // hz) % (1_000_000_000 // hz)


def _notes(platform: Platform, has_ticks: bool, answers: Answers) -> tuple[str, ...]:
    ticks = f"{platform.hz} ticks a second"
    if has_ticks:
        ticks += f", seen in the charges; they come up to {short_time(platform.tick_jitter_ns[-1])} late"
    else:
        ticks += ": nothing in the recording shows them"
    if answers.wakeup_cost_ns is None:
        cost = "what an interrupt costs is not known, and taken as nothing"
    else:
        cost = f"an interrupt that wakes a task takes {short_time(platform.wakeup_cost_ns)}, as seen"
    how = "taken, as too few exits show it" if answers.is_preemptible is None else "as seen at exits"
    cpus = f"slices for {count_text(platform.nr_cpus or 1, 'CPU')}, those seen"
    return ticks, f"preempt={platform.preempt}, {how}", cost, cpus
