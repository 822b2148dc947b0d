"""Folders with the files of several kernels below /proc, /sys and /boot, for tests of what reads them.

Written by hand after the documentation of these files; each kernel has only what it had.
"""

import gzip

STATUS = (
    "Name:\t{name}\nState:\tS (sleeping)\nTgid:\t{process}\nPid:\t{pid}\nPPid:\t1\n"
    "Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n"
)


def stat(pid, name, nice=0, priority=0, policy=0):
    """The fields of /proc/PID/stat, by their numbers in proc(5): nice is 19, rt_priority 40, policy 41."""
    fields = {number: "0" for number in range(1, 53)}
    fields |= {1: str(pid), 2: f"({name})", 3: "S", 4: "1", 19: str(nice), 40: str(priority), 41: str(policy)}
    return " ".join(fields[number] for number in sorted(fields)) + "\n"


class Tree:
    """A root folder that is being filled."""

    def __init__(self, path):
        self.path = path

    def write(self, name, content=""):
        place = self.path / name.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(
            content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
        )
        return self

    def task(self, pid, name, *, process=None, uid=0, cgroup="", autogroup="", slice_ns=None, **of_stat):
        process = process or pid
        for folder in {f"/proc/{pid}", f"/proc/{process}/task/{pid}"}:
            self.write(f"{folder}/stat", stat(pid, name, **of_stat))
            self.write(f"{folder}/status", STATUS.format(name=name, process=process, pid=pid, uid=uid))
            if cgroup:
                self.write(f"{folder}/cgroup", cgroup)
            if slice_ns is not None:
                self.write(
                    f"{folder}/sched", f"{name} ({pid}, #threads: 1)\nse.slice          :     {slice_ns}\n"
                )
        if autogroup:
            self.write(f"/proc/{process}/autogroup", autogroup)
        return self

    def youngest(self, pid):
        return self.write("/proc/loadavg", f"0.00 0.01 0.05 1/99 {pid}\n")

    def group(self, path, mount="/sys/fs/cgroup", **files):
        for name, content in files.items():
            self.write(f"{mount}{path}/{name.replace('__', '.', 1).replace('__', '.')}", f"{content}\n")
        return self


def linux_6_18(path):
    """cgroup v2, debugfs, dynamic preemption, two packages."""
    tree = Tree(path)
    tree.write("/proc/sys/kernel/osrelease", "6.18.44-generic\n").write("/proc/sys/kernel/arch", "aarch64\n")
    tree.write("/proc/sys/kernel/version", "#1 SMP PREEMPT_DYNAMIC Sat Nov 29 2026\n")
    tree.write(
        "/proc/config.gz",
        gzip.compress(b"# comment\nCONFIG_HZ_250=y\nCONFIG_HZ=250\nCONFIG_PREEMPT_LAZY=y\n"),
    )
    tree.write("/sys/kernel/debug/sched/preempt", "none voluntary (full) lazy \n")
    tree.write("/sys/kernel/debug/sched/base_slice_ns", "2800000\n")
    tree.write("/sys/kernel/debug/sched/migration_cost_ns", "500000\n")
    tree.write("/sys/kernel/debug/sched/features", "PLACE_LAG NO_NEXT_BUDDY RUN_TO_PARITY\n")
    tree.write("/sys/kernel/debug/sched/domains/cpu0/domain0/flags", "SD_BALANCE_NEWIDLE\n")
    tree.write("/proc/sys/kernel/sched_autogroup_enabled", "1\n")
    tree.write("/sys/devices/system/cpu/online", "0-2,5\n")
    for cpu, package in ((0, 0), (1, 0), (2, 1), (5, -1)):
        tree.write(f"/sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id", f"{package}\n")
        tree.write(f"/sys/devices/system/cpu/cpu{cpu}/topology/core_id", f"{cpu % 2}\n")
        tree.write(f"/sys/devices/system/cpu/cpu{cpu}/cpu_capacity", "1024\n" if cpu else "446\n")
    tree.write("/sys/devices/system/cpu/cpu2/node1/cpulist", "2\n")
    tree.write("/proc/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n")
    tree.write("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory\n")
    tree.group("/work.slice", cpu__weight=300, cpu__idle=0, cpu__max="50000 100000", cpu__max__burst=2000)
    tree.group("/work.slice/a.scope", cpu__weight=100, cpu__idle=1, cpu__max="max 100000")
    tree.group("/work.slice/a.scope/inner", memory__max="max")
    return tree.youngest(100)


def linux_4_19(path):
    """cgroup v1 beside v2 (hybrid), no /proc/config.gz but /boot, tunables below /proc."""
    tree = Tree(path)
    tree.write("/proc/sys/kernel/osrelease", "4.19.0-27-amd64\n")
    tree.write("/proc/sys/kernel/version", "#1 SMP Debian 4.19.316-1 (2024-06-25)\n")
    tree.write("/boot/config-4.19.0-27-amd64", "CONFIG_PREEMPT_VOLUNTARY=y\nCONFIG_HZ=250\n")
    tree.write("/proc/sys/kernel/sched_latency_ns", "18000000\n").write(
        "/proc/sys/kernel/sched_child_runs_first", "0\n"
    )
    tree.write("/proc/sys/kernel/sched_domain/cpu0/domain0/name", "MC\n")
    tree.write("/sys/kernel/debug/sched_features", "GENTLE_FAIR_SLEEPERS NO_NEXT_BUDDY START_DEBIT\n")
    tree.write("/sys/devices/system/cpu/online", "0-3\n")
    tree.write(
        "/proc/mounts",
        "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
        "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
        "cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n",
    )
    tree.write("/sys/fs/cgroup/unified/cgroup.controllers", "\n")
    cpu = "/sys/fs/cgroup/cpu,cpuacct"
    tree.group("/docker/f00", cpu, cpu__shares=512, cpu__cfs_quota_us=150000, cpu__cfs_period_us=100000)
    tree.group("/docker", cpu, cpu__shares=1024, cpu__cfs_quota_us=-1, cpu__cfs_period_us=100000)
    return tree.youngest(100)


def linux_2_6_24(path):
    """Groups by user; no list of CPUs that are online, no config but in /boot, no HZ in it but by name."""
    tree = Tree(path)
    tree.write(
        "/proc/version", "Linux version 2.6.24-1 (me@host) (gcc version 4.1.3) #1 SMP PREEMPT Sat Feb 2\n"
    )
    tree.write("/proc/sys/kernel/osrelease", "2.6.24-1\n")
    tree.write("/proc/sys/kernel/version", "#1 SMP PREEMPT Sat Feb 2\n")
    for name, value in {"sched_latency_ns": 40000000, "sched_features": 7, "sched_compat_yield": 1}.items():
        tree.write(f"/proc/sys/kernel/{name}", f"{value}\n")
    tree.write("/sys/kernel/uids/0/cpu_share", "2048\n").write("/sys/kernel/uids/1000/cpu_share", "1024\n")
    tree.write("/proc/cpuinfo", "processor\t: 0\nvendor_id : x\n\nprocessor\t: 1\nvendor_id : x\n")
    tree.write("/proc/mounts", "none /dev/cgroup cgroup rw,cpu 0 0\n")
    tree.group("/lab", "/dev/cgroup", cpu__shares=3072)
    return tree.youngest(100)
