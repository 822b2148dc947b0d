"""Handles: what a Python program holds of a task or a group, as long as it likes.

What it decides: how long a handle is valid. The C struct holds its handle, borrowed, and the handle holds the
struct; both are let go together. A handle writes nothing itself: setting `task.nice` calls `set_nice` of its
`Scheduler`.

Invariants:
    I1  a handle keeps its Scheduler alive
    I2  a handle's pointer is NULL from the moment its task or group is gone; there is at most one handle a
        task

Rejected: ids in place of handles (a stale id could mean another task).
"""

from collections.abc import Mapping

import cython

from .._core cimport free_task
from .._group cimport free_group
from .._types cimport GROUP_BY_UID, SCHED_NORMAL, rq, sched_class
from ._border cimport field_named, read_fields

from ..errors import GroupError, ModelError, StateError
from ..limits import POLICIES
from ._border import STATES

# -------------------------------------------------------------------------- how handles are made and released


cdef Task handle_of(Machine owner, task *p):
    cdef Task handle
    if p.handle != NULL:
        return <Task>p.handle
    handle = Task.__new__(Task)
    handle.sched = owner
    handle.id = p.id
    handle.name = owner.name_of(p)
    handle.p = p
    p.handle = <void *>handle
    return handle


cdef TaskGroup group_handle_of(Machine owner, task_group *tg):
    cdef TaskGroup handle
    if tg.handle != NULL:
        return <TaskGroup>tg.handle
    handle = User.__new__(User) if owner.m.group_by == GROUP_BY_UID else TaskGroup.__new__(TaskGroup)
    handle.sched = owner
    handle.name = owner.group_names[tg.id]
    handle.tg = tg
    tg.handle = <void *>handle
    return handle


cdef int release_task(Machine owner, task *p) except -1:
    # a dead task: its handle keeps what it may still be asked, then the memory goes
    cdef Task handle
    if p.handle != NULL:
        handle = <Task>p.handle
        handle._sum_exec_ns = handle.entity_field(b"sum_exec_runtime")
        handle._exited_ns = owner.now
        handle.p = NULL
    if owner.names:
        owner.names.pop(p.id, None)
    free_task(p)
    return 0


cdef int release_group(Machine owner, task_group *tg) except -1:
    if tg.handle != NULL:
        (<TaskGroup>tg.handle).tg = NULL
    del owner.group_addresses[owner.group_names.pop(tg.id)]
    free_group(tg)
    return 0



