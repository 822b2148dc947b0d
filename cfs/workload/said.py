"""What a workload's source says about the machine it comes from, and what a model can make of that.

What it decides: what becomes of facts that a model does not know. A recording made by `cfs record` says in
which groups its tasks were, which slices they had, how long a tick was and what the tunables were. These are
defaults: what the user tells is applied over them and counts. A model that has no such thing (nested groups
in 2.6.24, slices in O(1)) runs without it, and `lost_in` says so. What the *user* tells a model that does not
know it is an error, as ever.

    Surroundings (recordings) -> Said (here, of the tasks of one workload) -> Workload.for_model, Workload.run

Rejected: to apply the facts as if the user had told them (a file would then stop a comparison of models that
differ in what they know).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import TunableError
from ..limits import POLICIES
from ..units import clean, count_text, listed

if TYPE_CHECKING:
    from ..models.model import Model
    from ..models.tunables import Tunables

__all__ = ["Said", "fitted_to", "lost_in"]

LEAST_SHARES = 2
"""What an idle group has in a model without idle groups."""


@dataclass(frozen=True)
class Said:
    """Defaults of a workload that its source states; empty if it states none.

    Parameters
    ----------
    group_by : {None, "uid", "cgroup"}
        Among whom the kernel was fair.
    groups, idle_groups : frozenset of str
        Groups of which the source says who is in them, and those that are idle.
    slices : mapping of int to int
        Slices of their own, ns, by row.
    policies : frozenset of str
        Policies that some tasks have.
    nr_cpus : int
        CPUs of the machine, by which its tunables were scaled; 0: not known.
    tunables : mapping of str to int or bool
        Tunables and feature bits by the kernel's names.
    """

    group_by: str | None = None
    groups: frozenset[str] = frozenset()
    idle_groups: frozenset[str] = frozenset()
    slices: Mapping[int, int] = field(default_factory=dict)
    policies: frozenset[str] = frozenset()
    nr_cpus: int = 0
    tunables: Mapping[str, int | bool] = field(default_factory=dict)

    def grouping(self, model: Model) -> str | None:
        """The grouping with which a model comes closest to the kernel's; None: fair among tasks."""
        if self.group_by in model.group_by:
            return self.group_by
        return "uid" if self.group_by == "uid" and "cgroup" in model.group_by else None

    def tunables_of(
        self, model: Model, simulated: int, given: Mapping[str, int | bool] | None = None
    ) -> dict[str, int | bool]:
        """The tunables of a model that the source states, for a machine of which some CPUs are simulated.

        Parameters
        ----------
        model : Model
        simulated : int
            CPUs that the simulation has.
        given : mapping, optional
            What the user writes. It counts, also over what follows from it.

        Returns
        -------
        dict
            To be written beside `given`. Values outside of a model's ranges are left out.
        """
        tunables, nr_cpus = model.tunables, self.nr_cpus or simulated
        known = tunables.names()
        given = {name: value for name, value in (given or {}).items() if name in known}
        stated = {name: value for name, value in self.tunables.items() if name in known}
        if not stated and nr_cpus == simulated:
            return {}
        try:
            booted = tunables.at_boot(simulated, **given)
            scaled = _difference(tunables.at_boot(nr_cpus, **given), booted)
        except TunableError:
            return {}  # the simulation refuses it, with the name of the model
        follows = _difference(booted, tunables.at_boot(simulated))
        stated = {name: value for name, value in (scaled | stated).items() if name not in follows | given}
        return {name: value for name, value in stated.items() if _is_allowed(tunables, name, value)}


def _difference(one: Tunables, two: Tunables) -> dict[str, int | bool]:
    before = two.as_dict()
    return {name: value for name, value in one.as_dict().items() if value != before[name]}


def _is_allowed(tunables: type[Tunables], name: str, value: int | bool) -> bool:
    try:
        tunables.at_boot(**{name: value})
    except TunableError:
        return False
    return True


