# Floor 5: what is due next. Two binary heaps, inline: of the timers that wake tasks, and of CPUs.
#
#   timers      ordered by (time, seq), seq the order in which they were set; a task has at most one
#   cpu_heap    ordered by (time, number of the CPU); a CPU is in it once or not at all, and can be moved and taken out
#
# Both orders are total, so what comes first depends neither on how the heap was filled nor on the machine.
# A cpu_heap knows where each CPU lies, so moving one costs O(log n) in the CPUs that are in it, and the first is read for nothing.
#
# Room is made beforehand (init_timers, init_cpu_heap): nothing here fails.

from libc.stdlib cimport calloc, free

from .._types cimport int32_t, ns_t, uint32_t, uint64_t


cdef struct timer:
    ns_t time
    uint64_t seq
    uint32_t task


cdef struct timers:
    timer *heap
    size_t nr
    uint64_t seq                # of the next


cdef struct due_cpu:
    ns_t time
    int32_t cpu


cdef struct cpu_heap:
    due_cpu *heap
    int32_t *place              # of each CPU, counted from 1; 0: not in it
    int32_t nr

# ---------------------------------------------------------------------------------------------------------- timers


cdef inline bint init_timers(timers *t, size_t most) noexcept:
    t.nr = t.seq = 0
    t.heap = <timer *>calloc(most, sizeof(timer))
    return t.heap != NULL


cdef inline bint timer_before(const timer *a, const timer *b) noexcept nogil:
    return a.time < b.time or (a.time == b.time and a.seq < b.seq)


cdef inline void push_timer(timers *t, ns_t time, uint32_t task) noexcept nogil:
    cdef size_t at = t.nr
    cdef size_t parent
    cdef timer new
    new.time, new.seq, new.task = time, t.seq, task
    t.seq += 1
    t.nr += 1
    while at:
        parent = (at - 1) >> 1
        if not timer_before(&new, &t.heap[parent]):
            break
        t.heap[at] = t.heap[parent]
        at = parent
    t.heap[at] = new


cdef inline uint32_t pop_timer(timers *t) noexcept nogil:
    cdef uint32_t first = t.heap[0].task
    cdef timer last
    cdef size_t at = 0
    cdef size_t child
    t.nr -= 1
    last = t.heap[t.nr]
    while True:
        child = 2 * at + 1
        if child >= t.nr:
            break
        if child + 1 < t.nr and timer_before(&t.heap[child + 1], &t.heap[child]):
            child += 1
        if not timer_before(&t.heap[child], &last):
            break
        t.heap[at] = t.heap[child]
        at = child
    t.heap[at] = last
    return first

# ------------------------------------------------------------------------------------------------------------ CPUs


cdef inline bint init_cpu_heap(cpu_heap *h, int32_t nr_cpus) noexcept:
    h.nr = 0
    h.heap = <due_cpu *>calloc(nr_cpus, sizeof(due_cpu))
    h.place = <int32_t *>calloc(nr_cpus, sizeof(int32_t))
    return h.heap != NULL and h.place != NULL


cdef inline void free_cpu_heap(cpu_heap *h) noexcept:
    free(h.heap)
    free(h.place)


cdef inline bint cpu_before(const due_cpu *a, const due_cpu *b) noexcept nogil:
    return a.time < b.time or (a.time == b.time and a.cpu < b.cpu)


cdef inline void lay(cpu_heap *h, int32_t at, due_cpu what) noexcept nogil:
    h.heap[at] = what
    h.place[what.cpu] = at + 1


cdef inline void settle(cpu_heap *h, int32_t at, due_cpu what) noexcept nogil:
    # there is a hole at `at`: find the place for `what`, upwards or else downwards
    cdef int32_t next = (at - 1) >> 1
    while at and cpu_before(&what, &h.heap[next]):
        lay(h, at, h.heap[next])
        at = next
        next = (at - 1) >> 1
    while True:
        next = 2 * at + 1
        if next + 1 < h.nr and cpu_before(&h.heap[next + 1], &h.heap[next]):
            next += 1
        if next >= h.nr or not cpu_before(&h.heap[next], &what):
            break
        lay(h, at, h.heap[next])
        at = next
    lay(h, at, what)


cdef inline void put_cpu(cpu_heap *h, int32_t cpu, ns_t time) noexcept nogil:
    # into the heap, or to another place in it
    cdef due_cpu what
    cdef int32_t at = h.place[cpu] - 1
    what.time, what.cpu = time, cpu
    if at < 0:
        at = h.nr
        h.nr += 1
    settle(h, at, what)


cdef inline void take_cpu(cpu_heap *h, int32_t cpu) noexcept nogil:
    # out of it, if it is there
    cdef int32_t at = h.place[cpu] - 1
    if at < 0:
        return
    h.place[cpu] = 0
    h.nr -= 1
    if at < h.nr:
        settle(h, at, h.heap[h.nr])


cdef inline void renumber(cpu_heap *h) noexcept nogil:
    # after the heap itself was put back, with the same CPUs in it
    cdef int32_t at
    for at in range(h.nr):
        h.place[h.heap[at].cpu] = at + 1
