"""What each model promises: the numbers by which the contract's tests judge it.

A new model adds one entry here, and every test of the folder has one column more. The bounds are derived
from the model's own constants, by hand, as said beside each; none was read off a run.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.builders import MS, signed


@dataclass(frozen=True)
class Laws:
    """The promises of one model, with its default tunables on one CPU.

    Parameters
    ----------
    key : callable
        (fields of an entity, fields of its queue) -> number; whoever has the smallest is picked. None: the
        model does not order its queue by one number.
    turn_ns : callable
        (entities in the queue, all of equal weight; tick) -> the longest turn while others wait.
    """

    key: Callable[[dict, dict], int] | None
    turn_ns: Callable[[int, int], int]


def turn_of_cfs_2_6_24(nr, tick_ns):
    """A slice (20 ms / nr, for more than 5 entities 4 ms), and the one tick that finds it used up (spec
    4.3, 5.10).
    """
    return max(20 * MS // nr, 4 * MS) + tick_ns


def turn_of_cfs_2_6_23(nr, tick_ns):
    """
    A turn ends at the first tick that finds it longer than the ideal (20 ms / nr, at least 2 ms) and the
    runner's key behind another's (spec 5.8, 5.9). Its lead at the start is at most half a latency, the debit
    of the second fork, and what another ran beyond it in a turn of its own: an ideal and a tick.
    """
    ideal = max(20 * MS // nr, 2 * MS)
    return 10 * MS + ideal + 2 * tick_ns


def turn_of_o1(nr, tick_ns):
    """The largest first slice: idle's 1000 ticks of 1 ms are halved by the first fork, its child's by the
    second.
    """
    return 250 * MS


def turn_of_rfs(nr, tick_ns):
    """
    A turn of d from n = A - x ends when d * (1 - 1 / nr) > slice + x. From equal n the last one of the first
    round has the greatest x, and runs (nr / (nr - 1)) ** nr slices: 4 for two, less for more. A tick late
    makes a slice a tick longer.
    """
    return 4 * (4 * MS + tick_ns)


def turn_of_eevdf_6_18(nr, tick_ns):
    """Until its lag is used up, and the one tick that finds it so.

    Nobody is owed more than one request, which ends at a tick: 0.7 ms and a tick. While an entity runs beside
    nr - 1 equals, its lag falls by (nr - 1) / nr of the time (spec 4.5, 6.1).
    """
    return (7 * MS // 10 + tick_ns) * nr // max(nr - 1, 1) + tick_ns


EEVDF = Laws(
    key=None,  # eligibility first, then the deadline
    turn_ns=turn_of_eevdf_6_18,
)
"""What changed from 6.18.2 to 6.18.44 makes no turn longer: a lag limit, and who may preempt."""

LAWS = {
    "linux-2.6.24-cfs": Laws(
        key=lambda entity, queue: signed(entity["vruntime"] - queue["min_vruntime"]),
        turn_ns=turn_of_cfs_2_6_24,
    ),
    "linux-2.6.23-cfs": Laws(
        key=lambda entity, queue: signed(entity["fair_key"] - queue["fair_clock"]),
        turn_ns=turn_of_cfs_2_6_23,
    ),
    "linux-2.6.22-o1": Laws(key=None, turn_ns=turn_of_o1),
    "rfs-model": Laws(
        key=lambda entity, queue: signed(entity["vruntime"] - queue["base"]),
        turn_ns=turn_of_rfs,
    ),
    "linux-6.18-eevdf": EEVDF,
    "linux-6.18.26-eevdf": EEVDF,
    "linux-6.18.44-eevdf": EEVDF,
}
