# What is due next, inline: timers that wake tasks, ends of work, and ticks.
#
#   timers      of one CPU, a heap ordered by (time, seq), seq the order in which they were set; a task has at most one
#   due_tree    CPUs by what is due first of them, a timer, a release or the end of their work: a knockout tournament,
#               each node has the earlier one of its two children
#   tick_set    the CPUs that tick, ordered by (number of their next tick, number of the CPU)
#
# These orders are total, so what comes first depends neither on how they were filled nor on the machine.
#
# A tick_set is no heap, because all CPUs tick at the same instants: the next tick of each is either the present instant
# or the one after it. So it is two sets of bits, one bit a CPU, and a tick moves a bit from the first to the second. In a
# heap each tick would sink from the top to the bottom, past branches that cannot be foreseen: 40 ns with 256 CPUs. The
# time of an instant is computed once, not once a CPU.
#
# Nor is a due_tree one, because what is due of a CPU moves with nearly every event. In a tournament the way from the leaf
# to the top is always as long as the tree is high, and takes no branch that could be guessed wrong; in a heap such
# branches cost a third of an event with 256 CPUs. A CPU has its timers to itself: they are few, and the heap of all that
# there are on the machine would be as high as the tournament, which is played anyway.
#
# Room is made beforehand (init_...): nothing here fails.

from libc.stdlib cimport calloc, free, malloc

from .._bits cimport is_less, lowest_bit
from .._hz cimport NEVER, first_tick_after, tick_time
from .._types cimport int32_t, ns_t, uint32_t, uint64_t


cdef struct timer:
    ns_t time
    uint64_t seq
    uint32_t task


cdef struct timers:             # the room is the loop's
    timer *heap
    uint32_t nr


cdef struct due:                # at one instant: timers by their seq, then releases by CPU, then ends of work by CPU
    ns_t time                   # NEVER: nothing
    uint64_t rank               # seq of the timer; of a release RELEASES_BIT and the CPU, of an end ENDS_BIT and the CPU


cdef enum:
    RELEASES_BIT = 62           # of `rank`
    ENDS_BIT = 63


cdef struct due_tree:
    due *dues                   # what is due first of each CPU
    uint32_t *first             # 1 the top; children of i are 2i and 2i + 1; leaf of a CPU is leaves + cpu
    uint32_t leaves             # a power of 2

# ---------------------------------------------------------------------------------------------------------- timers


cdef inline bint timer_before(const timer *a, const timer *b) noexcept nogil:
    return is_less(a.time, a.seq, b.time, b.seq)


cdef inline void climb(timers *t, size_t at, timer what) noexcept nogil:
    # there is a hole at `at`, below which `what` belongs nowhere
    cdef size_t parent
    while at:
        parent = (at - 1) >> 1
        if not timer_before(&what, &t.heap[parent]):
            break
        t.heap[at] = t.heap[parent]
        at = parent
    t.heap[at] = what


cdef inline void push_timer(timers *t, ns_t time, uint64_t seq, uint32_t task) noexcept nogil:
    cdef timer new
    new.time, new.seq, new.task = time, seq, task
    t.nr += 1
    climb(t, t.nr - 1, new)


cdef inline void pop_timer(timers *t) noexcept nogil:
    # The hole goes down to a leaf, whatever the last one is, and that one climbs from there: it belongs near the leaves, so it
    # hardly ever climbs, and where the way ends can be foreseen.
    cdef timer last
    cdef size_t at = 0
    cdef size_t child = 1
    t.nr -= 1
    last = t.heap[t.nr]
    while child + 1 < t.nr:
        child += timer_before(&t.heap[child + 1], &t.heap[child])
        t.heap[at] = t.heap[child]
        at = child
        child = 2 * at + 1
    if child < t.nr:
        t.heap[at] = t.heap[child]
        at = child
    climb(t, at, last)


cdef inline ns_t first_timer(const timers *t) noexcept nogil:
    # its time; NEVER: there is none
    return t.heap[0].time if t.nr else NEVER

# ------------------------------------------------------------------------------------------------------------ CPUs


cdef inline uint64_t rank_of_end(int32_t cpu) noexcept nogil:
    # after all timers
    return (<uint64_t>1 << ENDS_BIT) | <uint64_t>cpu


cdef inline due due_first(const timers *t, ns_t release, ns_t end, int32_t cpu) noexcept nogil:
    # of the timers of a CPU, its release and the end of its work
    cdef due first
    first.time, first.rank = end, rank_of_end(cpu)
    if release <= end and release != NEVER:
        first.time, first.rank = release, (<uint64_t>1 << RELEASES_BIT) | <uint64_t>cpu
    if t.nr and t.heap[0].time <= first.time:
        first.time, first.rank = t.heap[0].time, t.heap[0].seq
    return first


cdef inline bint init_due_tree(due_tree *t, int32_t nr_cpus) noexcept:
    cdef uint32_t cpu
    t.leaves = 1
    while t.leaves < <uint32_t>nr_cpus:
        t.leaves *= 2
    t.dues = <due *>malloc(t.leaves * sizeof(due))
    t.first = <uint32_t *>calloc(2 * t.leaves, sizeof(uint32_t))
    if t.dues == NULL or t.first == NULL:
        return False
    for cpu in range(t.leaves):
        t.dues[cpu].time, t.dues[cpu].rank = NEVER, rank_of_end(cpu)
        t.first[t.leaves + cpu] = cpu
    for cpu in range(1, t.leaves):
        t.first[t.leaves - cpu] = t.first[2 * (t.leaves - cpu)]
    return True


cdef inline void free_due_tree(due_tree *t) noexcept:
    free(t.dues)
    free(t.first)