@cython.no_gc_clear
@cython.final
cdef class Task:
    """A task of a `Scheduler`: what it is, and how it stands. Made by `Scheduler.fork`.

    A handle outlives its task. After the exit `id`, `name`, `state`, `sum_exec_ns` and `exited_ns` still
    answer; all else raises `StateError`. Quantities have the kernel's names; virtual times are virtual ns
    modulo 2**64.

    Attributes
    ----------
    id : int
        1, 2, ... in order of creation, never used again.
    name : str
        As given to `fork`, or ``"task-ID"``.

    Examples
    --------
    >>> import cfs
    >>> sched = cfs.Scheduler()
    >>> task = sched.fork(name="cc1", nice=5, now_ns=0)
    >>> task.nice, task.weight, task.state
    (5, 335, 'running')
    >>> sched.exit(now_ns=3_000_000)
    True
    >>> task
    <Task 1 'cc1' dead, ran 3000000 ns>
    """

    def __init__(self):
        raise TypeError("a Task is made by Scheduler.fork")

    def __dealloc__(self):
        if self.p != NULL:
            self.p.handle = NULL

    cdef task *living(self) except NULL:
        if self.p == NULL:
            raise StateError(f"{self!r} has exited")
        return self.p

    cdef object entity_field(self, const char *name):
        cdef const sched_class *cls = self.living().sched_class
        return field_named(cls.entity_fields, cls.task_entity(self.p), name, self.sched.model)

    @property
    def scheduler(self):
        """The `Scheduler` that it belongs to."""
        return self.sched

    @property
    def state(self):
        """"running", "runnable" (waits for its CPU), "blocked" or "dead"."""
        if self.p == NULL:
            return "dead"
        if self.p == self.p.rq.curr:
            return "running"
        return STATES[self.p.state]

    @property
    def nice(self):
        """Nice value, -20 ... 19. Writing it renices the task at the time of the last event."""
        return self.living().nice

    @nice.setter
    def nice(self, value):
        self.living()
        self.sched.set_nice(self, value)

    @property
    def policy(self):
        """"normal", "batch" or "idle". Writing it changes it at the time of the last event."""
        return POLICIES[self.living().policy]

    @policy.setter
    def policy(self, value):
        self.living()
        self.sched.set_policy(self, value)

    @property
    def prio(self):
        """120 + nice; in O(1) corrected by how much the task sleeps."""
        return self.living().prio

    @property
    def cpu(self):
        """CPU that it is on, or was on last."""
        return self.living().rq.cpu

    @property
    def group(self):
        """Its `TaskGroup` or `User`, or None without groups."""
        cdef task *p = self.living()
        return None if p.group == NULL else group_handle_of(self.sched, p.group)

    @property
    def uid(self):
        """Its uid with ``group_by="uid"``, otherwise None."""
        cdef task *p = self.living()
        if p.group == NULL or p.group.uid < 0 or self.sched.m.group_by != GROUP_BY_UID:
            return None
        return p.group.uid

    @property
    def vruntime(self):
        """Virtual run time, virtual ns modulo 2**64: the key of the runqueue."""
        return self.entity_field(b"vruntime")

    @property
    def deadline(self):
        """Virtual deadline of its request, virtual ns modulo 2**64, in models that have one."""
        return self.entity_field(b"deadline")

    @property
    def vlag(self):
        """Lag saved when it left its queue, virtual ns; of a task that has run since: its protection limit.
        """
        return self.entity_field(b"vlag")

    @property
    def sum_exec_ns(self):
        """CPU time received, up to the last charge, ns."""
        return self._sum_exec_ns if self.p == NULL else self.entity_field(b"sum_exec_runtime")

    @property
    def exited_ns(self):
        """Time of its exit, ns since the start; None while it lives."""
        return self._exited_ns

    @property
    def weight(self):
        """Load weight: 1024 at nice 0."""
        return self.entity_field(b"load_weight")

    @property
    def on_rq(self):
        """Is it counted on its queue, running or waiting?"""
        return bool(self.entity_field(b"on_rq"))

    @property
    def slice_ns(self):
        """Length of a turn, ns: period * weight / load in its queue as it is (0 if that is empty), or its
        request.

        Writing it gives the task a slice of its own, in models with the option ``"slice"``.
        """
        cdef const sched_class *cls = self.living().sched_class
        if cls.slice_of == NULL:
            raise ModelError(f"{self.sched.model.id} has no slice")
        return cls.slice_of(cls.task_entity(self.p))

    @slice_ns.setter
    def slice_ns(self, value):
        self.living()
        self.sched.set_slice(self, value)

    @property
    def vslice(self):
        """Virtual slice of its queue as it is: period * 1024 / load, virtual ns. 0 in an empty queue."""
        cdef const sched_class *cls = self.living().sched_class
        if cls.vslice_of == NULL:
            raise ModelError(f"{self.sched.model.id} has no vslice")
        return cls.vslice_of(cls.task_entity(self.p))

    def fields(self):
        """Every quantity of its entity by its kernel name (dict of str to int)."""
        cdef const sched_class *cls = self.living().sched_class
        return read_fields(cls.entity_fields, cls.task_entity(self.p))

    def __reduce__(self):
        raise TypeError("a Task cannot be pickled: it belongs to its Scheduler")

    def __repr__(self):
        if self.p == NULL:
            return f"<Task {self.id} {self.name!r} dead, ran {self._sum_exec_ns} ns>"
        policy = "" if self.p.policy == SCHED_NORMAL else f" {POLICIES[self.p.policy]}"
        group = "" if self.p.group == NULL else f" in {self.group.name!r}"
        what = f"{self.id} {self.name!r} {self.state}, nice {self.nice}{policy}{group}"
        return f"<Task {what}, ran {self.sum_exec_ns} ns>"

# ----------------------------------------------------------------------------------------- TaskGroup and User


