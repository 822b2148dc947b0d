"""The owner of a machine: it makes the machine, keeps its time, lets its ticks fall due, writes and reads it.

What it decides: when things happen. The tunables and CPUs at the start; which ticks are due before an event;
how an event begins and ends; what a snapshot has beside the bytes of the machine (names, time, next tick).
What the events are, `Scheduler` says, which is this class with events and groups; what is seen of a task,
`_handles`.

It stands below both because a handle needs its owner (the time, the names, the machine), and an event makes
handles: with one class for all of it the files would form a ring. A base class, and not a member of
`Scheduler`: `time_of`, `rq_of`, `begin` and `end` are in each event, inline in `_machine.pxd`, and a member
would cost one more pointer each; and compiled embedders find the machine where it always was, in `sched.m`.

Invariants:
    I1  the Machine owns the C machine and everything in it, and frees it with itself
    I2  time never goes back: it is that of the last event, or of the last tick done by itself if that was
        later, also after an exception

Rejected: freeing by reference count (a task lives because it is scheduled, not because somebody looks at it).
"""

import cython

from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from .._core cimport machine_free, machine_init
from .._group cimport init_groups
from .._hz cimport tick_time, ticks_until
from .._snapshot cimport image_of, machine_of_image
from .._types cimport (
    GROUP_BY_CGROUP,
    GROUP_BY_NONE,
    GROUP_BY_UID,
    field,
    sched_class,
    uintptr_t,
)
from ..engine._rewind cimport exchange, free_rewind, list_all, rewind, save
from ..engine._ticks cimport (
    TICKS_BUG,
    TICKS_CHANGED,
    TICKS_DONE,
    TICKS_FAULT,
    TICKS_PAUSED,
    look_ahead,
    may_change,
    nr_switches,
    run_ticks,
)
from ..models._idle cimport idle_sched_class
from ._border cimport checked_shares, field_named, integer_in, read_fields

from .._snapshot import CPUS_MAX, seal, unseal
from ..errors import (
    GroupError,
    InvariantError,
    ModelError,
    SnapshotError,
    StateError,
    TimeError,
    TunableError,
)
from ..models.registry import all_models, model_named
from ..limits import CPU_RANGE, HZ_RANGE, POLICIES, U64_MAX

GROUPINGS = {None: GROUP_BY_NONE, "uid": GROUP_BY_UID, "cgroup": GROUP_BY_CGROUP}

cdef enum:
    TICKS_A_LOOK = 20000        # instants of ticks between two looks at signals; about a millisecond


