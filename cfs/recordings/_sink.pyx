"""Who takes facts: the interface of the readers of binary recordings, and a taker that keeps all of them.

What it decides: that a reader knows nothing of what becomes of its facts. It calls `Sink.take` once an event,
in the order of time, without the GIL; the pointers in a fact hold until the call returns.

Rejected: a Python object an event, with which the decoding of a file of ten million events takes half a
minute; `Facts` makes them, for tests and for looking at a file.
"""

from cython cimport final
from libc.string cimport memset

KINDS = (
    "", "switch", "waking", "wakeup", "wakeup_new", "fork", "runtime", "rename", "exit", "migrate", "context",
    "lost",
)  # fmt: skip


cdef class Sink:
    """What takes facts. This one forgets them."""

    cdef int take(self, fact_t* fact) except -1 nogil:
        return 0


@final
cdef class Facts(Sink):
    """Keeps each fact as a dict; slow.

    Attributes
    ----------
    facts : list of dict
        ``kind`` is one of `KINDS`; -1, None and a priority of -32768 mean that the recording does not say.
    """

    def __cinit__(self):
        self.facts = []

    cdef int take(self, fact_t* fact) except -1 nogil:
        with gil:
            self.facts.append(
                {
                    "kind": KINDS[fact.kind],
                    "event": fact.event,
                    "time": fact.time,
                    "cpu": fact.cpu,
                    "tid": fact.tid,
                    "pid": fact.pid,
                    "prio": fact.prio,
                    "name": text_of(fact.name, fact.name_length),
                    "other": fact.other,
                    "other_prio": fact.other_prio,
                    "other_name": text_of(fact.other_name, fact.other_length),
                    "value": fact.value,
                    "group": fact.group,
                    "out": fact.out,
                    "irq": fact.irq,
                    "is_inferred": bool(fact.is_inferred),
                    "was_awake": bool(fact.was_awake),
                }
            )
        return 0


cdef object text_of(const char* name, size_t length):
    return None if name == NULL else name[:length].decode("utf-8", "surrogateescape")


cdef void clear(fact_t* fact) noexcept nogil:
    memset(fact, 0, sizeof(fact_t))
    fact.cpu = fact.tid = fact.pid = fact.other = -1
    fact.prio = fact.other_prio = NO_PRIO
