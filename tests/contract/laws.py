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


LAWS = {
    "linux-2.6.24-cfs": Laws(
        key=lambda entity, queue: signed(entity["vruntime"] - queue["min_vruntime"]),
        turn_ns=turn_of_cfs_2_6_24,
    ),
}
