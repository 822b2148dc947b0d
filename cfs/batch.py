"""Events in arrays: the public name of `cfs.scheduler.batch`."""

from .scheduler.batch import EVENT_DTYPE, Event, run_events

__all__ = ["EVENT_DTYPE", "Event", "run_events"]
