"""Assignments: the users, groups and nice values that a recording does not hold, set by patterns of names.

What it decides: which tasks a pattern matches, and which nice values, policies, slices, users, groups and
shares they get. Each method returns a copy; the workload itself does not change.

A slice is what sched_setattr() sets: before time begins, or right after the fork of a forked task. A forked
task that is given none has its parent's, since fork copies it.

A group's name is its path from the root, ``"build"`` or ``"build/one"``, as written: with or without a slash
in front, but in one way throughout. Groups above it need not be named.

`Assignments` is a base class of `Workload`. It knows only the fields that it declares.

Rejected: functions over a workload (each docstring would exist twice, here and at the method of the same
name).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..errors import WorkloadError
from ..limits import NS_MAX, SHARES_RANGE
from .ops import TASK_LIMITS, Op, checked, policy_number
from .said import Said, fitted_to

if TYPE_CHECKING:
    from ..models.registry import Model

__all__ = ["IDLE", "Assignments", "groups_above"]

ROOT_USER_SHARES = 2048

IDLE = "idle"
"""In place of shares: the group is idle (cpu.idle), so its weight is the least there is."""

SLICE_RANGE = (1, NS_MAX)
"""Slices that may be asked for, ns; a model clamps them."""


class Assignments:
    """Copies of a workload with other users, groups or nice values; a base of `Workload`, which has the
    fields."""

    tasks: np.ndarray
    names: list[str]
    groups: list[str]
    shares: dict[str, int]
    slices: dict[int, int]
    idle_groups: set[str]
    said: Said
    ops: np.ndarray

    if TYPE_CHECKING:  # the subclass has them

        def copy(self) -> Self: ...
        def program(self, task: int) -> np.ndarray: ...

    def with_nice(self, nice: Mapping[str, int]) -> Self:
        """A copy in which some tasks have another nice value from beginning to end.

        Parameters
        ----------
        nice : mapping of str to int
            Pattern of names (as a shell's: ``"cc1"``, ``"kworker/*"``) to nice value, -20 ... 19. The first
            pattern that matches a task decides.

        Returns
        -------
        Workload
            If such a task sets its own nice value, it sets this one. A child is matched by its own name.

        Raises
        ------
        WorkloadError
            A pattern matches no task, or a value is out of its range.

        Examples
        --------
        The weight of nice 5 is 335 where that of nice 0 is 1024:

        >>> from cfs.workload import hogs
        >>> pair = hogs(1, duration_ns=10**10).merged(hogs(1, name="backup"))
        >>> pair.with_nice({"back*": 5}).run().stats()["share"].round(2).tolist()
        [0.75, 0.25]
        """
        values = [checked(f"nice of {name!r}", value, *TASK_LIMITS["nice"]) for name, value in nice.items()]
        which, new = self._fitting(list(nice)), self.copy()
        for task in np.flatnonzero(which >= 0).tolist():
            new.tasks["nice"][task] = values[which[task]]
            own = new.program(task)
            own["arg"][own["kind"] == Op.NICE] = values[which[task]]
        return new

    def with_policy(self, policies: Mapping[str, str]) -> Self:
        """A copy in which some tasks have another policy from beginning to end.

        Parameters
        ----------
        policies : mapping of str to {"normal", "batch", "idle"}
            Pattern of names to policy. The first pattern that matches a task decides; a child is matched by
            its own name.

        Returns
        -------
        Workload

        Raises
        ------
        WorkloadError
            A pattern matches no task, or there is no such policy.

        Examples
        --------
        The weight of an idle task is 3 in Linux 6.18, where that of nice 0 is 1024:

        >>> from cfs.workload import hogs
        >>> pair = hogs(1, duration_ns=10**10).merged(hogs(1, name="indexer"))
        >>> pair.with_policy({"indexer": "idle"}).run("linux-6.18-eevdf").stats()["share"].round(3).tolist()
        [0.997, 0.003]
        """
        numbers = [policy_number(value, f"policy of {pattern!r}") for pattern, value in policies.items()]
        values = np.array(numbers, np.int8)
        which, new = self._fitting(list(policies)), self.copy()
        chosen = which >= 0
        new.tasks["policy"][chosen] = values[which[chosen]]
        return new

    def with_slices(self, slices: Mapping[str, int]) -> Self:
        """A copy in which some tasks have asked for a slice of their own, as by sched_setattr().

        Parameters
        ----------
        slices : mapping of str to int
            Pattern of names to the slice, ns, which the model clamps (Linux 6.18: to 0.1 ... 100 ms). The
            first pattern that matches a task decides.

        Returns
        -------
        Workload
            To be run under a model with the option ``"slice"``. A forked task is given its slice right after
            the fork; one that no pattern fits has its parent's, as fork copies it. Tasks of policy idle keep
            the default slice, as in the kernel.

        Raises
        ------
        WorkloadError
            A pattern matches no task, or a slice is out of its range.

        Examples
        --------
        >>> from cfs.workload import hogs
        >>> pair = hogs(2, duration_ns=10**9)
        >>> for work in (pair, pair.with_slices({"hog*": 20_000_000})):
        ...     print(work.run("linux-6.18-eevdf").stats("comm")["run_length"]["p50_ns"])
        [1000000]
        [20000000]
        """
        values = [checked(f"slice of {name!r}", value, *SLICE_RANGE) for name, value in slices.items()]
        which, new = self._fitting(list(slices)), self.copy()
        for task in np.flatnonzero(which >= 0).tolist():
            new.slices[task] = values[which[task]]
        return new

    def with_uids(self, uids: Mapping[str, int | tuple[int, int]]) -> Self:
        """A copy in which some tasks belong to other users.

        Parameters
        ----------
        uids : mapping of str to int or (int, int)
            Pattern of names to uid, or to (uid, shares of that user). The first pattern that matches a task
            decides; all others keep their user, which is 0 in a recording's workload.

        Returns
        -------
        Workload
            Run it with ``group_by="uid"``. Under a model that knows only control groups, call
            `with_user_groups` and use ``group_by="cgroup"``.

        Raises
        ------
        WorkloadError
            A pattern matches no task, a number is out of its range, or a user is given two different shares.

        Examples
        --------
        One hog against nine, but each user gets half:

        >>> from cfs.workload import hogs
        >>> mine = hogs(1, name="mine", duration_ns=10**10).merged(hogs(9, name="theirs"))
        >>> result = mine.with_uids({"mine": 1000, "theirs": 1001}).run(group_by="uid")
        >>> result.stats("comm")["share"].round(2).tolist()
        [0.5, 0.5]
        """
        given = _with_shares(uids)
        numbers = [checked(f"uid of {name!r}", uid, *TASK_LIMITS["uid"]) for name, (uid, _) in given.items()]
        shares = _shares_of((f"uid:{uid}", shares) for uid, shares in given.values())
        which, new = self._fitting(list(given)), self.copy()
        chosen = which >= 0
        new.tasks["uid"][chosen] = np.array(numbers, np.int32)[which[chosen]]
        left = {f"uid:{uid}" for uid in np.setdiff1d(self.tasks["uid"], new.tasks["uid"]).tolist()}
        new.shares = {name: value for name, value in self.shares.items() if name not in left} | shares
        return new

    def with_groups(self, groups: Mapping[str, str | tuple[str, int | str]]) -> Self:
        """A copy in which some tasks are in other control groups.

        Parameters
        ----------
        groups : mapping of str to str or (str, int) or (str, "idle")
            Pattern of names to the name of a group, or to (name, shares of that group), or to (name,
            ``"idle"``): the group is idle (cpu.idle), in models that have such. ``"/"`` is the root group,
            ``"a/b"`` a group below the group ``"a"``, in models that nest. The first pattern that matches a
            task decides; all others stay where they are.

        Returns
        -------
        Workload
            To be run with ``group_by="cgroup"``.

        Raises
        ------
        WorkloadError
            A pattern matches no task, a name is empty, or shares are out of range, the root's, or contradict
            each other.

        Examples
        --------
        Three times the shares give three times the CPU, however many tasks there are:

        >>> from cfs.workload import hogs
        >>> mix = hogs(2, name="cc1", duration_ns=10**10).merged(hogs(1, name="player"))
        >>> result = mix.with_groups({"cc1": "build", "player": ("media", 3072)}).run(group_by="cgroup")
        >>> result.stats("comm")["share"].round(2).tolist()
        [0.75, 0.25]
        """
        given = _with_shares(groups)
        for name, own in given.values():
            _check_group_name(name)
            if name == "/" and own is not None:
                raise WorkloadError("the root group '/' has no shares to be set")
        which, new = self._fitting(list(given)), self.copy()
        new.groups = list(dict.fromkeys([*self.groups, *(name for name, _ in given.values())]))
        numbers = np.array([new.groups.index(name) for name, _ in given.values()], np.int32)
        chosen = which >= 0
        new.tasks["group"][chosen] = numbers[which[chosen]]
        new._weigh(given.values())
        return new

    def with_shares(self, shares: Mapping[str, int | str]) -> Self:
        """A copy in which some groups or users have other shares.

        Parameters
        ----------
        shares : mapping of str to int or "idle"
            Name of a group (also of one that has only groups below it), or ``"uid:1000"``, to its shares;
            ``"idle"`` makes a group idle (cpu.idle).

        Returns
        -------
        Workload

        Raises
        ------
        WorkloadError
            There is no such group or user, or shares are out of range.

        Examples
        --------
        >>> from cfs.workload import hogs
        >>> mix = hogs(2, name="cc1", duration_ns=10**10).merged(hogs(1, name="player"))
        >>> mix = mix.with_groups({"cc1": "work/build", "player": "media"}).with_shares({"work": 3072})
        >>> mix.run("linux-6.18-eevdf", group_by="cgroup").stats("group")["share"].round(2).tolist()
        [0.75, 0.25]
        """
        new = self.copy()
        for name in shares:
            if name == "/":
                raise WorkloadError("the root group '/' has no shares to be set")
            self._require_owner(name, "shares")
        new._weigh(shares.items())
        return new

    def _weigh(self, given: Iterable[tuple[str, Any]]) -> None:
        """Write shares, or that a group is idle; what is written later counts."""
        pairs = [(name, own) for name, own in given if own is not None]
        idle = {name for name, own in pairs if own == IDLE}
        shares = _shares_of((name, own) for name, own in pairs if own != IDLE)
        for name in sorted(idle):
            if name in shares:
                what = f"{name!r} is given {shares[name]} shares and is idle"
                raise WorkloadError(f"{what}: idle groups have none")
            if name.startswith("uid:"):
                raise WorkloadError(f"{name!r} is a user, and only control groups can be idle")
        self.idle_groups = (self.idle_groups - set(shares)) | idle
        self.shares = {name: value for name, value in self.shares.items() if name not in idle} | shares

    def _require_owner(self, name: str, what: str) -> None:
        """Raise unless `name` is a group, one above a group, or a user that some task is of."""
        known = {name for group in self.groups for name in (*groups_above(group), group)} - {"/"}
        known |= {f"uid:{uid}" for uid in np.unique(self.tasks["uid"]).tolist()}
        if name not in known:
            there = ", ".join(map(repr, sorted(known)))
            raise WorkloadError(f"{what} of {name!r}: there is no such group or user; there are {there}")

    def with_user_groups(self) -> Self:
        """A copy in which each user is a control group: fairness among users for models without it.

        Returns
        -------
        Workload
            Groups are called ``"uid:0"``, ``"uid:1000"``, as in a result by uid. They keep the users' shares:
            those given, else 2048 for user 0 (as in Linux 2.6.24) and 1024 for others. The earlier groups are
            gone.

        Examples
        --------
        >>> from cfs.workload import hogs
        >>> mine = hogs(1, name="mine", duration_ns=10**10).merged(hogs(9, name="theirs"))
        >>> mine = mine.with_uids({"mine": 1000, "theirs": 1001}).with_user_groups()
        >>> mine.run("linux-6.18-eevdf", group_by="cgroup").stats("group")["share"].round(2).tolist()
        [0.5, 0.5]
        """
        new = self.copy()
        users, which = np.unique(self.tasks["uid"], return_inverse=True)
        new.groups = ["/", *(f"uid:{uid}" for uid in users.tolist())]
        new.tasks["group"] = which + 1
        new.shares = {name: shares for name, shares in self.shares.items() if name.startswith("uid:")}
        new.idle_groups = set()
        if 0 in users:
            new.shares.setdefault("uid:0", ROOT_USER_SHARES)
        return new

    def for_model(self, model: Model, group_by: str | None) -> tuple[Self, str | None]:
        """The workload and the grouping with which a model comes closest to the fairness asked for.

        Parameters
        ----------
        model : Model
        group_by : {None, "uid", "cgroup"}
            What is asked. None: what the workload's source says (`said`), as far as the model knows that.

        Returns
        -------
        Workload
            This one, or `with_user_groups` if you ask for users and the model knows only control groups;
            without what `said` states and the model does not know.
        str or None
            The `group_by` to give to `Simulation`: what you asked for, unless users became groups. This
            function does not check whether the model knows it.

        Examples
        --------
        >>> import cfs
        >>> from cfs.workload import hogs
        >>> mine = hogs(1, name="mine", uid=1000).merged(hogs(9, name="theirs", uid=1001))
        >>> work, way = mine.for_model(cfs.MODELS["linux-6.18-eevdf"], "uid")
        >>> work.groups, way
        (['/', 'uid:1000', 'uid:1001'], 'cgroup')
        """
        group_by = group_by or self.said.grouping(model)
        if group_by != "uid" or "uid" in model.group_by or "cgroup" not in model.group_by:
            return fitted_to(self, model), group_by
        return fitted_to(self.with_user_groups(), model), "cgroup"

    def _fitting(self, patterns: list[str]) -> np.ndarray:
        """For each task, the number of the first pattern that matches its name; -1: none."""
        used = np.unique(self.tasks["name"]).tolist()
        first = np.full(len(self.names), -1, np.int64)
        for number in reversed(range(len(patterns))):
            fitting = [name for name in used if fnmatchcase(self.names[name], patterns[number])]
            if not fitting:
                known = ", ".join(repr(self.names[name]) for name in used[:8])
                more = ", ..." if len(used) > 8 else ""
                raise WorkloadError(f"no task has a name like {patterns[number]!r}; there are {known}{more}")
            first[fitting] = number
        return first[self.tasks["name"]]


def _with_shares(given: Mapping[str, Any]) -> dict[str, tuple[Any, int | None]]:
    """Each value as a pair with shares, None where none are given."""
    return {name: value if isinstance(value, tuple) else (value, None) for name, value in given.items()}


def _shares_of(given: Iterable[tuple[str, int | None]]) -> dict[str, int]:
    """Shares by name of group or user; those that are None are not given."""
    found: dict[str, int] = {}
    for name, shares in given:
        if shares is None:
            continue
        shares = checked(f"shares of {name!r}", shares, *SHARES_RANGE)
        if found.setdefault(name, shares) != shares:
            raise WorkloadError(f"{name!r} is given {found[name]} shares and {shares} shares")
    return found


def groups_above(name: str) -> list[str]:
    """The groups between the root and this one: ``"a/b/c"`` has ``["a", "a/b"]`` above it."""
    return [name[:at] for at in range(1, len(name)) if name[at] == "/"]


def _check_group_name(name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise WorkloadError(f"the name of a group is a string that is not empty, not {name!r}")
    if name != "/" and not all(name.removeprefix("/").split("/")):
        raise WorkloadError(f"{name!r} is no path of groups: write 'a/b', without '/' at its end or twice")