# ------------------------------------------------------------------------------- what a model does not know


def fitted_to(work: Any, model: Model) -> Any:
    """A copy of a workload without what its source says and the model does not know; itself if it knows all."""
    flat, idle, slices, policies = unknown = _unknown_to(model, work)
    if not any(unknown):
        return work
    new = work.copy()
    new.idle_groups -= idle
    new.shares |= dict.fromkeys(idle, LEAST_SHARES)
    for row in slices:
        del new.slices[row]
    _make_normal(new, policies)
    _move_up(new, flat)
    return new


def _unknown_to(
    model: Model, work: Any
) -> tuple[dict[str, str], set[str], dict[int, int], frozenset[str]]:
    """Of what the source says: groups that are too deep, idle groups, slices and policies that it does not know."""
    said: Said = work.said
    idle = set() if "group idle" in model.options else set(work.idle_groups & said.idle_groups)
    slices = {} if "slice" in model.options else _own_slices(work, said)
    return _flattened(work, said, model), idle, slices, said.policies - set(model.policies)


def _own_slices(work: Any, said: Said) -> dict[int, int]:
    return {row: ns for row, ns in work.slices.items() if said.slices.get(row) == ns}


def _flattened(work: Any, said: Said, model: Model) -> dict[str, str]:
    """Of each group that is too deep for the model the one above it that is not."""
    if model.group_levels is None or "cgroup" not in model.group_by:
        return {}
    return {
        name: above
        for name in work.groups
        if name in said.groups and (above := _at_level(name, model.group_levels)) != name
    }


def _at_level(name: str, levels: int) -> str:
    """``"/a/b/c"`` at level 1 is ``"/a"``."""
    lead = "/" if name.startswith("/") else ""
    return lead + "/".join(name.removeprefix("/").split("/")[: max(levels, 1)])


def _make_normal(work: Any, policies: frozenset[str]) -> None:
    for policy in policies:
        work.tasks["policy"][work.tasks["policy"] == POLICIES.index(policy)] = 0


def _move_up(work: Any, flat: Mapping[str, str]) -> None:
    """Tasks of groups that are too deep move up; shares and idleness of what is gone go with it."""
    if not flat:
        return
    names = [flat.get(name, name) for name in work.groups]
    groups = list(dict.fromkeys(names))
    number = [groups.index(name) for name in names]
    work.tasks["group"] = [number[group] for group in work.tasks["group"].tolist()]
    work.groups = groups
    gone = {path for name, above in flat.items() for path in (name, *_between(above, name))}
    work.shares = {name: value for name, value in work.shares.items() if name not in gone}
    work.idle_groups -= gone


def _between(above: str, name: str) -> list[str]:
    """Groups below `above` on the way to `name`."""
    return [name[:at] for at in range(len(above) + 1, len(name)) if name[at] == "/"]


def lost_in(work: Any, model: Model) -> list[str]:
    """What the source says and the model does not know, a sentence each; for the head of tables."""
    flat, idle, slices, policies = _unknown_to(model, work)
    lines = []
    if work.said.grouping(model) is None:
        flat, idle = {}, set()
    if flat:
        lines.append(f"has {count_text(model.group_levels or 1, 'level')} of groups: {_moved(flat)}")
    if idle:
        lines.append(f"has no idle groups: {listed(sorted(idle))} has {LEAST_SHARES} shares")
    if slices:
        lines.append(f"has no slices of tasks' own: those of {count_text(len(slices), 'task')} are left out")
    lines += [f"has no policy {policy}: such tasks are normal" for policy in sorted(policies)]
    return [f"{model.id} {line}" for line in lines]


def _moved(flat: Mapping[str, str]) -> str:
    name, above = next(iter(flat.items()))
    more = f", {len(flat) - 1} more likewise" if len(flat) > 1 else ""
    return f"tasks of {clean(name)} are in {clean(above)}{more}"
