"""The thin Python API that you drive yourself: `Scheduler`, and its handles `Task`, `TaskGroup` and `User`.

What it decides: what is allowed. Every method checks its arguments and the state, raises from `cfs.errors`
before anything has changed, and then calls events of the core that cannot fail. Compiled, because a checked
call must cost little more than an empty one; the house plan had it in plain Python (docs/decisions/0002).

Invariants:
    I1  the Scheduler owns the machine and everything in it; a handle keeps the Scheduler alive
    I2  a handle's pointer is NULL from the moment its task or group is gone; there is at most one handle a
        task
    I3  an exception leaves the machine as it was at the time of the event: ticks that were due before it are
        done

Rejected: ids in place of handles (a stale id could mean another task); freeing by reference count (a task
lives because it is scheduled, not because somebody looks at it).
"""

from collections.abc import Mapping

import cython

from cpython.exc cimport PyErr_CheckSignals
from cpython.long cimport (
    PyLong_AsLongAndOverflow,
    PyLong_AsLongLongAndOverflow,
    PyLong_AsUnsignedLongLong,
    PyLong_CheckExact,
)
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdlib cimport free, malloc
from libc.string cimport memset, strcmp

from .._core cimport (
    BUG_NONE,
    EVENT_FORK,
    EVENT_MIGRATE,
    EVENT_MOVE,
    EVENT_REQUEUE,
    EVENT_TICK,
    EVENT_WAKE,
    WAKE_IRQ,
    WAKE_SYNC,
    adjust_new_task,
    begin_event,
    block_current,
    end_event,
    exit_current,
    free_task,
    machine_free,
    machine_init,
    migrate_task,
    new_task,
    sched_fork,
    sched_move_task,
    sched_set_slice,
    sched_setscheduler,
    sched_yield,
    scheduler_tick,
    set_task_cpu,
    set_time,
    set_user_nice,
    try_to_wake_up,
    wake_up_new_task,
    would_fault,
)
from .._group cimport free_group, init_groups, new_group, sched_group_set_idle, sched_group_set_shares
from .._hz cimport tick_time, ticks_until
from .._load cimport NICE_MAX, NICE_MIN
from .._snapshot cimport image_of, machine_of_image
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
    ticker,
)
from .._types cimport (
    FIELD_S64,
    FIELD_U8,
    FIELD_U32,
    FIELD_U64,
    GROUP_BY_CGROUP,
    GROUP_BY_NONE,
    GROUP_BY_UID,
    SCHED_BATCH,
    SCHED_IDLE,
    SCHED_NORMAL,
    TASK_BLOCKED,
    TASK_DEAD,
    TASK_NEW,
    TASK_RUNNING,
    field,
    int8_t,
    int32_t,
    int64_t,
    ns_t,
    queued,
    rq,
    rq as rq_t,
    sched_class,
    task as task_t,
    task_group,
    uint8_t,
    uint32_t,
    uint64_t,
    uintptr_t,
)
from ..models._idle cimport idle_sched_class

import operator

from .._snapshot import seal, unseal
from ..errors import (
    CfsError,
    GroupError,
    InvariantError,
    ModelError,
    SnapshotError,
    StateError,
    TimeError,
    TunableError,
)
from ..models.registry import all_models, model_named

cdef extern from *:
    """
    #ifndef CFS_DEBUG
    #define CFS_DEBUG 0
    #endif
    """
    const bint CHECK_EACH_STEP "CFS_DEBUG"

POLICIES = ("normal", "batch", "idle")
SLEEPS = ("interruptible", "uninterruptible", "noninteractive")
STATES = ("new", "runnable", "blocked", "dead")
GROUPINGS = {None: GROUP_BY_NONE, "uid": GROUP_BY_UID, "cgroup": GROUP_BY_CGROUP}
U64_MAX = 2**64 - 1
CPUS_MAX = 4096
cdef object CPU_0 = 0
HZ_MAX = 1000000

cdef enum:
    TICKS_A_LOOK = 20000        # instants of ticks between two looks at signals; about a millisecond

# ---------------------------------------------------------------------------------- numbers across the border


cdef object read_field(const field *f, const void *base):
    cdef const char *at = <const char *>base + f.offset
    cdef uint64_t derived
    if f.value != NULL:
        derived = f.value(base)
        return <int64_t>derived if f.kind == FIELD_S64 else derived
    if f.kind == FIELD_U64:
        return (<const uint64_t *>at)[0]
    if f.kind == FIELD_S64:
        return (<const int64_t *>at)[0]
    if f.kind == FIELD_U32:
        return (<const uint32_t *>at)[0]
    return (<const uint8_t *>at)[0]


cdef dict read_fields(const field *f, const void *base):
    values = {}
    while f.name != NULL:
        values[f.name.decode()] = read_field(f, base)
        f += 1
    return values


cdef object field_named(const field *f, const void *base, const char *name, model):
    while f.name != NULL:
        if strcmp(f.name, name) == 0:
            return read_field(f, base)
        f += 1
    raise ModelError(f"{model.id} has no {name.decode()}")


cdef object integer_in(value, str what, least, greatest, error):
    # `value` as an int of this range, or `error`
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} must be an integer, not {value!r}") from None
    if not least <= number <= greatest:
        raise error(f"{what} = {number} is outside of {least} ... {greatest}")
    return number


cdef int8_t checked_nice(value) except? -100:
    return integer_in(value, "nice", NICE_MIN, NICE_MAX, StateError)


cdef uint64_t checked_shares(value) except? 0:
    return integer_in(value, "shares", 0, U64_MAX, GroupError)


cdef uint8_t checked_policy(value) except? 255:
    if value not in POLICIES:
        raise StateError(f"policy = {value!r} is none of {', '.join(POLICIES)}")
    return POLICIES.index(value)