cdef inline void play_again(due_tree *t, uint32_t cpu) noexcept nogil:
    # The games of this CPU, from its leaf to the top. Who wins is no jump: the compiler moves three words, or does not
    cdef const due *dues = t.dues
    cdef uint32_t *first = t.first
    cdef uint32_t at = t.leaves + cpu
    cdef uint32_t best = cpu
    cdef ns_t time = dues[cpu].time
    cdef uint64_t rank = dues[cpu].rank
    cdef uint32_t other
    while at > 1:
        other = first[at ^ 1]
        at >>= 1
        if is_less(dues[other].time, dues[other].rank, time, rank):
            best, time, rank = other, dues[other].time, dues[other].rank
        first[at] = best


cdef inline void put_due(due_tree *t, int32_t cpu, due new) noexcept nogil:
    if t.dues[cpu].time == new.time and t.dues[cpu].rank == new.rank:
        return
    t.dues[cpu] = new
    play_again(t, cpu)


cdef inline uint32_t first_due(const due_tree *t) noexcept nogil:
    # the CPU; if nothing is due of any, one of them
    return t.first[1]

# ----------------------------------------------------------------------------------------------------------- ticks


cdef struct cpu_set:            # those whose next tick has one number
    uint64_t *bits              # bit cpu % 64 of word cpu // 64
    int32_t low                 # no bit is set in a word before this one
    int32_t nr


cdef struct tick_clock:         # when the ticks come that all CPUs have
    uint64_t hz
    ns_t lead                   # by which they come before those of `_hz`
    const uint32_t *late        # how late a tick may be, all equally likely; NULL: it is not
    uint32_t nr_late
    uint64_t seed


cdef inline uint64_t scrambled(uint64_t number) noexcept nogil:
    # splitmix64: bits of `number` in no order that one could see
    number += <uint64_t>0x9E3779B97F4A7C15
    number = (number ^ (number >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    number = (number ^ (number >> 27)) * <uint64_t>0x94D049BB133111EB
    return number ^ (number >> 31)


cdef inline ns_t time_of_tick(const tick_clock *c, uint64_t number) noexcept nogil:
    # Its lateness depends on seed and number alone, so it does not change with what happens in between
    cdef ns_t due = tick_time(c.hz, number) - c.lead
    if c.late == NULL:
        return due
    return due + c.late[(scrambled(c.seed ^ number) >> 32) * c.nr_late >> 32]


cdef inline uint64_t next_tick(const tick_clock *c, ns_t now) noexcept nogil:
    # the number of the first one that is due after now, were none late
    return first_tick_after(c.hz, now + c.lead)


cdef struct tick_set:
    cpu_set present             # empty only if `coming` is
    cpu_set coming
    uint64_t number             # of the next tick of those in `present`; of those in `coming` it is one more
    ns_t time_after             # of that one
    tick_clock clock
    int32_t nr_words


cdef inline bint init_tick_set(tick_set *t, int32_t nr_cpus, uint64_t hz) noexcept:
    t.clock.hz = hz
    t.nr_words = (nr_cpus + 63) // 64
    t.present.bits = <uint64_t *>calloc(t.nr_words, sizeof(uint64_t))
    t.coming.bits = <uint64_t *>calloc(t.nr_words, sizeof(uint64_t))
    return t.present.bits != NULL and t.coming.bits != NULL


cdef inline void free_tick_set(tick_set *t) noexcept:
    free(t.present.bits)
    free(t.coming.bits)


cdef inline bint has_cpu(const cpu_set *s, int32_t cpu) noexcept nogil:
    return s.bits[cpu >> 6] >> (cpu & 63) & 1


cdef inline void add_cpu(cpu_set *s, int32_t cpu) noexcept nogil:
    s.bits[cpu >> 6] |= <uint64_t>1 << (cpu & 63)
    s.low = min(s.low, cpu >> 6) if s.nr else cpu >> 6
    s.nr += 1


cdef inline void drop_cpu(cpu_set *s, int32_t cpu) noexcept nogil:
    s.bits[cpu >> 6] &= ~(<uint64_t>1 << (cpu & 63))
    s.nr -= 1


cdef inline int32_t first_cpu(cpu_set *s) noexcept nogil:
    # of a set that is not empty
    while s.bits[s.low] == 0:
        s.low += 1
    return s.low * 64 + lowest_bit(s.bits[s.low])


cdef inline void number_ticks(tick_set *t, uint64_t number) noexcept nogil:
    t.number = number
    t.time_after = time_of_tick(&t.clock, number + 1)


cdef inline void turn_over(tick_set *t) noexcept nogil:
    # nobody is left of this instant: the next one is the present one
    cdef cpu_set done
    if t.present.nr == 0 and t.coming.nr:
        done = t.present
        t.present, t.coming = t.coming, done
        number_ticks(t, t.number + 1)


cdef inline void put_tick(tick_set *t, int32_t cpu, uint64_t number) noexcept nogil:
    # of a CPU that is not there yet; `number` is that of the first tick after now
    if t.present.nr == 0:
        number_ticks(t, number)
    add_cpu(&t.present if number == t.number else &t.coming, cpu)


cdef inline void take_tick(tick_set *t, int32_t cpu) noexcept nogil:
    # of one that is there
    drop_cpu(&t.present if has_cpu(&t.present, cpu) else &t.coming, cpu)
    turn_over(t)


cdef inline void pass_tick(tick_set *t, int32_t cpu) noexcept nogil:
    # of one in `present`: its next tick is one later
    drop_cpu(&t.present, cpu)
    add_cpu(&t.coming, cpu)
    turn_over(t)
