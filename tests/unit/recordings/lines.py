"""Lines of recordings as perf script and ftrace print them, for tests that need only a few.

Times are ns after T0; a task is (name, pid).
"""

import io

from cfs.recordings import Recording

T0 = 1808_000000000
IDLE = ("swapper/0", 0)
A, B, C = ("a", 101), ("b", 102), ("c", 103)


def head(context, cpu, t):
    """What stands before the event; the name in front of idle tasks has no number."""
    name, pid = context
    t += T0
    name = name.split("/")[0] if pid == 0 else name
    return f"{name:>16} {pid:>5}/{pid:<5} [{cpu:03}] {t // 10**9:>5}.{t % 10**9:09}: "


def switch(t, prev, next, state="S", cpu=0, prio=120, next_prio=120):
    return head(prev, cpu, t) + (
        f"sched:sched_switch: prev_comm={prev[0]} prev_pid={prev[1]} prev_prio={prio} prev_state={state} ==> "
        f"next_comm={next[0]} next_pid={next[1]} next_prio={next_prio}"
    )


def wake(t, context, task, which="waking", cpu=0, prio=120, target_cpu=0):
    return head(context, cpu, t) + (
        f"sched:sched_{which}: comm={task[0]} pid={task[1]} prio={prio} target_cpu={target_cpu:03}"
    )


def fork(t, parent, child, cpu=0):
    return head(parent, cpu, t) + (
        f"sched:sched_process_fork: comm={parent[0]} pid={parent[1]} "
        f"child_comm={child[0]} child_pid={child[1]}"
    )


def runtime(t, context, ran_ns, cpu=0, of=None):
    name, pid = of or context
    return head(context, cpu, t) + f"sched:sched_stat_runtime: comm={name} pid={pid} runtime={ran_ns} [ns]"


def ftrace(t_us, context, event, cpu=0, flags="d..2."):
    name, pid = context
    t_us += T0 // 1000
    name = "<idle>" if pid == 0 else name
    return f"{name + '-' + str(pid):>20} [{cpu:03}] {flags} {t_us // 10**6:>5}.{t_us % 10**6:06}: {event}"


def text(*lines):
    return "".join(line + "\n" for line in lines).encode()


def read(*lines):
    """The recording of these lines."""
    return Recording.open(io.BytesIO(text(*lines)))


def row(recording, task):
    """The row of a task that occurs once."""
    [found] = [t.row for t in recording.tasks if t.pid == task[1]]
    return found


def runs_of(recording, task, cpu=None):
    runs = recording.runs(cpu)
    return runs[runs["task"] == row(recording, task)]


def program(workload, task):
    """The program of a task as a list of (kind, argument or pid of the target)."""
    from cfs.workload import Op

    pid = workload.tasks["pid"].tolist()
    ops = workload.program(pid.index(task[1])).tolist()
    targeted = (Op.WAKE, Op.PUT, Op.FORK)
    return [(Op(kind).name, pid[target] if kind in targeted else arg) for arg, target, kind in ops]