# -------------------------------------------------------------------------------------------------- Scheduler


@cython.no_gc_clear
cdef class Scheduler:
    """One machine under one scheduler, driven by events that you send.

    Parameters
    ----------
    model : str, optional
        Which scheduler of which release; `cfs.MODELS` lists them.
    group_by : {None, "uid", "cgroup"}, optional
        Fairness among tasks, among users (each uid its fair share, root's uid counts double), or among
        control groups.
    cpus : int, optional
        CPUs, each with its own runqueue. Nothing is balanced between them.
    root_shares : int, optional
        Shares of the root group. Default: 1024 for control groups, 2048 for uid 0.
    hz : int, optional
        Ticks a second, 1 ... 1 000 000, and the tunables that follow from it. The scheduler then ticks by
        itself: tick k is due on every CPU at ``k * 10**9 // hz`` ns, and done whenever time moves on to it or
        beyond, before the event that moves it. Default: it ticks when you call `tick`.
    ticks : bool, optional
        False: `hz` says only what the tunables follow from, and you call `tick`.
    **tunables
        Any tunable or feature bit by its kernel name: ``sched_latency_ns=40_000_000``, ``START_DEBIT=False``.

    Raises
    ------
    ModelError
        No such model, or the model cannot group like that.
    TunableError
        No such tunable, or a value outside of its range; `hz` as well.

    Notes
    -----
    Every event takes `now_ns`, the time since the start in integer ns, which never goes back. The events are
    those of the kernel: `fork`, `wake`, `block`, `exit`, `yield_`, `tick`, `set_nice`, `set_policy`, `move`.
    They return True if the running task of the CPU changed. Ticks are events as well: without them no slice
    ever ends. What the model leaves undefined raises and changes nothing. One thread at a time may use a
    Scheduler.

    With `hz` an event is judged as things stand at its time: ticks that are due before it are done first,
    also if it then raises. `advance` moves time alone, `next_event` says how far nothing changes.

    A Scheduler can be copied (`copy.copy`, `copy.deepcopy`: the same), pickled, and written as bytes
    (`to_bytes`). The copy is independent; its tasks are found by id (`task`), its groups by name (`groups`).

    Attributes
    ----------
    model : Model
        The model that it runs.

    Examples
    --------
    >>> import cfs
    >>> sched = cfs.Scheduler("linux-2.6.24-cfs")
    >>> shell = sched.fork(name="sh", now_ns=1_000)
    >>> make = sched.fork(name="make", nice=5, now_ns=2_000)
    >>> sched.current.name                                  # child_runs_first
    'make'
    >>> sched.tick(now_ns=4_000_000), sched.tick(now_ns=8_000_000)
    (False, True)
    >>> sched.current.name, shell.vruntime, make.vruntime   # specification, example 10.1
    ('sh', 15070904, 24448618)
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
        **tunables
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
            hz = integer_in(hz, "hz", 1, HZ_MAX, TunableError)
            tunables = self.model.tunables.of_hz(hz) | tunables
        self._tunables = self.model.tunables.at_boot(cpus, **tunables)
        self.ticks.hz = hz if hz is not None and ticks else 0
        self.ticks.next = 1
        self.boot(GROUPINGS[group_by], cpus)
        if group_by is not None:
            shares = self.model.root_shares.get(group_by, 1024) if root_shares is None else root_shares
            init_groups(&self.m, shares)
            self.remember_group(self.m.root_group, "uid:0" if group_by == "uid" else "/")

    cdef int root_group_has_shares(self, group_by) except -1:
        if group_by not in self.model.root_shares:
            raise GroupError(f"the root group of {self.model.id} competes with nobody and has no shares")
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

    def __dealloc__(self):
        if self.m.sched_class != NULL:
            machine_free(&self.m)

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
        Cost O(n log n) in the tasks: the model's invariants are checked, too. A snapshot that somebody made up,
        checksum and all, is most likely refused, and yet: as with pickle, take none from strangers.
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
        try:
            self._tunables = self.read_tunables()
            self.now = integer_in(head["now"], "time", 0, U64_MAX, SnapshotError)
            hz, next_tick, cpu = head["ticks"]
            self.ticks.hz = integer_in(hz, "hz", 0, HZ_MAX, SnapshotError)
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
        Cost O(1) a tick of a CPU while any CPU is busy, O(1) for any span in which all idle (in 2.6.23 after
        some hundred ticks, until its load averages have died away). KeyboardInterrupt ends it between two
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

    # ------------------------------------------------------------------------------------- time and arguments

    cdef inline ns_t time_of(self, now_ns) except? 1:
        # the checked time of an event; the way without `try` first, it saves a tenth of a call
        cdef int overflow = 0
        cdef long long number = -1
        if PyLong_CheckExact(now_ns):
            number = PyLong_AsLongLongAndOverflow(now_ns, &overflow)
        if number >= 0 and <ns_t>number >= self.now:
            return <ns_t>number
        return self.checked_time(now_ns)

    cdef ns_t checked_time(self, now_ns) except? 1:
        cdef ns_t now
        try:
            now = PyLong_AsUnsignedLongLong(now_ns if PyLong_CheckExact(now_ns) else operator.index(now_ns))
        except OverflowError:
            raise TimeError(f"now_ns = {now_ns} is outside of 0 ... 2**64 - 1 ns") from None
        except TypeError:
            raise TypeError(f"now_ns must be an integer number of ns, not {now_ns!r}") from None
        if now < self.now:
            raise TimeError(f"now_ns = {now} lies before the last event at {self.now} ns")
        return now

    cdef inline rq *rq_of(self, cpu) except NULL:
        cdef int overflow = 0
        cdef long number = -1
        if cpu is CPU_0 and self.m.nr_cpus:                 # the default: CPython has one 0
            return self.m.rqs[0]
        if PyLong_CheckExact(cpu):
            number = PyLong_AsLongAndOverflow(cpu, &overflow)
        if not 0 <= number < self.m.nr_cpus:
            number = self.checked_cpu(cpu)
        return self.m.rqs[number]

    cdef long checked_cpu(self, cpu) except -1:
        if self.m.sched_class == NULL:
            raise StateError("this Scheduler was never initialised: call Scheduler.__init__")
        return integer_in(cpu, "cpu", 0, self.m.nr_cpus - 1, StateError)

    cdef task_t *living(self, Task task) except NULL:
        if task is None:
            raise StateError("a task is needed, not None: the idle task can be neither woken nor changed")
        if task.sched is not self:
            raise StateError(f"{task!r} belongs to another scheduler")
        if task.p == NULL:
            raise StateError(f"{task!r} has exited")
        return task.p

    cdef inline int not_idle(self, rq *rq, str event) except -1:
        if rq.curr == rq.idle:
            raise StateError(
                f"{event} at {self.now} ns: no task runs on CPU {rq.cpu}, and the idle task cannot {event}"
            )
        return 0

    cdef int defined(self, rq *rq, task_t *p, int32_t event, task_group *to, str name) except -1:
        if would_fault(rq, p, event, to):
            raise StateError(
                f"{name}: a slice would be divided by 0, because the loads of a queue add up to a multiple "
                "of 2**32 (the kernel faults here); use smaller shares"
            )
        return 0

    cdef int allowed(self, str option, str what) except -1:
        if option not in self.model.options:
            raise ModelError(f"{self.model.id} has no {what}")
        return 0

    cdef inline void begin(self, rq *rq, ns_t now) noexcept:
        self.now = now
        self.nr_events += 1
        begin_event(rq, now)

    cdef inline bint end(self, rq *rq, task_t *before) except -1:
        # act on the flags; True if the running task of this CPU is another one
        end_event(rq, self.now)
        if rq.bug != BUG_NONE or CHECK_EACH_STEP:
            self.check()
        return rq.curr != before

    # ------------------------------------------------------------------------------------------------- events

    def fork(
        self, *, now_ns, name=None, nice=None, policy=None, uid=None, group=None, clone_vm=False, cpu=0,
        start_cpu=None
    ):
        """The running task (or the idle task) forks a child, which is placed and woken as a new task.

        Parameters
        ----------
        now_ns : int
            Time of the fork, ns since the start; not before the last event.
        name : str, optional
            For people; default ``"task-ID"``.
        nice : int, optional
            -20 ... 19. Default: the parent's, as for `policy`, `uid` and `group`.
        policy : {"normal", "batch", "idle"}, optional
        uid : int, optional
            With ``group_by="uid"``: the user; one that is new gets a group of 1024 shares.
        group : TaskGroup or str, optional
            With ``group_by="cgroup"``: the control group, which must exist.
        clone_vm : bool, optional
            The child shares its parent's memory. In models with the option ``"clone_vm"``.
        cpu : int, optional
            CPU that executes the fork.
        start_cpu : int, optional
            CPU that the child starts on, its virtual time rebased. Default: `cpu`.

        Returns
        -------
        Task
            The child; it may have exited, but never moved, when you look at it again.

        Raises
        ------
        StateError, GroupError, TimeError
            A value is outside of its range. Nothing has changed.

        Notes
        -----
        Cost O(log n) in the runnable tasks of the child's queue, one or two divisions.
        Model: Linux 2.6.24, wake_up_new_task, task_new_fair, place_entity (specification 5.7, 5.3).
        """
        cdef rq *rq = self.rq_of(cpu)
        cdef rq_t *start = rq if start_cpu is None else self.rq_of(start_cpu)
        cdef ns_t now = self.time_of(now_ns)
        cdef int8_t nice_value = 0 if nice is None else checked_nice(nice)
        cdef uint8_t policy_value = SCHED_NORMAL if policy is None else checked_policy(policy)
        cdef task_t *before
        cdef Py_ssize_t nr_groups = len(self.group_addresses)
        cdef task_group *tg
        cdef task_t *p
        cdef Task child = None
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a string, not {name!r}")
        if clone_vm:
            self.allowed("clone_vm", "forks that share memory")
        if self.ticks.hz:
            self.catch_up(now)
        before = rq.curr
        if nice is None:
            nice_value = before.nice
        if policy is None:
            policy_value = before.policy
        if POLICIES[policy_value] not in self.model.policies:
            raise StateError(f"policy = {policy!r} is none of {', '.join(self.model.policies)}")
        tg = self.group_argument(before, uid, group)
        p = new_task(&self.m)
        p.rq = rq
        try:
            if name is not None:
                self.names[p.id] = str(name)
            child = self.handle_of(p)               # before sched_fork, which may change the parent
            set_time(rq, now)                       # what a class may ask for; the event itself begins below
            sched_fork(rq, p, before)
            adjust_new_task(p, tg, nice_value, policy_value)
            set_task_cpu(p, start)
            self.defined(start, p, EVENT_FORK, NULL, "fork")
        except BaseException:
            if child is not None:
                child.p = NULL
            self.names.pop(p.id, None)
            free_task(p)
            self.m.nr_forked -= 1
            if len(self.group_addresses) > nr_groups:
                self.forget_group(tg)
            raise
        self.begin(rq, now)
        wake_up_new_task(p, clone_vm)
        self.end(rq, before)
        return child

    def adopt(self, *, name=None, nice=0, policy="normal", uid=None, group=None, cpu=0):
        """Take over a task that slept before time began: as if the idle task had forked it long ago.

        It is blocked; `wake` makes it runnable, and places it as any other sleeper. No time passes.

        Parameters
        ----------
        name, nice, policy, uid, group
            As for `fork`; uid 0 or the root group if not given.
        cpu : int, optional
            Where it slept.

        Returns
        -------
        Task

        Raises
        ------
        StateError, GroupError
            A value is outside of its range. Nothing has changed.
        """
        cdef rq *rq = self.rq_of(cpu)
        cdef int8_t nice_value = checked_nice(nice)
        cdef uint8_t policy_value = checked_policy(policy)
        cdef task_group *tg
        cdef task_t *p
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a string, not {name!r}")
        if policy not in self.model.policies:
            raise StateError(f"policy = {policy!r} is none of {', '.join(self.model.policies)}")
        tg = self.group_argument(rq.idle, uid, group)
        p = new_task(&self.m)
        sched_fork(rq, p, rq.idle)
        adjust_new_task(p, tg, nice_value, policy_value)
        p.state = TASK_BLOCKED
        if name is not None:
            self.names[p.id] = str(name)
        return self.handle_of(p)

    def wake(self, Task task, *, now_ns, sync=False, irq=False, cpu=0):
        """Make a blocked task runnable, and preempt the running one if the class says so.

        Parameters
        ----------
        task : Task
            Task of this scheduler. If it is not blocked nothing happens, as in the kernel.
        now_ns : int
            Time of the wakeup, ns since the start; not before the last event.
        sync : bool, optional
            The waker is about to sleep: no preemption. In models with the option ``"sync"``.
        irq : bool, optional
            An interrupt wakes, not a task. In models with the option ``"irq"``.
        cpu : int, optional
            CPU that executes the wakeup. The task stays on its own.

        Returns
        -------
        bool
            True if the running task of the woken task's CPU changed.

        Raises
        ------
        StateError
            The task has exited or belongs to another scheduler.
        ModelError
            The model knows no such kind of wakeup.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n) in the runnable tasks of its group, times the depth of groups.
        Model: Linux 2.6.24, try_to_wake_up, place_entity (specification 5.8, 5.3).
        """
        cdef task_t *p = self.living(task)
        cdef rq *this_rq = self.rq_of(cpu)
        cdef ns_t now = self.time_of(now_ns)
        cdef task_t *before
        if sync:
            self.allowed("sync", "synchronous wakeups")
        if irq:
            self.allowed("irq", "wakeups by interrupts")
        if self.ticks.hz:
            self.catch_up(now)
        before = p.rq.curr
        if p.state == TASK_BLOCKED:
            self.defined(p.rq, p, EVENT_WAKE, NULL, "wake")
        self.begin(this_rq, now)
        try_to_wake_up(p, (WAKE_SYNC if sync else 0) | (WAKE_IRQ if irq else 0))
        self.end(this_rq, before)
        return p.rq.curr != before

    def block(self, *, now_ns, sleep="interruptible", cpu=0):
        """The running task blocks, and the CPU picks another.

        Parameters
        ----------
        now_ns : int
            Time of the block, ns since the start; not before the last event.
        sleep : {"interruptible", "uninterruptible", "noninteractive"}, optional
            How it sleeps. In models with the option ``"sleep"``.
        cpu : int, optional
            CPU whose running task blocks.

        Returns
        -------
        bool
            True: the running task has changed.

        Raises
        ------
        StateError
            No task runs: the idle task cannot block.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Model: Linux 2.6.24, deactivate_task, schedule (specification 5.11, 5.6).
        """
        cdef rq *rq = self.rq_of(cpu)
        cdef ns_t now = self.time_of(now_ns)
        cdef task_t *before
        if sleep not in SLEEPS:
            raise StateError(f"sleep = {sleep!r} is none of {', '.join(SLEEPS)}")
        if sleep != "interruptible":
            self.allowed("sleep", "kinds of sleep")
        if self.ticks.hz:
            self.catch_up(now)
        before = rq.curr
        self.not_idle(rq, "block")
        self.begin(rq, now)
        block_current(rq, SLEEPS.index(sleep))
        return self.end(rq, before)

    def exit(self, *, now_ns, cpu=0):
        """The running task ends, and the CPU picks another. Its handle stays usable: state, name and CPU
        time.

        Returns
        -------
        bool
            True: the running task has changed.

        Raises
        ------
        StateError
            No task runs.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Nothing is given back to the parent. Model: specification 5.11.
        """
        cdef rq *rq = self.rq_of(cpu)
        cdef ns_t now = self.time_of(now_ns)
        cdef task_t *before
        if self.ticks.hz:
            self.catch_up(now)
        before = rq.curr
        self.not_idle(rq, "exit")
        self.begin(rq, now)
        exit_current(rq)
        end_event(rq, now)
        self.bury(before)
        if rq.bug != BUG_NONE or CHECK_EACH_STEP:
            self.check()
        return True

    cdef int bury(self, task_t *p) except -1:
        # the last look at a dead task: what its handle still tells, then its memory goes
        cdef Task handle
        if p.handle != NULL:
            handle = <Task>p.handle
            handle._sum_exec_ns = handle.entity_field(b"sum_exec_runtime")
            handle._exited_ns = self.now
            handle.p = NULL
        if self.names:
            self.names.pop(p.id, None)
        free_task(p)
        return 0

    def yield_(self, *, now_ns, cpu=0):
        """The running task calls sched_yield().

        The plain yield only charges, so the task goes on if its key is still the smallest; with
        `sched_compat_yield`, or of a batch task, it goes behind everybody of its own group.

        Returns
        -------
        bool
            True if the running task changed.

        Raises
        ------
        StateError
            No task runs.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Model: Linux 2.6.24, yield_task_fair (specification 5.12).
        """
        cdef rq *rq = self.rq_of(cpu)
        cdef ns_t now = self.time_of(now_ns)
        cdef task_t *before
        if self.ticks.hz:
            self.catch_up(now)
        before = rq.curr
        self.not_idle(rq, "yield")
        self.begin(rq, now)
        sched_yield(rq)
        return self.end(rq, before)

    def tick(self, *, now_ns, cpu=0):
        """The periodic scheduler tick: charge the running task, and end its turn if its slice is used up.

        Returns
        -------
        bool
            True if the running task changed.

        Raises
        ------
        TimeError
            `now_ns` lies before the last event.
        StateError
            The shares of groups add up to a multiple of 2**32, so that the slice is undefined; or this
            scheduler was made with `hz`, and ticks by itself.

        Notes
        -----
        Cost O(1), and O(log n) if the turn ends; one or two divisions a level.
        Model: Linux 2.6.24, scheduler_tick, check_preempt_tick (specification 5.10).
        """
        cdef rq *rq = self.rq_of(cpu)
        cdef ns_t now = self.time_of(now_ns)
        cdef task_t *before = rq.curr
        if self.ticks.hz:
            why = f"this Scheduler ticks by itself, hz = {self.ticks.hz}"
            raise StateError(f"{why}: move time on by advance()")
        self.defined(rq, before, EVENT_TICK, NULL, "tick")
        self.begin(rq, now)
        scheduler_tick(rq)
        return self.end(rq, before)

    def set_nice(self, Task task, nice, *, now_ns=None):
        """Renice a task. Its virtual time is not rescaled; the time since the last charge counts at the old
        weight.

        Parameters
        ----------
        task : Task
        nice : int
            -20 ... 19; the present value does nothing.
        now_ns : int, optional
            Default: the time of the last event. Also reachable as ``task.nice = 5``.

        Returns
        -------
        bool
            True if the running task of its CPU changed.

        Raises
        ------
        StateError
            nice is out of range; the task has exited or belongs to another scheduler.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Model: Linux 2.6.24, set_user_nice (specification 5.13).
        """
        cdef task_t *p = self.living(task)
        cdef int8_t value = checked_nice(nice)
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef task_t *before
        if self.ticks.hz:
            self.catch_up(now)
        before = p.rq.curr
        if value != p.nice:
            self.defined(p.rq, p, EVENT_REQUEUE, NULL, "set_nice")
        self.begin(p.rq, now)
        set_user_nice(p, value)
        return self.end(p.rq, before)

    def set_slice(self, Task task, slice_ns, *, now_ns=None):
        """Give a task a slice of its own, as sched_setattr() does. In models with the option ``"slice"``.

        Parameters
        ----------
        task : Task
        slice_ns : int
            Length of the slice, ns, which the model clamps; 0: back to the default.
        now_ns : int, optional
            Default: the time of the last event. Also reachable as ``task.slice_ns = 3_000_000``.

        Returns
        -------
        bool
            True if the running task of its CPU changed.

        Raises
        ------
        ModelError
            The model has no custom slices.
        StateError
            slice_ns is no u64; the task has exited or belongs to another scheduler.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Model: Linux 6.18, sched_setattr (specification 9.5).
        """
        cdef task_t *p = self.living(task)
        cdef ns_t value = integer_in(slice_ns, "slice_ns", 0, U64_MAX, StateError)
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef task_t *before
        self.allowed("slice", "custom slices")
        if self.ticks.hz:
            self.catch_up(now)
        before = p.rq.curr
        self.begin(p.rq, now)
        sched_set_slice(p, value)
        return self.end(p.rq, before)

    def set_policy(self, Task task, policy, *, now_ns=None):
        """Change the policy of a task; also if it is the same, which restarts the turn of a running one.

        Parameters
        ----------
        task : Task
        policy : {"normal", "batch", "idle"}
        now_ns : int, optional
            Default: the time of the last event. Also reachable as ``task.policy = "batch"``.

        Returns
        -------
        bool
            True if the running task of its CPU changed.

        Raises
        ------
        StateError
            No such policy; the task has exited or belongs to another scheduler.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Model: Linux 2.6.24, sched_setscheduler (specification 5.14).
        """
        cdef task_t *p = self.living(task)
        cdef uint8_t value = checked_policy(policy)
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef task_t *before
        if policy not in self.model.policies:
            raise StateError(f"policy = {policy!r} is none of {', '.join(self.model.policies)}")
        if self.ticks.hz:
            self.catch_up(now)
        before = p.rq.curr
        self.defined(p.rq, p, EVENT_REQUEUE, NULL, "set_policy")
        self.begin(p.rq, now)
        sched_setscheduler(p, value)
        return self.end(p.rq, before)

    def move(self, Task task, *, uid=None, group=None, now_ns=None):
        """Move a task to another control group, or give it another uid.

        Its virtual time is taken over as it is, although the floors of groups differ: a moved task may
        dominate its new group, or starve there, for a while. That is what the kernel does.

        Parameters
        ----------
        task : Task
        uid : int, optional
            With ``group_by="uid"``; a new user gets a group of 1024 shares.
        group : TaskGroup or str, optional
            With ``group_by="cgroup"``.
        now_ns : int, optional
            Default: the time of the last event.

        Returns
        -------
        bool
            False: a move never reschedules.

        Raises
        ------
        GroupError
            Neither or both of `uid` and `group`, or no such group.
        StateError
            The task has exited or belongs to another scheduler.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Model: Linux 2.6.24, sched_move_task (specification 5.15).
        """
        cdef task_t *p = self.living(task)
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef task_t *before
        cdef task_group *tg
        if uid is None and group is None:
            raise GroupError("move needs uid= or group=")
        if self.ticks.hz:
            self.catch_up(now)
        before = p.rq.curr
        known = len(self.group_addresses)
        tg = self.group_argument(p, uid, group)
        try:
            self.defined(p.rq, p, EVENT_MOVE, tg, "move")
        except StateError:
            if len(self.group_addresses) > known:
                self.forget_group(tg)
            raise
        self.begin(p.rq, now)
        sched_move_task(p, tg)
        return self.end(p.rq, before)

    def migrate(self, Task task, cpu, *, now_ns=None):
        """Move a waiting, blocked or new task to another CPU, keeping its distance to the floor of its queue.

        Parameters
        ----------
        task : Task
            It must not be running.
        cpu : int
            CPU to move to, which executes the move.
        now_ns : int, optional
            Default: the time of the last event.

        Returns
        -------
        bool
            True if the running task of `cpu` changed.

        Raises
        ------
        StateError
            The task runs, has exited, or belongs to another scheduler; there is no such CPU.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log n). Model: Linux 2.6.24, set_task_cpu: vruntime -= old floor - new floor (specification
        6.2).
        """
        cdef task_t *p = self.living(task)
        cdef rq *to = self.rq_of(cpu)
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef task_t *before
        if self.ticks.hz:
            self.catch_up(now)
        before = to.curr
        if p == p.rq.curr:
            raise StateError(f"{task!r} runs: only a waiting or blocked task can be migrated")
        if p.rq == to:
            return False
        self.defined(to, p, EVENT_MIGRATE, NULL, "migrate")
        self.begin(to, now)
        migrate_task(p, to)
        return self.end(to, before)

    # ------------------------------------------------------------------------------------------------- groups

    cdef task_group *group_argument(self, task_t *parent, uid, group) except? NULL:
        # the group that uid= or group= names; that of `parent` if neither is given; NULL without groups
        if uid is None and group is None:
            return parent.group
        if uid is not None:
            if self.m.group_by != GROUP_BY_UID:
                raise GroupError(f"uid={uid!r} needs Scheduler(group_by='uid')")
            uid = integer_in(uid, "uid", 0, 2**32 - 1, GroupError)
            return self.find_group(f"uid:{uid}", uid)
        if self.m.group_by != GROUP_BY_CGROUP:
            raise GroupError(f"group={group!r} needs Scheduler(group_by='cgroup')")
        return self.group_of(group)

    cdef task_group *group_of(self, group) except NULL:
        # of a handle or a name
        if not isinstance(group, TaskGroup):
            return self.find_group(group, None)
        if (<TaskGroup>group).sched is not self or (<TaskGroup>group).tg == NULL:
            raise GroupError(f"{group!r} was removed or belongs to another scheduler")
        return (<TaskGroup>group).tg

    cdef task_group *find_group(self, name, uid) except NULL:
        # a user that is not there yet is made
        address = self.group_addresses.get(name)
        if address is not None:
            return <task_group *><uintptr_t>address
        if uid is None:
            known = ", ".join(map(repr, self.group_addresses))
            raise GroupError(f"there is no group {name!r}; there are {known}")
        return self.make_group(name, self.m.root_group, uid)

    cdef task_group *make_group(self, name, task_group *parent, int64_t uid) except NULL:
        cdef task_group *tg = new_group(&self.m, parent, uid)
        self.remember_group(tg, name)
        return tg

    cdef int remember_group(self, task_group *tg, name) except -1:
        self.group_addresses[name] = <uintptr_t>tg
        self.group_names[tg.id] = name

    cdef int forget_group(self, task_group *tg) except -1:
        if tg.handle != NULL:
            (<TaskGroup>tg.handle).tg = NULL
        del self.group_addresses[self.group_names.pop(tg.id)]
        free_group(tg)
        return 0

    def create_group(self, name, *, shares=1024, parent=None, now_ns=None):
        """Make a control group of this name and these shares.

        Parameters
        ----------
        name : str
            Its name; ``"/"`` is the root group, which exists.
        shares : int, optional
            Its weight on each CPU; less than 2 becomes 2.
        parent : TaskGroup or str, optional
            Default: the root group. How deep groups may be nested depends on the model; in 2.6.24 one level.
        now_ns : int, optional
            Default: the time of the last event. The clock is not refreshed.

        Returns
        -------
        TaskGroup

        Raises
        ------
        GroupError
            The scheduler does not group by control group, the group exists, or it would be on a second level.
        """
        if self.m.group_by != GROUP_BY_CGROUP:
            raise GroupError("create_group needs Scheduler(group_by='cgroup')")
        if not isinstance(name, str) or not name:
            raise GroupError(f"the name of a group is a string that is not empty, not {name!r}")
        if name in self.group_addresses:
            raise GroupError(f"the group {name!r} exists already")
        return self.new_group_handle(name, self.parent_argument(parent), -1, shares, now_ns)

    cdef task_group *parent_argument(self, parent) except NULL:
        cdef task_group *tg = self.m.root_group if parent is None else self.group_of(parent)
        cdef task_group *above = tg
        depth = 1
        while above.parent != NULL:
            above, depth = above.parent, depth + 1
        if self.model.group_levels is not None and depth > self.model.group_levels:
            raise GroupError(f"{self.model.id} has {self.model.group_levels} level of groups below the root")
        return tg

    def create_user(self, uid, *, shares=1024, now_ns=None):
        """Make the group of a user before its first task appears. `fork` and `move` do it on their own.

        Parameters
        ----------
        uid : int
        shares : int, optional
            Its weight on each CPU; less than 2 becomes 2.
        now_ns : int, optional
            Default: the time of the last event. The clock is not refreshed.

        Returns
        -------
        User

        Raises
        ------
        GroupError
            The scheduler does not group by uid, or the user exists.
        """
        if self.m.group_by != GROUP_BY_UID:
            raise GroupError("create_user needs Scheduler(group_by='uid')")
        uid = integer_in(uid, "uid", 0, 2**32 - 1, GroupError)
        name = f"uid:{uid}"
        if name in self.group_addresses:
            raise GroupError(f"user {uid} exists already")
        return self.new_group_handle(name, self.m.root_group, uid, shares, now_ns)

    cdef object new_group_handle(self, name, task_group *parent, int64_t uid, shares, now_ns):
        cdef uint64_t value = checked_shares(shares)
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef rq *rq = self.rq_of(0)
        cdef task_t *before
        cdef task_group *tg
        if self.ticks.hz:
            self.catch_up(now)
        before = rq.curr
        tg = self.make_group(name, parent, uid)
        self.begin(rq, now)
        sched_group_set_shares(tg, value)
        self.end(rq, before)
        return self.group_handle_of(tg)

    def remove_group(self, group):
        """Remove a control group or a user that has no tasks left.

        Parameters
        ----------
        group : TaskGroup, User or str

        Raises
        ------
        GroupError
            It has tasks, is the root group, or is not there.
        """
        cdef rq *rq = self.rq_of(0)
        cdef task_t *before = rq.curr
        cdef task_group *tg = self.group_of(group)
        name = self.group_names[tg.id]
        if tg == self.m.root_group:
            raise GroupError(f"{name!r} is the root group")
        if tg.nr_tasks:
            raise GroupError(f"{name!r} still has {tg.nr_tasks} tasks")
        if tg.nr_children:
            raise GroupError(f"{name!r} still has {tg.nr_children} groups below it")
        self.begin(rq, self.now)
        self.forget_group(tg)
        self.end(rq, before)

    def set_shares(self, group, shares, *, now_ns=None):
        """Write the shares of a group. Also reachable as ``group.shares = 512``.

        Parameters
        ----------
        group : TaskGroup, User or str
        shares : int
            Its weight on each CPU; less than 2 becomes 2.
        now_ns : int, optional
            Default: the time of the last event. The clock is not refreshed: the time since the last charge
            counts at the new weight.

        Raises
        ------
        GroupError
            No such group, or shares below 0.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(log groups) and one division a CPU. Model: Linux 2.6.24, sched_group_set_shares (specification
        5.16).
        """
        cdef uint64_t value = checked_shares(shares)
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef rq *rq = self.rq_of(0)
        cdef task_t *before
        cdef task_group *tg = self.group_of(group)
        if tg == self.m.root_group:
            self.root_group_has_shares(self.group_by)
        if self.ticks.hz:
            self.catch_up(now)
        before = rq.curr
        self.begin(rq, now)
        sched_group_set_shares(tg, value)
        self.end(rq, before)

    def set_group_idle(self, group, idle, *, now_ns=None):
        """Write cpu.idle of a group. In models with the option ``"group idle"``. Also ``group.idle = True``.

        Parameters
        ----------
        group : TaskGroup or str
        idle : bool
        now_ns : int, optional
            Default: the time of the last event.

        Raises
        ------
        ModelError
            The model has no idle groups.
        GroupError
            No such group, or it is the root group.
        TimeError
            `now_ns` lies before the last event.

        Notes
        -----
        Cost O(depth log n). Model: Linux 6.18, sched_group_set_idle (specification 9.6).
        """
        cdef ns_t now = self.now if now_ns is None else self.time_of(now_ns)
        cdef rq *rq = self.rq_of(0)
        cdef task_t *before
        cdef task_group *tg
        self.allowed("group idle", "idle groups")
        tg = self.group_of(group)
        if tg == self.m.root_group:
            raise GroupError(f"{self.group_names[tg.id]!r} is the root group")
        if idle not in (0, 1):
            raise GroupError(f"idle = {idle!r} is neither True nor False")
        if self.ticks.hz:
            self.catch_up(now)
        before = rq.curr
        self.begin(rq, now)
        sched_group_set_idle(tg, idle)
        self.end(rq, before)

    @property
    def groups(self):
        """Mapping of name to `TaskGroup`: all groups, the root group first. Empty without groups."""
        return Groups(self, {name: name for name in self.group_addresses})

    @property
    def users(self):
        """Mapping of uid to `User`, with ``group_by="uid"``; otherwise empty."""
        if self.m.group_by != GROUP_BY_UID:
            return Groups(self, {})
        return Groups(self, {int(name[4:]): name for name in self.group_addresses})

    def _group_named(self, name):
        return self.group_handle_of(self.find_group(name, None))

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
    def current(self):
        """The running task of CPU 0, or None if it idles."""
        return self.current_on(0)

    def current_on(self, cpu):
        """The running task of this CPU, or None if it idles."""
        cdef rq *rq = self.rq_of(cpu)
        return None if rq.curr == rq.idle else self.handle_of(rq.curr)

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

    def queue_fields(self, group=None, cpu=0):
        """State of a queue, by kernel name: min_vruntime, load_weight, nr_running.

        Parameters
        ----------
        group : TaskGroup, User or str, optional
            Whose queue. Default: the CPU's top queue.
        cpu : int, optional

        Returns
        -------
        dict of str to int
        """
        return read_fields(self.m.sched_class.queue_fields, self.queue_of(group, cpu))

    def queue(self, group=None, cpu=0, *, running=False):
        """Who waits in a queue, leftmost (the next to run) first. The running entity is not among them.

        Parameters
        ----------
        group : TaskGroup, User or str, optional
            Whose queue. Default: the CPU's top queue, which holds the groups if there are groups.
        cpu : int, optional
        running : bool, optional
            Show the running task as well, where it stands, in models that leave it in the queue (2.6.22,
            2.6.23).

        Returns
        -------
        list of Task or TaskGroup

        Notes
        -----
        Cost O(n).
        """
        cdef const void *queue = self.queue_of(group, cpu)
        cdef size_t nr = self.m.sched_class.list_queue(queue, NULL, 0)
        cdef queued *entities = <queued *>malloc((nr + 1) * sizeof(queued))
        cdef size_t i
        if entities == NULL:
            raise MemoryError
        try:
            self.m.sched_class.list_queue(queue, entities, nr)
            return [
                self.handle_of(entities[i].p)
                if entities[i].p != NULL
                else self.group_handle_of(entities[i].tg)
                for i in range(nr)
                if running or entities[i].p == NULL or entities[i].p != entities[i].p.rq.curr
            ]
        finally:
            free(entities)

    def queue_entities(self, group=None, cpu=0):
        """Entities that a queue points to, by kernel name: ``curr`` (runs, or contains who runs), ``next``
        (the buddy).

        Parameters
        ----------
        group : TaskGroup, User or str, optional
            Whose queue. Default: the CPU's top queue.
        cpu : int, optional

        Returns
        -------
        dict of str to (Task, TaskGroup or None)
            Empty in models that show none.
        """
        cdef const char *queue = <const char *>self.queue_of(group, cpu)
        cdef const field *f = self.m.sched_class.queue_entities
        cdef const void *entity
        pointed_to = {}
        while f != NULL and f.name != NULL:
            entity = (<const void **>(queue + f.offset))[0]
            pointed_to[f.name.decode()] = None if entity == NULL else self.entity_handle_of(entity)
            f += 1
        return pointed_to

    cdef object entity_handle_of(self, const void *entity):
        cdef queued who = self.m.sched_class.queued_of(entity)
        return self.handle_of(who.p) if who.p != NULL else self.group_handle_of(who.tg)

    cdef void *queue_of(self, group, cpu) except NULL:
        cdef rq *rq = self.rq_of(cpu)
        if group is None:
            return self.m.sched_class.root_queue(rq)
        return self.m.sched_class.group_queue(self.group_of(group), rq.cpu)

    @property
    def hz(self):
        """Ticks a second that it does by itself; None if it ticks when it is told to."""
        return self.ticks.hz or None

    def task(self, id):
        """The living task of this id (`Task.id`): in a copy, the counterpart of a task of the original.

        Parameters
        ----------
        id : int

        Returns
        -------
        Task

        Raises
        ------
        StateError
            No task has this id, or it has exited.

        Notes
        -----
        Cost O(tasks), about a nanosecond each.
        """
        cdef uint64_t number = integer_in(id, "id", 1, U64_MAX, StateError)
        cdef uint32_t slot
        for slot in range(self.m.nr_slots):
            if self.m.tasks[slot] != NULL and self.m.tasks[slot].id == number:
                return self.handle_of(self.m.tasks[slot])
        if number <= self.m.nr_forked:
            raise StateError(f"task {number} has exited")
        raise StateError(f"there was no task {number}")

    @property
    def tasks(self):
        """All living tasks, in order of creation (list). Cost O(n log n)."""
        cdef uint32_t slot
        living = []
        for slot in range(self.m.nr_slots):
            if self.m.tasks[slot] != NULL:
                living.append(self.handle_of(self.m.tasks[slot]))
        return sorted(living, key=operator.attrgetter("id"))

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
        running = ", ".join(
            "idle" if self.current_on(cpu) is None else self.current_on(cpu).name
            for cpu in range(min(self.m.nr_cpus, 4))
        )
        grouped = f", by {self.group_by}" if self.group_by else ""
        more = ", ..." if self.m.nr_cpus > 4 else ""
        return (
            f"<Scheduler {self.model.id}{grouped} at {self.now} ns: {self.nr_running} of "
            f"{self.m.nr_slots - self.m.nr_free} tasks runnable, running {running}{more}>"
        )

    # ------------------------------------------------------------------------------------------------ handles

    cdef Task handle_of(self, task_t *p):
        cdef Task handle
        if p.handle != NULL:
            return <Task>p.handle
        handle = Task.__new__(Task)
        handle.sched = self
        handle.id = p.id
        handle.name = self.names.get(p.id) or f"task-{p.id}"
        handle.p = p
        p.handle = <void *>handle
        return handle

    cdef TaskGroup group_handle_of(self, task_group *tg):
        cdef TaskGroup handle
        if tg.handle != NULL:
            return <TaskGroup>tg.handle
        handle = User.__new__(User) if self.m.group_by == GROUP_BY_UID else TaskGroup.__new__(TaskGroup)
        handle.sched = self
        handle.name = self.group_names[tg.id]
        handle.tg = tg
        tg.handle = <void *>handle
        return handle


cdef int write_tunables(const sched_class *cls, uint64_t *values, tunables) except -1:
    cdef const field *f = cls.tunables
    while f.name != NULL:
        (<uint64_t *>(<char *>values + f.offset))[0] = getattr(tunables, f.name.decode())
        f += 1
    return 0


def _revive(cls, data, model):
    # what a pickle and a copy call
    return cls.from_bytes(data, model=model)


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

# ------------------------------------------------------------------------------------------------------- Task


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

    cdef task_t *living(self) except NULL:
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
        cdef task_t *p = self.living()
        return None if p.group == NULL else self.sched.group_handle_of(p.group)

    @property
    def uid(self):
        """Its uid with ``group_by="uid"``, otherwise None."""
        cdef task_t *p = self.living()
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
        return None if tg.parent == NULL else self.sched.group_handle_of(tg.parent)

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
