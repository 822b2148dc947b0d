"""A Scheduler and its plain-Python twin, side by side: one operation for both, then every number compared.

An operation is a line of a conformance trace without its state: {"t": ..., "op": "wake", "task": 3}. What
differs is told as `{name: (twin, core)}`; `shortened` makes a failing list of operations short enough to
read.
"""

from dataclasses import asdict

import cfs
from tests.oracle import fair_2_6_24 as fair

GROUP_BY = {"none": None, "uid": "uid", "cgroup": "cgroup"}


class Twins:
    """A fresh pair."""

    def __init__(self, groups, tunables=None):
        tunables = tunables or fair.Tunables()
        self.twin = fair.Machine(groups, tunables)
        written = asdict(tunables)
        root_shares = written.pop("init_task_group_load")
        self.core = cfs.Scheduler(
            "linux-2.6.24-cfs",
            group_by=GROUP_BY[groups],
            root_shares=root_shares if self.has_groups else None,
            **written,
        )
        self.tasks = {}  # number in the trace -> Task
        self.twin_resched = False

    @property
    def has_groups(self):
        return bool(self.twin.groups)

    # -- one operation for both --

    def apply(self, op):
        self.twin_resched = self.twin.apply(op)
        self.apply_to_core(op)

    def apply_to_core(self, op):
        arguments = {name: value for name, value in op.items() if name not in ("t", "op")}
        getattr(self, f"core_{op['op']}")(now_ns=op["t"], **arguments)

    def group_argument(self, group):
        if self.core.group_by == "uid":
            return {"uid": int(group.removeprefix("uid:"))}
        return {"group": group} if self.has_groups else {}

    def core_fork(self, task, group, nice, policy, now_ns, parent=None):
        where = self.group_argument(group)
        self.tasks[task] = self.core.fork(now_ns=now_ns, name=str(task), nice=nice, policy=policy, **where)

    def core_wake(self, task, now_ns):
        self.core.wake(self.tasks[task], now_ns=now_ns)

    def core_block(self, now_ns):
        self.core.block(now_ns=now_ns)

    def core_exit(self, now_ns):
        gone = self.core.current
        self.core.exit(now_ns=now_ns)
        del self.tasks[int(gone.name)]

    def core_yield(self, now_ns):
        self.core.yield_(now_ns=now_ns)

    def core_tick(self, now_ns):
        self.core.tick(now_ns=now_ns)

    def core_nice(self, task, nice, now_ns):
        self.core.set_nice(self.tasks[task], nice, now_ns=now_ns)

    def core_policy(self, task, policy, now_ns):
        self.core.set_policy(self.tasks[task], policy, now_ns=now_ns)

    def core_move(self, task, group, now_ns):
        self.core.move(self.tasks[task], now_ns=now_ns, **self.group_argument(group))

    def core_group(self, group, shares, now_ns, parent="/"):
        if self.core.group_by == "uid":
            self.core.create_user(int(group.removeprefix("uid:")), shares=shares, now_ns=now_ns)
        else:
            self.core.create_group(group, shares=shares, now_ns=now_ns)

    def core_shares(self, group, shares, now_ns):
        self.core.set_shares(group, shares, now_ns=now_ns)

    # -- what the two look like --

    def twin_state(self):
        twin = self.twin
        entities = [*twin.tasks.values(), *twin.groups.values()]
        return {
            "resched": self.twin_resched,
            "cpu": [twin.clock, twin.nr_running, twin.load_weight, twin.nr_switches],
            "curr": twin.curr.number,
            "states": {str(number): twin_task_state(twin, task) for number, task in twin.tasks.items()},
            "queues": {
                name: [q.min_vruntime, q.load_weight, q.nr_running] for name, q in twin.queues().items()
            },
            "trees": {name: [entity.name for entity in q.tree] for name, q in twin.queues().items()},
            "entities": {entity.name: twin_entity(entity) for entity in entities},
        }

    def core_state(self):
        core = self.core
        current = core.current
        queues = {"top": None, **{name: name for name in core.groups}} if self.has_groups else {"/": None}
        entities = {task.name: task for task in core.tasks} | dict(core.groups)
        return {
            "resched": core.resched,
            "cpu": list(core.cpu_fields().values()),
            "curr": 0 if current is None else int(current.name),
            "states": {task.name: (task.state, task.nice, task.policy) for task in core.tasks},
            "queues": {name: list(core.queue_fields(group).values()) for name, group in queues.items()},
            "trees": {name: [entity.name for entity in core.queue(group)] for name, group in queues.items()},
            "entities": {name: core_entity(entity) for name, entity in entities.items()},
        }

    def differences(self):
        """{name: (twin, core)} of whatever is not equal."""
        twin, core = self.twin_state(), self.core_state()
        return {key: (twin[key], core[key]) for key in twin if twin[key] != core[key]}

    # -- is there anything to compare? --

    def is_possible(self, op):
        """Do both define this operation in the present state?"""
        twin, kind = self.twin, op["op"]
        if op["t"] < twin.now:
            return False
        if kind in ("block", "exit", "yield"):
            return twin.curr is not twin.idle
        if "task" in op and (op["task"] in twin.tasks) == (kind == "fork"):
            return False
        if "group" in op and self.has_groups:
            return (op["group"] in twin.groups) == (kind != "group")
        return True

    def is_sane(self):
        """No virtual time is so far from its floor that its order is undefined."""
        return all(fair.queue_is_sane(queue) for queue in self.twin.queues().values())


def twin_task_state(twin, task):
    state = "running" if task is twin.curr else {"running": "runnable"}.get(task.state, task.state)
    return state, task.nice, task.policy


def twin_entity(entity):
    return {
        "vruntime": entity.vruntime,
        "sum_exec_runtime": entity.sum_exec_runtime,
        "on_rq": int(entity.on_rq),
        "load_weight": entity.load.weight,
        "inv_weight": entity.load.inverse(),
        "exec_start": entity.exec_start,
        "prev_sum_exec_runtime": entity.prev_sum_exec_runtime,
    }


def core_entity(entity):
    return entity.fields()


# ---- Shortening ----------------------------------------------------------------------------------


def first_difference(groups, tunables, ops):
    """(number of operations done, what differs) of the first difference, or None. What is impossible is
    left out.
    """
    twins = Twins(groups, tunables)
    for number, op in enumerate(ops, 1):
        if twins.is_possible(op):
            try:
                twins.apply(op)
            except ZeroDivisionError:
                return None  # undefined: the twin divides as the kernel does
            if not twins.is_sane():
                return None
            if twins.differences():
                return number, twins.differences()
    return None


def shortened(groups, tunables, ops):
    """A list from which no single operation can be left out any more: it still makes the two differ."""
    found = first_difference(groups, tunables, ops)
    ops = ops[: found[0]]
    size = len(ops) // 2
    while size >= 1:
        start = 0
        while start < len(ops):
            fewer = ops[:start] + ops[start + size :]
            if first_difference(groups, tunables, fewer):
                ops = fewer
            else:
                start += size
        size //= 2
    return ops


def report(seed, groups, tunables, ops):
    """What a person needs to see of a failure: seed, settings, the short list, the difference."""
    short = shortened(groups, tunables, ops)
    lines = [f"seed {seed}, groups {groups}, {tunables}", *map(str, short)]
    lines += [
        f"{key}: twin {twin}, core {core}"
        for key, (twin, core) in first_difference(groups, tunables, short)[1].items()
    ]
    return "\n".join(lines)
