"""The tracker's C face: what a compiled reader feeds. `_tracker.pyx` says what each fact means."""

from cython cimport final
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t

from ._events cimport event_t
from ._facts cimport moment_t, named_t

cdef struct row_t:
    int32_t pid
    int32_t parent
    uint32_t name
    uint32_t cpu  # where it runs
    int16_t prio_first
    int16_t prio
    uint8_t state
    uint8_t nr_names
    uint64_t group  # the number of its control group, 0: not known
    int64_t pending  # index of the EARLY event that may turn out TAKEN; -1: none

cdef struct cpu_t:
    bint seen
    bint is_lost  # events were lost since it was known who runs
    bint is_silent  # no fact since a loss
    uint32_t curr
    int64_t last_ns  # of the last fact

cdef struct naming_t:
    uint32_t row
    uint32_t name

@final
cdef class Tracker:
    cdef event_t* events
    cdef size_t nr_events, room_events
    cdef row_t* rows
    cdef size_t nr_rows, room_rows
    cdef cpu_t* cpus
    cdef size_t room_cpus
    cdef char* names  # nr_texts of NAME_MAX bytes each, the first is the length
    cdef size_t nr_texts, room_names
    cdef naming_t* namings
    cdef size_t nr_namings, room_namings
    cdef uint32_t* pid_slots  # open addressing: row + 1, or 0
    cdef size_t room_pids
    cdef uint32_t* name_slots
    cdef size_t room_name_slots
    cdef int64_t* charges
    cdef size_t nr_charges
    cdef bint is_finished, is_out_of_memory, has_groups
    cdef int64_t last_event_ns
    cdef event_t none  # what the buffer of an empty table points to

    cdef readonly int64_t start_ns, now_ns, end_ns
    cdef readonly size_t nr_switches, inferred_switch_ins, nr_wakings, nr_early, nr_losses, nr_lost_events
    cdef readonly size_t nr_wakeups, nr_runtimes

    # Each returns whether the fact was taken.
    cdef bint on_switch(self, const moment_t* at, const named_t* prev, uint8_t out, const named_t* next) noexcept nogil
    cdef bint on_switch_in(self, const moment_t* at, const named_t* next) noexcept nogil
    cdef bint on_waking(self, const moment_t* at, const named_t* task) noexcept nogil
    cdef bint on_wakeup(self, const moment_t* at, const named_t* task) noexcept nogil
    cdef bint on_wakeup_new(self, const moment_t* at, const named_t* task) noexcept nogil
    cdef bint on_fork(self, const moment_t* at, const named_t* parent, const named_t* child) noexcept nogil
    cdef bint on_runtime(self, const moment_t* at, const named_t* task, int64_t ran_ns) noexcept nogil
    cdef bint on_mention(self, const moment_t* at, const named_t* task) noexcept nogil
    cdef bint on_context(self, const moment_t* at) noexcept nogil
    cdef bint on_gap(self, const moment_t* at) noexcept nogil
    cdef void on_group(self, int64_t tid, uint64_t group) noexcept nogil
    cdef void on_loss(self, int64_t nr) noexcept nogil
    cdef void forget_interrupts(self) noexcept nogil
    cdef void on_loss_here(self, int64_t cpu, int64_t nr) noexcept nogil
    cdef int check_memory(self) except -1

    # Its own affairs.
    cdef bint begin(self, const moment_t* at) noexcept nogil
    cdef bint has_room(self, uint32_t cpu) noexcept nogil
    cdef bint make_room(self, uint32_t cpu) noexcept nogil
    cdef bint make_room_for_rows(self) noexcept nogil
    cdef bint make_room_for_names(self) noexcept nogil
    cdef bint make_room_for_cpu(self, uint32_t cpu) noexcept nogil
    cdef uint32_t begin_mention(self, const moment_t* at, const named_t* task) noexcept nogil
    cdef void see_context(self, const moment_t* at, int64_t ran_ns) noexcept nogil
    cdef void see_running(self, uint32_t cpu, uint32_t row, int64_t ran_ns) noexcept nogil
    cdef void put_on_cpu(self, uint32_t cpu, uint32_t row) noexcept nogil
    cdef void leave_other_cpu(self, uint32_t cpu, uint32_t row) noexcept nogil
    cdef void note_charge(self, uint32_t cpu) noexcept nogil
    cdef void vacate(self, uint32_t cpu) noexcept nogil
    cdef void lose(self, uint32_t cpu) noexcept nogil
    cdef void take_pending(self, uint32_t row) noexcept nogil
    cdef void set_prio(self, uint32_t cpu, uint32_t row, int64_t prio) noexcept nogil
    cdef void emit(self, uint8_t kind, uint8_t detail, uint32_t cpu, uint32_t task, uint32_t context) noexcept nogil
    cdef void emit_long(self, uint8_t kind, uint32_t cpu, int64_t ns) noexcept nogil
    cdef uint32_t live_row(self, int64_t pid) noexcept nogil
    cdef uint32_t new_row(self, int64_t pid) noexcept nogil
    cdef size_t slot_of(self, int32_t pid) noexcept nogil
    cdef void take_name(self, uint32_t row, const named_t* task) noexcept nogil
    cdef void note_naming(self, uint32_t row, uint32_t name) noexcept nogil
    cdef bint is_name(self, uint32_t index, const char* name, size_t length) noexcept nogil
    cdef uint32_t name_index(self, const char* name, size_t length) noexcept nogil
    cdef size_t name_slot(self, const char* name, size_t length) noexcept nogil
    cdef int require(self, str what, bint is_taken, int64_t time_ns, uint32_t cpu) except -1