@cython.no_gc_clear
cdef class Machine:
    """A machine that owns its tasks and groups, and ticks by itself if it has `hz`. `Scheduler` adds events.

    Parameters
    ----------
    model, group_by, cpus, root_shares, hz, ticks, scaled_for, **tunables
        As for `Scheduler`.

    Attributes
    ----------
    model : Model
        The model that it runs.
    """

    def __cinit__(self, *args, **kwargs):
        memset(&self.m, 0, sizeof(self.m))
        memset(&self.ticks, 0, sizeof(self.ticks))
        self.now = 0
        self.nr_events = 0
        self.names = {}
        self.group_names = {}
        self.group_addresses = {}

    def __init__(
        self, model="linux-2.6.24-cfs", *, group_by=None, cpus=1, root_shares=None, hz=None, ticks=True,
        scaled_for=None, **tunables
    ):
        if self.m.sched_class != NULL:
            raise StateError("a Scheduler is initialised once")
        self.model = model_named(model)
        if group_by not in self.model.group_by:
            raise ModelError(f"group_by = {group_by!r}: {self.model.id} can group by {self.model.group_by}")
        cpus = integer_in(cpus, "cpus", 1, CPUS_MAX, StateError)
        if root_shares is not None:
            if group_by is None:
                raise GroupError("root_shares needs group_by='uid' or 'cgroup'")
            self.root_group_has_shares(group_by)
            checked_shares(root_shares)
        if hz is not None:
            hz = integer_in(hz, "hz", HZ_RANGE[0], HZ_RANGE[1], TunableError)
            tunables = self.model.tunables.of_hz(hz) | tunables
        booted = cpus if scaled_for is None else integer_in(scaled_for, "scaled_for", 1, CPU_RANGE[1] + 1, StateError)
        self._tunables = self.model.tunables.at_boot(booted, **tunables)
        self.ticks.hz = hz if hz is not None and ticks else 0
        self.ticks.next = 1
        self.room_for_ticks(cpus)
        self.boot(GROUPINGS[group_by], cpus)
        if group_by is not None:
            shares = self.model.root_shares.get(group_by, 1024) if root_shares is None else root_shares
            init_groups(&self.m, shares)
            self.remember_group(self.m.root_group, "uid:0" if group_by == "uid" else "/")

    cdef int room_for_ticks(self, int32_t cpus) except -1:
        free(self.ticks.room)                   # of a beginning that failed
        self.ticks.room = <int32_t *>malloc(cpus * sizeof(int32_t))
        if self.ticks.room == NULL:
            raise MemoryError
        return 0

    cdef int boot(self, int32_t group_by, int32_t cpus) except -1:
        cdef const sched_class *cls = <const sched_class *>PyCapsule_GetPointer(
            self.model.sched_class(), "cfs.sched_class"
        )
        cdef uint64_t *values = <uint64_t *>malloc(cls.tunables_size)
        if values == NULL:
            raise MemoryError
        try:
            write_tunables(cls, values, self._tunables)
            machine_init(&self.m, cls, idle_sched_class(), cpus, group_by, values)
        finally:
            free(values)
        return 0

    def __dealloc__(self):
        free(self.ticks.room)
        if self.m.sched_class != NULL:
            machine_free(&self.m)

    cdef int remember_group(self, task_group *tg, name) except -1:
        self.group_addresses[name] = <uintptr_t>tg
        self.group_names[tg.id] = name
        return 0

    cdef str name_of(self, const task *p):
        cdef uint64_t id = p.id             # Cython spells a uint64_t in C, a const one by way of an int
        return self.names.get(id) or f"task-{id}"

    # ------------------------------------------------------------------------------------ what its model has

    cdef int allowed(self, str option, str what) except -1:
        if option not in self.model.options:
            raise ModelError(f"{self.model.id} has no {what}")
        return 0

    cdef int policy_allowed(self, int policy, given) except -1:
        # `given`: what the caller wrote
        if POLICIES[policy] not in self.model.policies:
            raise StateError(f"policy = {given!r} is none of {', '.join(self.model.policies)}")
        return 0

    cdef int root_group_has_shares(self, group_by) except -1:
        if group_by not in self.model.root_shares:
            raise GroupError(f"the root group of {self.model.id} competes with nobody and has no shares")
        return 0

    # ------------------------------------------------------------ how an event is refused; the rest is inline

    cdef long checked_cpu(self, cpu) except -1:
        if self.m.sched_class == NULL:
            raise StateError("this Scheduler was never initialised: call Scheduler.__init__")
        return integer_in(cpu, "cpu", 0, self.m.nr_cpus - 1, StateError)

    cdef int refuse_idle(self, const rq *rq, str event) except -1:
        raise StateError(
            f"{event} at {self.now} ns: no task runs on CPU {rq.cpu}, and the idle task cannot {event}"
        )

    cdef int refuse_fault(self, str event) except -1:
        raise StateError(
            f"{event}: a slice would be divided by 0, because the loads of a queue add up to a multiple "
            "of 2**32 (the kernel faults here); use smaller shares"
        )

    cdef int look_for_bugs(self) except -1:
        self.check()
        return 0

    # -------------------------------------------------------------------------------------------------- ticks

    cdef int catch_up(self, ns_t now) except -1:
        # the ticks that are due by `now`, if that is later than the last event
        cdef uint64_t last, before
        cdef int status = TICKS_PAUSED
        if now <= self.now:
            return 0
        last = ticks_until(self.ticks.hz, now)
        while status == TICKS_PAUSED:
            before = self.ticks.next
            status = run_ticks(&self.m, &self.ticks, last, 1 if CHECK_EACH_STEP else TICKS_A_LOOK)
            self.note_ticks(before)
            if status == TICKS_BUG or CHECK_EACH_STEP:
                self.check()
            if status == TICKS_PAUSED:
                self.let_signals_in()
        if status == TICKS_FAULT:
            raise StateError(
                f"the tick of CPU {self.ticks.cpu} at {tick_time(self.ticks.hz, self.ticks.next)} ns would "
                "divide a slice by 0, because the loads of a queue add up to a multiple of 2**32 (the kernel "
                "faults here); use smaller shares"
            )
        return 0

    cdef int note_ticks(self, uint64_t before) except -1:
        # time is that of the last tick that was done
        cdef uint64_t last = self.ticks.next if self.ticks.cpu else self.ticks.next - 1
        self.nr_events += self.ticks.next - before
        if self.ticks.next != before or self.ticks.cpu:
            self.now = max(self.now, tick_time(self.ticks.hz, last))
        return 0

    cdef int let_signals_in(self) except -1:
        # what is in progress holds pointers, so a handler may look, but not drive
        cdef uint64_t events = self.nr_events
        cdef uint64_t forked = self.m.nr_forked
        PyErr_CheckSignals()
        if self.nr_events != events or self.m.nr_forked != forked:
            raise StateError("a signal handler drove this Scheduler while it was ticking")
        return 0

    def advance(self, *, now_ns):
        """Move time on without any other event: with `hz` the ticks that fall due are done.

        Parameters
        ----------
        now_ns : int
            Time to move to, ns since the start; not before the last event. A tick due just then is done.

        Returns
        -------
        bool
            True if the running task of a CPU changed on the way.

        Raises
        ------
        TimeError
            `now_ns` lies before the last event.
        StateError
            A tick on the way is undefined in the model; time stands just before it.

        Notes
        -----
        Cost O(1) a tick of a busy CPU, and O(CPUs) for the whole span; ticks of an idle CPU cost nothing more (in
        2.6.23 after some hundred, when its load averages have died away). KeyboardInterrupt ends it between two
        ticks: `now_ns` says how far it came, and a second call goes on from there.

        Examples
        --------
        >>> import cfs
        >>> sched = cfs.Scheduler(hz=1000)
        >>> a, b = sched.fork(name="a", now_ns=0), sched.fork(name="b", now_ns=0)
        >>> while sched.now_ns < 40_000_000:
        ...     changed = sched.advance(now_ns=sched.next_event())
        ...     print(sched.now_ns, sched.current.name)
        11000000 a
        22000000 b
        33000000 a
        44000000 b
        """
        cdef uint64_t before
        cdef ns_t now = self.time_of(now_ns)
        self.rq_of(0)
        if not self.ticks.hz or tick_time(self.ticks.hz, self.ticks.next) > now:
            self.now = now
            return False
        before = nr_switches(&self.m)
        self.catch_up(now)
        self.now = now
        return nr_switches(&self.m) != before

    def next_event(self, *, until_ns=None):
        """The first time at which, if nothing else happens, the running task of a CPU changes.

        Parameters
        ----------
        until_ns : int, optional
            Look no further than this, ns since the start.

        Returns
        -------
        int or None
            Time of the tick that changes it (or that the model leaves undefined, so that `advance` to it
            raises), ns. None: never, or not up to `until_ns`; always so of a scheduler that does not tick by
            itself.

        Notes
        -----
        The ticks in between are done, and undone: exact for every model. Cost: that of `advance` to there,
        and O(tasks) for putting back what was there; O(CPUs) if no CPU has a second task. KeyboardInterrupt
        ends it, and nothing has changed. If the running task is not going to change for years, `until_ns`
        saves looking for it.
        """
        cdef ticker ahead = self.ticks
        cdef ns_t limit = U64_MAX
        if until_ns is not None:
            limit = integer_in(until_ns, "until_ns", 0, U64_MAX, TimeError)
        cdef uint64_t switches, last
        cdef int status = TICKS_PAUSED
        cdef rewind back
        self.rq_of(0)
        if not self.ticks.hz or not may_change(&self.m):
            return None
        switches = nr_switches(&self.m)
        last = ticks_until(self.ticks.hz, limit)
        memset(&back, 0, sizeof(back))
        try:
            list_all(&back, &self.m)
            save(&back)
            while status == TICKS_PAUSED:
                status = look_ahead(&self.m, &ahead, last, TICKS_A_LOOK, switches)
                exchange(&back)                     # what is, before anybody can look
                if status == TICKS_PAUSED:
                    self.let_signals_in()
                    exchange(&back)
        finally:
            free_rewind(&back)
        if status == TICKS_DONE:
            return None
        return tick_time(ahead.hz, ahead.next - 1 if status == TICKS_CHANGED else ahead.next)
    # ---------------------------------------------------------------------------------------------- snapshots

    def to_bytes(self):
        """The whole state as bytes: trees with their exact shape, ids, slots, names, groups, tunables, time.

        Returns
        -------
        bytes
            For `from_bytes`, of the same version of cfs on the same kind of machine. Equal states, equal
            bytes, as long as what was freed has left no traces (order of free slots, old links).

        Raises
        ------
        ModelError
            The compiled class does not say where its pointers are (docs/guides/add-a-class.md).

        Notes
        -----
        Cost O(n log n) in the tasks, about a microsecond a task. Handles and attributes of a subclass are not
        in it.

        Examples
        --------
        >>> import cfs
        >>> sched = cfs.Scheduler(hz=1000)
        >>> task = sched.fork(name="cc1", now_ns=0)
        >>> twin = cfs.Scheduler.from_bytes(sched.to_bytes())
        >>> twin.exit(now_ns=5_000_000), twin.tasks, task.state
        (True, [], 'running')
        """
        self.rq_of(0)
        head = {
            "model": self.model.id,
            "now": self.now,
            "ticks": [self.ticks.hz, self.ticks.next, self.ticks.cpu],
            "names": sorted(self.names.items()),
            "groups": sorted(self.group_names.items()),
        }
        return seal(head, image_of(&self.m))

    @classmethod
    def from_bytes(cls, data, *, model=None):
        """The scheduler that `to_bytes` wrote; it continues identically.

        Parameters
        ----------
        data : bytes-like
        model : Model, optional
            What the snapshot's model is, if it is none that `cfs` finds by its id.

        Returns
        -------
        Scheduler

        Raises
        ------
        SnapshotError
            The bytes are no snapshot, damaged, cut, or of another version or build; the message says which.
        ModelError
            There is no such model here.

        Notes
        -----
        Cost O(n log n) in the tasks: the model's invariants are checked, too. A snapshot that somebody made
        up, checksum and all, is most likely refused, and yet: as with pickle, take none from strangers.
        """
        head, image = unseal(data)
        return cls.__new__(cls)._revived(head, image, model)

    def _revived(self, head, image, model):
        # of what `unseal` returned; everything in it is checked here or in machine_of_image
        if self.m.sched_class != NULL:
            raise StateError("a Scheduler is initialised once")
        if set(head) != {"model", "now", "ticks", "names", "groups"}:
            raise SnapshotError(f"the head of the snapshot has {', '.join(map(repr, head))}")
        self.model = model_named(head["model"] if model is None else model)
        if self.model.id != head["model"]:
            raise SnapshotError(f"the snapshot is of {head['model']!r}, not of {self.model.id}")
        machine_of_image(
            &self.m,
            <const sched_class *>PyCapsule_GetPointer(self.model.sched_class(), "cfs.sched_class"),
            idle_sched_class(),
            image,
        )
        self.room_for_ticks(self.m.nr_cpus)
        try:
            self._tunables = self.read_tunables()
            self.now = integer_in(head["now"], "time", 0, U64_MAX, SnapshotError)
            hz, next_tick, cpu = head["ticks"]
            self.ticks.hz = integer_in(hz, "hz", 0, HZ_RANGE[1], SnapshotError)
            self.ticks.next = integer_in(next_tick, "next tick", 1, U64_MAX, SnapshotError)
            self.ticks.cpu = integer_in(cpu, "CPU of the next tick", 0, self.m.nr_cpus - 1, SnapshotError)
            self.revive_names(head["names"])
            self.revive_groups(head["groups"])
        except (TypeError, ValueError) as error:
            raise SnapshotError(f"the snapshot does not make sense: {error}") from error
        return self

    cdef object read_tunables(self):
        # the dataclass of what the machine has; checked, because the class trusts it
        cdef const field *f = self.m.sched_class.tunables
        values = {}
        while f.name != NULL:
            values[f.name.decode()] = (<uint64_t *>(<char *>self.m.tunables + f.offset))[0]
            f += 1
        return self.model.tunables().changed(**values)

    cdef int revive_names(self, names) except -1:
        living = set()
        for slot in range(self.m.nr_slots):
            if self.m.tasks[slot] != NULL:
                living.add(self.m.tasks[slot].id)
        for number, name in names:
            if number not in living or not isinstance(name, str):
                raise SnapshotError(f"a name for task {number}, which does not live")
            self.names[number] = name
        return 0

    cdef int revive_groups(self, names) except -1:
        # names come by id, and so does what maps them to the groups: oldest first
        cdef task_group *tg = self.m.groups
        addresses = {}
        while tg != NULL:
            addresses[tg.id] = <uintptr_t>tg
            tg = tg.next
        names = dict(names)
        if names.keys() != addresses.keys() or len(set(names.values())) != len(names):
            raise SnapshotError(f"{len(addresses)} groups have the names {list(names.values())}")
        for number in sorted(names):
            if not isinstance(names[number], str):
                raise SnapshotError(f"{names[number]!r} is no name of a group")
            self.remember_group(<task_group *><uintptr_t>addresses[number], names[number])
        return 0

    def __reduce__(self):
        # a model that cannot be found by its id goes along, and so do attributes of a subclass
        found = all_models().get(self.model.id) is self.model if self.model is not None else True
        arguments = (type(self), self.to_bytes(), None if found else self.model)
        return (_revive, arguments, getattr(self, "__dict__", None) or None)

    # ----------------------------------------------------------------------------------------------- tunables

    @property
    def tunables(self):
        """The tunables as they are: a frozen dataclass with the kernel's names."""
        return self._tunables

    def set_tunables(self, **changes):
        """Write tunables or feature bits at run time, as sysctl does. Nothing is recomputed but
        `sched_nr_latency`.

        Raises
        ------
        TunableError
            No such tunable, a value outside of its range, or a constant that was compiled in. Nothing has
            changed.
        """
        self.rq_of(0)
        for name in changes:
            if name in self._tunables.COMPILED_IN:
                why = "it can be given to Scheduler(), but not written at run time"
                raise TunableError(f"{name} is compiled in: {why}")
        changed = self._tunables.changed(**changes)
        write_tunables(self.m.sched_class, self.m.tunables, changed)
        self._tunables = changed

    # ------------------------------------------------------------------------------------------------ looking

    @property
    def group_by(self):
        """How tasks are grouped: None, "uid" or "cgroup"."""
        return (None, "uid", "cgroup")[self.m.group_by]

    @property
    def cpus(self):
        """Number of CPUs."""
        return self.m.nr_cpus

    @property
    def now_ns(self):
        """Time of the last event, ns since the start."""
        return self.now

    @property
    def hz(self):
        """Ticks a second that it does by itself; None if you call `tick`."""
        return self.ticks.hz or None

    @property
    def resched(self):
        """Had the last event set need_resched of CPU 0's running task, before the schedule() that it led to?
        """
        return self.rq_of(0).resched != 0

    @property
    def min_vruntime(self):
        """The floor of CPU 0's top queue, virtual ns modulo 2**64."""
        cdef rq *rq = self.rq_of(0)
        return field_named(
            self.m.sched_class.queue_fields, self.m.sched_class.root_queue(rq), b"min_vruntime", self.model
        )

    @property
    def nr_running(self):
        """Runnable tasks of all CPUs, the running ones included."""
        cdef int32_t cpu
        cdef uint64_t nr = 0
        for cpu in range(self.m.nr_cpus):
            nr += self.m.rqs[cpu].nr_running
        return nr

    def cpu_fields(self, cpu=0):
        """State of a CPU: clock (ns), nr_running, load_weight (of its runnable tasks), nr_switches, and what
        else its model keeps (load averages in 2.6.23, jiffies in 2.6.22).

        Returns
        -------
        dict of str to int
        """
        cdef rq *rq = self.rq_of(cpu)
        values = {
            "clock": rq.clock,
            "nr_running": rq.nr_running,
            "load_weight": rq.load,
            "nr_switches": rq.nr_switches,
        }
        if self.m.sched_class.cpu_fields != NULL:
            values |= read_fields(self.m.sched_class.cpu_fields, rq)
        return values

    def idle_fields(self, cpu=0):
        """Every quantity of a CPU's idle task by its kernel name (dict of str to int).

        It is no `Task`: it cannot block, exit, or be changed. In O(1) it has a time slice, which its children
        share.
        """
        cdef rq *rq = self.rq_of(cpu)
        return read_fields(self.m.sched_class.entity_fields, self.m.sched_class.task_entity(rq.idle))

    def check(self):
        """Raise `InvariantError` if an invariant of the core is broken. Cost O(n).

        A debug build (``CFS_DEBUG=1``) does it after every event.
        """
        cdef int32_t cpu
        cdef int broken
        for cpu in range(self.m.nr_cpus):
            broken = self.m.sched_class.check_rq(self.m.rqs[cpu])
            if broken or self.m.rqs[cpu].bug:
                raise InvariantError(
                    f"{self.model.id}: invariant I{broken}, bug code {self.m.rqs[cpu].bug} on CPU {cpu} "
                    f"after event {self.nr_events} at {self.now} ns"
                )

    def __repr__(self):
        if self.m.sched_class == NULL:
            return f"<{type(self).__name__}, not initialised>"
        running = ", ".join(self.name_running_on(cpu) for cpu in range(min(self.m.nr_cpus, 4)))
        grouped = f", by {self.group_by}" if self.group_by else ""
        more = ", ..." if self.m.nr_cpus > 4 else ""
        return (
            f"<Scheduler {self.model.id}{grouped} at {self.now} ns: {self.nr_running} of "
            f"{self.m.nr_slots - self.m.nr_free} tasks runnable, running {running}{more}>"
        )

    cdef str name_running_on(self, int32_t cpu):
        cdef const rq *rq = self.m.rqs[cpu]
        return "idle" if rq.curr == rq.idle else self.name_of(rq.curr)


cdef int write_tunables(const sched_class *cls, uint64_t *values, tunables) except -1:
    cdef const field *f = cls.tunables
    while f.name != NULL:
        (<uint64_t *>(<char *>values + f.offset))[0] = getattr(tunables, f.name.decode())
        f += 1
    return 0


def _revive(cls, data, model):
    # what a pickle and a copy call
    return cls.from_bytes(data, model=model)
