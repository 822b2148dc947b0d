"""Recording a machine: perf or tracefs for the events, and what neither of them says from /proc and /sys.

    record.py     all of it: COMMAND in, one ``.cfsrec`` out
    perf.py       perf sched record;  tracefs.py   the kernel alone, where there is no perf
    run.py        COMMAND runs, and is looked after
    machine.py    kernel, ticks, preemption, tunables, CPUs
    groups.py     control groups, v1 and v2, and autogroups
    tasks.py      users, nice values, policies, slices; looked at before, during and after the run
    perf_data.py  a perf.data without paths and addresses;  lines.py   the same of text
    alias.py      other names for --anonymous
    files.py      small files of the kernel, and why one could not be read

Everything is read below a root folder, so that tests can bring the files of any kernel.
"""