@cython.no_gc_clear
cdef class TaskGroup:
    """A group of tasks that share one weight. Made by `Scheduler.create_group`.

    Attributes
    ----------
    name : str
        Its name; ``"uid:1000"`` for a user.

    Examples
    --------
    >>> import cfs
    >>> sched = cfs.Scheduler(group_by="cgroup")
    >>> batch = sched.create_group("batch", shares=512)
    >>> task = sched.fork(group=batch, now_ns=0)
    >>> batch.shares, batch.nr_running, batch.tasks == [task]
    (512, 1, True)
    """

    def __init__(self):
        raise TypeError("a group is made by Scheduler.create_group or create_user")

    def __dealloc__(self):
        if self.tg != NULL:
            self.tg.handle = NULL

    cdef task_group *living(self) except NULL:
        if self.tg == NULL:
            raise GroupError(f"{self!r} has been removed")
        return self.tg

    cdef object entity_field(self, const char *name, int32_t cpu):
        cdef const sched_class *cls = self.living().machine.sched_class
        return field_named(cls.entity_fields, cls.group_entity(self.tg, cpu), name, self.sched.model)

    @property
    def scheduler(self):
        """The `Scheduler` that it belongs to."""
        return self.sched

    @property
    def shares(self):
        """Weight on each CPU. Writing it changes it at the time of the last event; less than 2 becomes 2."""
        return self.living().shares

    @shares.setter
    def shares(self, value):
        self.living()
        self.sched.set_shares(self, value)

    @property
    def idle(self):
        """cpu.idle, in models that have it. Writing it changes it at the time of the last event."""
        return bool(self.living().idle)

    @idle.setter
    def idle(self, value):
        self.living()
        self.sched.set_group_idle(self, value)

    @property
    def parent(self):
        """The group above, or None for the root group."""
        cdef task_group *tg = self.living()
        return None if tg.parent == NULL else group_handle_of(self.sched, tg.parent)

    @property
    def vruntime(self):
        """Virtual run time of the group on CPU 0, virtual ns modulo 2**64."""
        return self.entity_field(b"vruntime", 0)

    @property
    def sum_exec_ns(self):
        """CPU time received by the group on all CPUs, up to the last charge of its entity, ns."""
        self.living()
        return sum(self.entity_field(b"sum_exec_runtime", cpu) for cpu in range(self.sched.m.nr_cpus))

    @property
    def min_vruntime(self):
        """Floor of the group's queue on CPU 0, virtual ns modulo 2**64."""
        return self.queue_fields()["min_vruntime"]

    @property
    def nr_running(self):
        """Runnable tasks of the group on all CPUs."""
        self.living()
        return sum(self.queue_fields(cpu)["nr_running"] for cpu in range(self.sched.m.nr_cpus))

    @property
    def tasks(self):
        """Its living tasks, in order of creation (list)."""
        self.living()
        return [task for task in self.sched.tasks if (<Task>task).p.group == self.tg]

    def queue(self, cpu=0):
        """Who of the group waits on this CPU, leftmost first (list of Task)."""
        self.living()
        return self.sched.queue(self, cpu)

    def fields(self, cpu=0):
        """Every quantity of its entity on this CPU by its kernel name (dict of str to int)."""
        cdef const sched_class *cls = self.living().machine.sched_class
        cdef rq *rq = self.sched.rq_of(cpu)
        return read_fields(cls.entity_fields, cls.group_entity(self.tg, rq.cpu))

    def queue_fields(self, cpu=0):
        """Every quantity of its queue on this CPU by its kernel name (dict of str to int)."""
        self.living()
        return self.sched.queue_fields(self, cpu)

    def __reduce__(self):
        raise TypeError("a group cannot be pickled: it belongs to its Scheduler")

    def __repr__(self):
        if self.tg == NULL:
            return f"<{type(self).__name__} {self.name!r} removed>"
        what = f"{type(self).__name__} {self.name!r} shares {self.tg.shares}"
        return f"<{what}, {self.tg.nr_tasks} tasks, {self.nr_running} runnable>"


@cython.no_gc_clear
@cython.final
cdef class User(TaskGroup):
    """All tasks of one user, with ``group_by="uid"``: each uid its fair share, root's uid with double weight.
    """

    @property
    def uid(self):
        """The uid."""
        return self.living().uid


class Groups(Mapping):
    """Groups of a scheduler by name, or users by uid: a read-only mapping, as they were when you asked."""

    def __init__(self, sched, names):
        self._sched, self._names = sched, names

    def __getitem__(self, key):
        if key not in self._names:
            raise KeyError(key)
        return self._sched._group_named(self._names[key])

    def __iter__(self):
        return iter(self._names)

    def __len__(self):
        return len(self._names)

    def __repr__(self):
        return f"{{{', '.join(f'{key!r}: {self[key]!r}' for key in self)}}}"
