"""What tables and figures count of a log of runs: sums, quantiles and coverage of each key, in one pass each.

What it decides: that nothing is sorted. A log has millions of rows and is asked the same for tasks, names, groups and
lines, so each question costs some ns a row, however many keys there are.

Values are first laid out key by key (count, then place). The value of a rank is then found by counting: values fall
into `NR_BUCKETS` buckets, the one that holds the rank is known from the counts, and its values are counted again in
finer ones, until a bucket is one value wide. The first buckets are logarithmic, 32 a doubling, because waits are many
short ones and a few long ones; so two or three passes find a rank exactly, and none takes more than six.

Coverage is how much of each cell between two edges some intervals cover. An interval is a ramp that goes up at its
begin less one that goes up at its end, and a ramp is a part of the cell where it begins and the whole of all cells
after it: two additions, wherever it ends.

Invariants:
    I1  sums, counts, ranks and coverage are exact integers, whatever the order of the rows
    I2  quantiles are nearest-rank: the value of rank ceil(n * part) of the ordered values
    I3  a rank costs O(values) at worst, also for values that somebody has chosen

Rows come as columns of numpy, strided as they lie, so nothing is copied and no layout is said twice. Rejected: a sort
by (key, value) (ten times the time); quickselect (quadratic for a bad input, and it moves the values).
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

import numpy as np

from ._bits cimport highest_bit

cdef enum:
    NR_BUCKETS = 2048
    BITS = 11                   # of NR_BUCKETS
    FINE_BITS = 5               # logarithmic buckets: 32 a doubling
    FEW = 48                    # as many values are sorted by insertion
    NR_KINDS = 4                # how a wait began: 1 ... 3 as result.Ready, 0 for all others
    NR_OUTS = 5                 # of cfs.result.Out
    NR_NUMBERS = 6              # count, sum, three quantiles, maximum
    FOUND = 4                   # cfs.result.Ready: it ran already
    RUNNING = 0                 # cfs.result.Out: it runs still
    NOT_KNOWN = 4               # cfs.result.Out: UNKNOWN; nor is where it ended

cdef enum:                      # places in a row of sums; SUMS_DTYPE of cfs.sums is tested equal
    SUM_CPU = 0
    SUM_OUT = 1                 # NR_OUTS of them
    SUM_UNKNOWN_WAITS = 6
    SUM_UNKNOWN_RUNS = 7
    NR_COUNTS = 8               # so far: what needs no room for a maximum
    SUM_WAITS = 8               # count, sum, maximum of each kind from 1 on
    SUM_RUNS = 17               # the same of run lengths
    NR_SUMS = 20

# -------------------------------------------------------------------------------------------------------- quantiles


cdef inline uint32_t log_bucket(uint64_t value) noexcept nogil:
    # in the order of the values; up to 63 each value has its own
    cdef int shift
    if value < 64:
        return <uint32_t>value
    shift = highest_bit(value) - FINE_BITS
    return (<uint32_t>shift << FINE_BITS) + <uint32_t>(value >> shift)


cdef inline void add_to_log_buckets(const int64_t *values, int64_t nr, int64_t least, uint32_t *counts) noexcept nogil:
    cdef int64_t i
    memset(counts, 0, NR_BUCKETS * sizeof(uint32_t))
    for i in range(nr):
        counts[log_bucket(<uint64_t>values[i] - <uint64_t>least)] += 1


cdef inline uint32_t bucket_of_rank(const uint32_t *counts, int64_t *rank) noexcept nogil:
    # the bucket that holds a rank; the rank becomes that in the bucket
    cdef uint32_t bucket = 0
    while rank[0] >= counts[bucket]:
        rank[0] -= counts[bucket]
        bucket += 1
    return bucket


cdef int64_t value_of_rank(
    const int64_t *values, int64_t nr, int64_t least, const uint32_t *log_counts, int64_t rank, uint32_t *counts
) noexcept nogil:
    # I3: each round looks at one bucket and leaves 11 bits less of it
    cdef uint32_t bucket = bucket_of_rank(log_counts, &rank)
    cdef int wide = (bucket >> FINE_BITS) - 1 if bucket >= 64 else 0    # the bucket has 2**wide values
    cdef uint64_t low = <uint64_t>((bucket & 31) + 32) << wide if bucket >= 64 else bucket
    cdef uint64_t first, above
    cdef int64_t i
    cdef int shift
    while wide:
        shift = max(wide - BITS, 0)
        first = low + <uint64_t>least
        memset(counts, 0, NR_BUCKETS * sizeof(uint32_t))
        for i in range(nr):
            above = <uint64_t>values[i] - first
            if above >> wide == 0:
                counts[above >> shift] += 1
        low += <uint64_t>bucket_of_rank(counts, &rank) << shift
        wide = shift
    return <int64_t>(low + <uint64_t>least)


cdef void sort_few(int64_t *values, int64_t nr) noexcept nogil:
    cdef int64_t i, at, value
    for i in range(1, nr):
        value, at = values[i], i
        while at and values[at - 1] > value:
            values[at] = values[at - 1]
            at -= 1
        values[at] = value


cdef inline int64_t rank_of(int64_t nr, int64_t percent) noexcept nogil:
    # I2, counted from 0
    return (nr * percent + 99) // 100 - 1


cdef void describe(int64_t *values, int64_t nr, int64_t *out, uint32_t *counts) noexcept nogil:
    # the numbers of some values, which may be put into another order; `counts` is room for two sets of buckets
    cdef int64_t i, least, greatest, total = 0
    if nr == 0:
        return
    least = greatest = values[0]
    for i in range(nr):
        total += values[i]
        least, greatest = min(least, values[i]), max(greatest, values[i])
    out[0], out[1], out[5] = nr, total, greatest
    if nr <= FEW:
        sort_few(values, nr)
        out[2], out[3], out[4] = values[rank_of(nr, 50)], values[rank_of(nr, 95)], values[rank_of(nr, 99)]
        return
    add_to_log_buckets(values, nr, least, counts)
    out[2] = value_of_rank(values, nr, least, counts, rank_of(nr, 50), counts + NR_BUCKETS)
    out[3] = value_of_rank(values, nr, least, counts, rank_of(nr, 95), counts + NR_BUCKETS)
    out[4] = value_of_rank(values, nr, least, counts, rank_of(nr, 99), counts + NR_BUCKETS)

# ------------------------------------------------------------------------------------------------------- rows by key


cdef void check_keys(const int64_t[::1] key_of, int64_t least, Py_ssize_t nr_keys) except *:
    cdef Py_ssize_t i
    for i in range(key_of.shape[0]):
        if not least <= key_of[i] < nr_keys:
            raise IndexError(f"task {i} has key {key_of[i]}; there are {nr_keys}")


cdef int check_lengths(Py_ssize_t nr, tuple columns) except -1:
    # what is read up to the length of one column must be as long
    for length in columns:
        if length != nr:
            raise ValueError(f"a column has {length} rows, and another one {nr}")
    return 0


cdef void check_tasks(Py_ssize_t nr_tasks, const uint32_t[:] task, Py_ssize_t reached) except *:
    # a pass over the runs stops at one whose task does not exist
    if reached < task.shape[0] and task[reached] >= nr_tasks:
        raise IndexError(f"a run is of task {task[reached]}; there are {nr_tasks}")


cdef inline bint has_length(uint8_t ready, uint8_t out, int64_t start_ns, int64_t end_ns) noexcept nogil:
    # not of a run whose end is not known, or that was found at its very end
    return out != NOT_KNOWN and not (ready == FOUND and start_ns == end_ns)


cdef inline bint is_known_wait(uint8_t ready, int64_t ready_ns) noexcept nogil:
    return ready and ready_ns >= 0


cdef inline Py_ssize_t slot_of(int64_t key, uint8_t kind) noexcept nogil:
    return key * NR_KINDS + (kind if kind < NR_KINDS else 0)


cdef int64_t lay_out(int64_t[::1] ends) noexcept nogil:
    # from how many are in each slot to where each begins; returns how many there are
    cdef Py_ssize_t i
    cdef int64_t begin = 0
    for i in range(ends.shape[0]):
        begin += ends[i]
        ends[i] = begin - ends[i]
    return begin


cdef inline void count_run(int64_t *of, uint8_t ready, uint8_t out, int64_t start_ns, int64_t end_ns) noexcept nogil:
    # in a row of sums
    of[SUM_CPU] += end_ns - start_ns
    of[SUM_OUT + (out if out < NR_OUTS else 0)] += 1
    of[SUM_UNKNOWN_WAITS] += ready == 0
    of[SUM_UNKNOWN_RUNS] += not has_length(ready, out, start_ns, end_ns)


def counts(
    const int64_t[::1] key_of,
    Py_ssize_t nr_keys,
    const uint32_t[:] task,
    const uint8_t[:] ready,
    const uint8_t[:] out,
    const int64_t[:] start_ns,
    const int64_t[:] end_ns,
):
    """CPU time of each key, how many of its runs ended how, and of how many the wait or the length is not known.

    Parameters
    ----------
    key_of : numpy.ndarray
        ``(nr_tasks,)`` int64: the key of each task.
    nr_keys : int
    task, ready, out, start_ns, end_ns : numpy.ndarray
        Columns of `cfs.result.RUN_DTYPE`.

    Returns
    -------
    numpy.ndarray
        ``(nr_keys, 8)`` int64: a row of `cfs.sums.COUNTS_DTYPE` each.

    Notes
    -----
    Cost about 7 ns a run.
    """
    check_keys(key_of, 0, nr_keys)
    check_lengths(task.shape[0], (ready.shape[0], out.shape[0], start_ns.shape[0], end_ns.shape[0]))
    table = np.zeros((nr_keys, NR_COUNTS), np.int64)
    cdef int64_t[:, ::1] rows = table
    cdef Py_ssize_t i = 0, nr = task.shape[0], nr_tasks = key_of.shape[0]
    with nogil:
        while i < nr and task[i] < nr_tasks:
            count_run(&rows[key_of[task[i]], 0], ready[i], out[i], start_ns[i], end_ns[i])
            i += 1
    check_tasks(nr_tasks, task, i)
    return table


def totals_within(
    const int64_t[::1] key_of,
    Py_ssize_t nr_keys,
    const uint32_t[:] task,
    const int64_t[:] start_ns,
    const int64_t[:] end_ns,
    const uint8_t[:] ready,
    const int64_t[:] ready_ns,
    int64_t begin,
    int64_t until,
):
    """CPU time, runs and time waited of each key in a part of the span.

    Parameters
    ----------
    key_of, nr_keys
        As for `counts`.
    task, start_ns, end_ns, ready, ready_ns : numpy.ndarray
        Columns of `cfs.result.RUN_DTYPE`.
    begin, until : int
        The part, ns. Runs are cut at its edges; a wait counts as a whole if it ends in it.

    Returns
    -------
    numpy.ndarray
        ``(3, nr_keys)`` int64: ns run, runs that the part has some of, ns waited.
    """
    check_keys(key_of, 0, nr_keys)
    check_lengths(task.shape[0], (start_ns.shape[0], end_ns.shape[0], ready.shape[0], ready_ns.shape[0]))
    table = np.zeros((3, nr_keys), np.int64)
    cdef int64_t[:, ::1] rows = table
    cdef Py_ssize_t key, i = 0, nr = task.shape[0], nr_tasks = key_of.shape[0]
    with nogil:
        while i < nr and task[i] < nr_tasks:
            key = key_of[task[i]]
            if end_ns[i] > begin and start_ns[i] < until:
                rows[0, key] += min(end_ns[i], until) - max(start_ns[i], begin)
                rows[1, key] += 1
            if begin <= start_ns[i] < until and is_known_wait(ready[i], ready_ns[i]):
                rows[2, key] += start_ns[i] - ready_ns[i]
            i += 1
    check_tasks(nr_tasks, task, i)
    return table


def quantiles_of_runs(
    const int64_t[::1] key_of,
    Py_ssize_t nr_keys,
    const uint32_t[:] task,
    const uint8_t[:] ready,
    const uint8_t[:] out,
    const int64_t[:] start_ns,
    const int64_t[:] end_ns,
    bint with_all=False,
):
    """Count, sum, p50, p95, p99 and maximum of the lengths of runs, for each key.

    Parameters
    ----------
    key_of, nr_keys
        As for `counts`.
    task, ready, out, start_ns, end_ns : numpy.ndarray
        Columns of `cfs.result.RUN_DTYPE`. Runs whose length is not known do not count.
    with_all : bool, optional
        A row more, over all.

    Returns
    -------
    numpy.ndarray
        ``(nr_keys, 6)`` int64; 0 where there is nothing.

    Notes
    -----
    Cost about 15 ns a run, and 8 bytes.
    """
    check_keys(key_of, 0, nr_keys)
    check_lengths(task.shape[0], (ready.shape[0], out.shape[0], start_ns.shape[0], end_ns.shape[0]))
    return by_kind(key_of, nr_keys, task, ready, out, start_ns, end_ns, False, with_all)[0]


def quantiles_of_waits(
    const int64_t[::1] key_of,
    Py_ssize_t nr_keys,
    const uint32_t[:] task,
    const uint8_t[:] ready,
    const int64_t[:] ready_ns,
    const int64_t[:] start_ns,
    bint with_all=False,
):
    """The same of waits: of all, and of those that began in each way.

    Parameters
    ----------
    key_of, nr_keys
        As for `counts`.
    task, ready, ready_ns, start_ns : numpy.ndarray
        Columns of `cfs.result.RUN_DTYPE`. What is not known (`ready` is UNKNOWN, or `ready_ns` below 0) does not count.
    with_all : bool, optional
        A row more, over all.

    Returns
    -------
    numpy.ndarray
        ``(4, nr_keys, 6)`` int64: of all waits, then of those that `cfs.result.Ready` calls 1, 2 and 3.

    Notes
    -----
    Cost about 20 ns a run, and 8 bytes.
    """
    check_keys(key_of, 0, nr_keys)
    check_lengths(task.shape[0], (ready.shape[0], ready_ns.shape[0], start_ns.shape[0]))
    return by_kind(key_of, nr_keys, task, ready, None, ready_ns, start_ns, True, with_all)


cdef by_kind(
    const int64_t[::1] key_of,
    Py_ssize_t nr_keys,
    const uint32_t[:] task,
    const uint8_t[:] kind,
    const uint8_t[:] out_of,
    const int64_t[:] begin_ns,
    const int64_t[:] end_ns,
    bint is_wait,
    bint with_all,
):
    # of waits, or of runs: lengths laid out by (key, kind), so that those of a kind, and those of a key, each lie together
    cdef int64_t[::1] ends = np.zeros(nr_keys * NR_KINDS, np.int64)
    cdef Py_ssize_t slot, i = 0, nr = task.shape[0], nr_tasks = key_of.shape[0]
    cdef int64_t first = 0, last, nr_mine, nr_there
    cdef bint copied
    table = np.zeros((NR_KINDS, nr_keys + with_all, NR_NUMBERS), np.int64)
    cdef int64_t[:, :, ::1] out = table
    cdef uint32_t[::1] counts = np.empty(2 * NR_BUCKETS, np.uint32)
    with nogil:
        while i < nr and task[i] < nr_tasks:
            if is_wait:
                if is_known_wait(kind[i], begin_ns[i]):
                    ends[slot_of(key_of[task[i]], kind[i])] += 1
            elif has_length(kind[i], out_of[i], begin_ns[i], end_ns[i]):
                ends[slot_of(key_of[task[i]], 1)] += 1
            i += 1
        nr_there = lay_out(ends)
    check_tasks(nr_tasks, task, i)
    cdef int64_t[::1] values = np.empty(nr_there + 1, np.int64)
    with nogil:
        for i in range(nr):
            if is_wait:
                if not is_known_wait(kind[i], begin_ns[i]):
                    continue
                slot = slot_of(key_of[task[i]], kind[i])
            elif has_length(kind[i], out_of[i], begin_ns[i], end_ns[i]):
                slot = slot_of(key_of[task[i]], 1)
            else:
                continue
            values[ends[slot]] = end_ns[i] - begin_ns[i]
            ends[slot] += 1
    if with_all and is_wait:    # first, for `describe` may sort
        describe_kinds(values, ends, nr_keys, out, counts)
    with nogil:
        for i in range(nr_keys):
            last = ends[i * NR_KINDS + NR_KINDS - 1]
            if is_wait:
                for slot in range(i * NR_KINDS + 1, (i + 1) * NR_KINDS):
                    nr_mine = ends[slot] - ends[slot - 1]
                    describe(&values[ends[slot - 1]], nr_mine, &out[slot - i * NR_KINDS, i, 0], &counts[0])
            copied = False
            for slot in range(1, NR_KINDS):
                if is_wait and out[slot, i, 0] == last - first:    # all are of one kind
                    memcpy(&out[0, i, 0], &out[slot, i, 0], NR_NUMBERS * sizeof(int64_t))
                    copied = True
            if not copied:
                describe(&values[first], last - first, &out[0, i, 0], &counts[0])
            first = last
        if with_all:
            describe(&values[0], first, &out[0, nr_keys, 0], &counts[0])
    return table


cdef describe_kinds(
    const int64_t[::1] values,
    const int64_t[::1] ends,
    Py_ssize_t nr_keys,
    int64_t[:, :, ::1] out,
    uint32_t[::1] counts,
):
    # in the row over all; waits of a kind do not lie together and are put together
    cdef int64_t nr
    cdef Py_ssize_t kind, key, slot
    cdef int64_t most = 0
    for kind in range(1, NR_KINDS):
        nr = 0
        for key in range(nr_keys):
            slot = key * NR_KINDS + kind
            nr += ends[slot] - ends[slot - 1]
        most = max(most, nr)
    cdef int64_t[::1] together = np.empty(most + 1, np.int64)
    with nogil:
        for kind in range(1, NR_KINDS):
            nr = 0
            for key in range(nr_keys):
                slot = key * NR_KINDS + kind
                memcpy(&together[nr], &values[ends[slot - 1]], (ends[slot] - ends[slot - 1]) * sizeof(int64_t))
                nr += ends[slot] - ends[slot - 1]
            describe(&together[0], nr, &out[kind, nr_keys, 0], &counts[0])

def waits_within(
    const uint8_t[::1] chosen,
    const uint32_t[:] task,
    const uint8_t[:] ready,
    const int64_t[:] ready_ns,
    const int64_t[:] start_ns,
    int64_t begin,
    int64_t until,
):
    """The known waits of some tasks that end in a part of the span.

    Parameters
    ----------
    chosen : numpy.ndarray
        ``(nr_tasks,)`` uint8: 1 for each task that counts.
    task, ready, ready_ns, start_ns : numpy.ndarray
        Columns of `cfs.result.RUN_DTYPE`.
    begin, until : int
        The part, ns.

    Returns
    -------
    numpy.ndarray
        ``(nr_waits,)`` int64, ns, in the order of the runs.
    """
    cdef Py_ssize_t i = 0, nr = task.shape[0], nr_tasks = chosen.shape[0]
    cdef int64_t there = 0
    check_lengths(nr, (ready.shape[0], ready_ns.shape[0], start_ns.shape[0]))
    with nogil:
        while i < nr and task[i] < nr_tasks:
            if chosen[task[i]] and begin <= start_ns[i] < until and is_known_wait(ready[i], ready_ns[i]):
                there += 1
            i += 1
    check_tasks(nr_tasks, task, i)
    found = np.empty(there, np.int64)
    cdef int64_t[::1] waits = found
    there = 0
    with nogil:
        for i in range(nr):
            if chosen[task[i]] and begin <= start_ns[i] < until and is_known_wait(ready[i], ready_ns[i]):
                waits[there] = start_ns[i] - ready_ns[i]
                there += 1
    return found


def ran_within(
    Py_ssize_t nr_tasks,
    const uint8_t[::1] chosen,
    const uint32_t[:] task,
    const uint16_t[:] cpu,
    const int64_t[:] start_ns,
    const int64_t[:] end_ns,
    int64_t begin,
    int64_t until,
):
    """Which tasks have a run on some CPUs that touches a part of the span: ``(nr_tasks,)`` uint8.

    Parameters
    ----------
    nr_tasks : int
    chosen : numpy.ndarray
        uint8: 1 for each CPU that counts; those beyond its end do not.
    task, cpu, start_ns, end_ns : numpy.ndarray
        Columns of `cfs.result.RUN_DTYPE`.
    begin, until : int
        The part, ns.
    """
    check_lengths(task.shape[0], (cpu.shape[0], start_ns.shape[0], end_ns.shape[0]))
    found = np.zeros(nr_tasks, np.uint8)
    cdef uint8_t[::1] ran = found
    cdef Py_ssize_t i = 0, nr = task.shape[0]
    with nogil:
        while i < nr and task[i] < nr_tasks:
            if cpu[i] < chosen.shape[0] and chosen[cpu[i]] and end_ns[i] >= begin and start_ns[i] < until:
                ran[task[i]] = 1
            i += 1
    check_tasks(nr_tasks, task, i)
    return found

# ------------------------------------------------------------------------------------------------------------- sums


cdef inline void add_one(int64_t *of, int64_t value) noexcept nogil:
    # to a count, a sum and a maximum
    of[0] += 1
    of[1] += value
    of[2] = max(of[2], value)


def add_to_sums(
    int64_t[:, ::1] sums,
    int64_t[::1] busy_ns,
    const uint32_t[:] task,
    const uint16_t[:] cpu,
    const uint8_t[:] ready,
    const uint8_t[:] out,
    const int64_t[:] ready_ns,
    const int64_t[:] start_ns,
    const int64_t[:] end_ns,
):
    """Add some runs to the running sums of their tasks and CPUs.

    Parameters
    ----------
    sums : numpy.ndarray
        ``(nr_tasks, 20)`` int64, a row of `cfs.sums.SUMS_DTYPE` each.
    busy_ns : numpy.ndarray
        ``(nr_cpus,)`` int64: CPU time of each CPU.
    task, cpu, ready, out, ready_ns, start_ns, end_ns : numpy.ndarray
        Columns of `cfs.result.RUN_DTYPE`.

    Notes
    -----
    Cost about 3 ns a run.
    """
    cdef Py_ssize_t i = 0, nr = task.shape[0], nr_tasks = sums.shape[0], nr_cpus = busy_ns.shape[0]
    cdef int64_t *of
    if sums.shape[1] != NR_SUMS:
        raise ValueError(f"a row of sums has {NR_SUMS} numbers, not {sums.shape[1]}")
    check_lengths(
        nr, (cpu.shape[0], ready.shape[0], out.shape[0], ready_ns.shape[0], start_ns.shape[0], end_ns.shape[0])
    )
    with nogil:
        while i < nr and task[i] < nr_tasks and cpu[i] < nr_cpus:
            of = &sums[task[i], 0]
            busy_ns[cpu[i]] += end_ns[i] - start_ns[i]
            count_run(of, ready[i], out[i], start_ns[i], end_ns[i])
            if is_known_wait(ready[i], ready_ns[i]) and ready[i] < NR_KINDS:
                add_one(of + SUM_WAITS + 3 * (ready[i] - 1), start_ns[i] - ready_ns[i])
            if has_length(ready[i], out[i], start_ns[i], end_ns[i]):
                add_one(of + SUM_RUNS, end_ns[i] - start_ns[i])
            i += 1
    check_tasks(nr_tasks, task, i)
    if i < nr:
        raise IndexError(f"a run is on CPU {cpu[i]}; there are {nr_cpus}")


def switches(
    const uint8_t[::1] chosen,
    const uint16_t[:] cpu,
    const uint8_t[:] ready,
    const uint8_t[:] out,
    const int64_t[:] start_ns,
    const int64_t[:] end_ns,
    int64_t begin,
    int64_t until,
):
    """Switches to a task, and those to idle, that happen on some CPUs in a part of the span.

    Parameters
    ----------
    chosen : numpy.ndarray
        uint8: 1 for each CPU that counts; those beyond its end do not.
    cpu, ready, out, start_ns, end_ns : numpy.ndarray
        Columns of `cfs.result.RUN_DTYPE`, those of each CPU in the order of `start_ns`.
    begin, until : int
        The part, ns.

    Notes
    -----
    Cost about 3 ns a run.
    """
    cdef Py_ssize_t i, here
    cdef int64_t nr = 0
    check_lengths(cpu.shape[0], (ready.shape[0], out.shape[0], start_ns.shape[0], end_ns.shape[0]))
    cdef int64_t[::1] left_ns = np.full(chosen.shape[0], -1, np.int64)   # when the last run was left; -1: it was not
    with nogil:
        for i in range(cpu.shape[0]):
            here = cpu[i]
            if here >= chosen.shape[0] or not chosen[here]:
                continue
            if begin <= left_ns[here] < until and start_ns[i] > left_ns[here]:
                nr += 1
            if begin <= start_ns[i] < until and ready[i] != FOUND:
                nr += 1
            left_ns[here] = -1 if out[i] == RUNNING or out[i] == NOT_KNOWN else end_ns[i]
        for here in range(chosen.shape[0]):
            nr += left_ns[here] >= 0 and begin <= left_ns[here] < until
    return nr

# --------------------------------------------------------------------------------------------------------- coverage


cdef inline void add_ramp(
    int64_t *part, int64_t *whole, const int64_t *edges, Py_ssize_t nr, double cells_a_ns, int64_t at_ns, int sign
) noexcept nogil:
    cdef Py_ssize_t cell
    if at_ns >= edges[nr]:
        return
    if at_ns <= edges[0]:
        whole[0] += sign
        return
    cell = min(<Py_ssize_t>((at_ns - edges[0]) * cells_a_ns), nr - 1)
    while edges[cell] > at_ns:      # edges are rounded, and so is the product
        cell -= 1
    while edges[cell + 1] <= at_ns:
        cell += 1
    part[cell] += sign * (edges[cell + 1] - at_ns)
    whole[cell + 1] += sign


def coverage(
    const int64_t[::1] row_of,
    Py_ssize_t nr_rows,
    const uint8_t[::1] chosen,
    const uint32_t[:] task,
    const uint16_t[:] cpu,
    const int64_t[:] begin_ns,
    const int64_t[:] end_ns,
    const int64_t[::1] edges,
    const uint8_t[:] kind=None,
):
    """How much of each cell between two edges the intervals of each row cover; overlapping ones count each.

    Parameters
    ----------
    row_of : numpy.ndarray
        ``(nr_tasks,)`` int64: the row of each task, -1 for none.
    nr_rows : int
    chosen : numpy.ndarray
        uint8: 1 for each CPU that counts; those beyond its end do not.
    task, cpu, begin_ns, end_ns : numpy.ndarray
        ``(n,)``: the intervals, in any order.
    edges : numpy.ndarray
        ``(m + 1,)`` int64, ns, increasing; those at about equal distances are found at once.
    kind : numpy.ndarray, optional
        The column `ready` of `cfs.result.RUN_DTYPE`: the intervals are waits, and those that are not known do not
        count.

    Returns
    -------
    numpy.ndarray
        ``(nr_rows, m)`` int64, ns.

    Notes
    -----
    Cost about 10 ns an interval, however long it is and however many rows and cells there are.
    """
    cdef Py_ssize_t row, i = 0, nr = edges.shape[0] - 1, nr_tasks = row_of.shape[0]
    cdef bint is_there, is_wait = kind is not None
    cdef double cells_a_ns
    check_keys(row_of, -1, nr_rows)
    check_lengths(task.shape[0], (cpu.shape[0], begin_ns.shape[0], end_ns.shape[0]))
    if is_wait:
        check_lengths(task.shape[0], (kind.shape[0],))
    if nr < 1:
        raise ValueError(f"cells lie between two edges or more, not {nr + 1}")
    cells_a_ns = nr / <double>max(edges[nr] - edges[0], 1)      # where to begin to look for a cell: no result hangs on it
    parts, wholes = np.zeros((2, nr_rows, nr + 1), np.int64)
    cdef int64_t[:, ::1] part = parts
    cdef int64_t[:, ::1] whole = wholes
    with nogil:
        while i < task.shape[0] and task[i] < nr_tasks:
            row = row_of[task[i]]
            is_there = row >= 0 and cpu[i] < chosen.shape[0] and chosen[cpu[i]]
            if is_there and (not is_wait or is_known_wait(kind[i], begin_ns[i])):
                add_ramp(&part[row, 0], &whole[row, 0], &edges[0], nr, cells_a_ns, begin_ns[i], 1)
                add_ramp(&part[row, 0], &whole[row, 0], &edges[0], nr, cells_a_ns, end_ns[i], -1)
            i += 1
    check_tasks(nr_tasks, task, i)
    return parts[:, :nr] + np.cumsum(wholes[:, :nr], 1) * np.diff(edges)
