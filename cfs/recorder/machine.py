"""The machine: kernel, ticks, preemption, tunables, features, CPUs.

What it decides: where each fact is looked for, in the order in which the places are believed, over all
kernels since 2.6.22. Where a fact comes from is kept with it (`Surroundings.origins`).

    ticks        CONFIG_HZ in /proc/config.gz or /boot/config-RELEASE, else the resolution of the coarse clock,
                 which is one tick
    preemption   debugfs, else the boot log, else preempt= of the command line, else what the version and the
                 configuration of the kernel say
    tunables     /proc/sys/kernel/sched_*, and debugfs, where most of them went with Linux 5.13
"""

from __future__ import annotations

import re
import zlib
from dataclasses import replace

from ..limits import HZ_RANGE, SHARES_RANGE, UID_RANGE
from ..recordings.surroundings import PREEMPT_MODES, ProcessorFacts, Surroundings
from .files import Root, integer

__all__ = ["machine"]

DEBUG = "/sys/kernel/debug/sched"
OLD_FEATURES = "/sys/kernel/debug/sched_features"
SYSCTL = "/proc/sys/kernel"
CPUS = "/sys/devices/system/cpu"
KMSG, DMESG = "/dev/kmsg", "/var/log/dmesg"
CONFIG_BYTES_MAX = 1 << 24
NO_TUNABLES = {"features", "preempt", "verbose", "debug", "domains"}


def machine(root: Root, *, tick_ns: int | None = None, architecture: str = "") -> Surroundings:
    """All that is known of the machine but its groups and tasks; what is not is said in `root.not_read`.

    Parameters
    ----------
    root : Root
    tick_ns : int, optional
        The resolution of the coarse clock, ns.
    architecture : str, optional
        What the processors are, if the kernel has no file that says it.
    """
    kernel = release(root)
    config, where = configuration(root, kernel)
    hz, hz_from = ticks(root, config, where, tick_ns)
    mode, mode_from = preemption(root, config, where)
    origins = {"hz": hz_from, "preempt": mode_from}
    processors = cpus(root)
    said = Surroundings(
        kernel=kernel,
        architecture=(root.text(f"{SYSCTL}/arch") or "").strip() or architecture,
        hz=hz,
        preempt=mode,
        cpus_in_machine=len(processors) or None,
        tunables=tunables(root),
        features=features(root),
        origins={name: value for name, value in origins.items() if value},
        processors=processors,
        users=users(root),
    )
    base = said.tunables.get("base_slice_ns")
    return said if base is None else replace(said, base_slice_ns=base)


def release(root: Root) -> str:
    """The release of the kernel, ``"6.18.44"``."""
    text = root.text(f"{SYSCTL}/osrelease")
    if text is None:
        match = re.match(r"Linux version (\S+)", root.text("/proc/version") or "")
        text = match[1] if match else ""
    if not text.strip():
        root.miss("the kernel's release", f"{SYSCTL}/osrelease", "/proc/version")
    return text.strip()[:200]


def configuration(root: Root, kernel: str) -> tuple[dict[str, str], str]:
    """What the kernel was configured with, and the file that says so; empty if there is none."""
    packed = root.bytes("/proc/config.gz")
    text = _unpacked(packed) if packed else ""
    if text:
        return _options(text), "/proc/config.gz"
    for place in _config_places(kernel):
        if text := root.text(place) or "":
            return _options(text), place
    return {}, ""


def _config_places(kernel: str) -> list[str]:
    if not re.fullmatch(r"[\w.+~-]+", kernel):  # it becomes part of a path
        return []
    return [f"/boot/config-{kernel}", f"/lib/modules/{kernel}/config", f"/usr/lib/modules/{kernel}/config"]


def _unpacked(packed: bytes) -> str:
    try:
        return zlib.decompressobj(31).decompress(packed, CONFIG_BYTES_MAX).decode("ascii", "replace")
    except zlib.error:
        return ""


def _options(text: str) -> dict[str, str]:
    return dict(re.findall(r"^(CONFIG_\w+)=(.*)$", text, re.MULTILINE))


def ticks(root: Root, config: dict[str, str], where: str, tick_ns: int | None) -> tuple[int | None, str]:
    """Ticks a second, and who says so."""
    stated = integer(config.get("CONFIG_HZ", "")) or 0
    if HZ_RANGE[0] <= stated <= HZ_RANGE[1]:
        return stated, where
    hz = round(1e9 / tick_ns) if tick_ns else 0
    if 24 <= hz <= 10_000:  # a clock that is finer has nothing to do with ticks
        return hz, "the resolution of CLOCK_MONOTONIC_COARSE"
    if 24 <= _old_hz(config) <= 10_000:
        return _old_hz(config), where
    root.miss("ticks a second", "/proc/config.gz", "/boot/config-RELEASE")
    return None, ""


def _old_hz(config: dict[str, str]) -> int:
    chosen = [
        integer(name[10:]) or 0
        for name, value in config.items()
        if name[:10] == "CONFIG_HZ_" and value == "y"
    ]
    return max(chosen, default=0)


# ------------------------------------------------------------------------------------------------- preemption


def preemption(root: Root, config: dict[str, str], where: str) -> tuple[str | None, str]:
    """When the kernel preempts itself, and who says so."""
    version = root.text(f"{SYSCTL}/version") or root.text("/proc/version") or ""
    if "PREEMPT_RT" in version or " PREEMPT RT" in version:
        return "rt", f"{SYSCTL}/version"
    if match := re.search(r"\((\w+)\)", root.text(f"{DEBUG}/preempt") or ""):
        if match[1] in PREEMPT_MODES:
            return match[1], f"{DEBUG}/preempt"
    if "PREEMPT_DYNAMIC" in version or not version:
        if found := _said_at_boot(root):
            return found
    if config:
        return _configured(config), where
    if " PREEMPT " in version:
        return "full", f"{SYSCTL}/version"
    root.miss("preemption", f"{DEBUG}/preempt", KMSG, DMESG, "/proc/cmdline", "/proc/config.gz")
    return None, ""


def _said_at_boot(root: Root) -> tuple[str, str] | None:
    for place in (KMSG, DMESG):
        if found := re.findall(r"Dynamic Preempt: (none|voluntary|full|lazy)\b", root.text(place) or ""):
            return found[-1], place
    match = re.search(r"(?:^|\s)preempt=(none|voluntary|full|lazy)\b", root.text("/proc/cmdline") or "")
    return (match[1], "/proc/cmdline") if match else None


def _configured(config: dict[str, str]) -> str:
    names = {"RT": "rt", "VOLUNTARY": "voluntary", "LAZY": "lazy", "NONE": "none"}
    for name, mode in names.items():
        if config.get(f"CONFIG_PREEMPT_{name}") == "y":
            return mode
    return "full" if config.get("CONFIG_PREEMPT") == "y" else "none"


# --------------------------------------------------------------------------------------- tunables and features


def tunables(root: Root) -> dict[str, int]:
    """The scheduler's tunables by the names of their files; those that are integers."""
    found = {
        name: root.number(f"{SYSCTL}/{name}") for name in root.names(SYSCTL) if name.startswith("sched_")
    }
    debug = [name for name in root.names(DEBUG) if name not in NO_TUNABLES]
    found |= {name: root.number(f"{DEBUG}/{name}") for name in debug}
    if not debug and not root.has(f"{SYSCTL}/sched_latency_ns"):
        root.miss("tunables", DEBUG)
    return {name: value for name, value in found.items() if value is not None and abs(value) < 2**64}


def features(root: Root) -> dict[str, bool]:
    """The feature bits of the scheduler."""
    words = (root.text(f"{DEBUG}/features") or root.text(OLD_FEATURES) or "").split()
    if not words:
        root.miss("features of the scheduler", f"{DEBUG}/features", OLD_FEATURES)
    return {
        word.removeprefix("NO_"): not word.startswith("NO_")
        for word in words
        if re.fullmatch(r"\w{1,60}", word)
    }


def users(root: Root) -> dict[int, int]:
    """Shares of users, in kernels that group by user."""
    place, found = "/sys/kernel/uids", {}
    for name in root.names(place):
        uid, shares = integer(name), root.number(f"{place}/{name}/cpu_share")
        if uid is not None and UID_RANGE[0] <= uid <= UID_RANGE[1] and shares is not None:
            found[uid] = min(max(shares, SHARES_RANGE[0]), SHARES_RANGE[1])
    return found


# ------------------------------------------------------------------------------------------------------- CPUs


def cpus(root: Root) -> tuple[ProcessorFacts, ...]:
    """The CPUs that are online, and where they are."""
    online = _numbers(root.text(f"{CPUS}/online") or "")
    if not online:
        listed = re.findall(r"^processor\s*:\s*([0-9]{1,5})$", root.text("/proc/cpuinfo") or "", re.MULTILINE)
        online = sorted({int(number) for number in listed})
    if not online:
        root.miss("CPUs", f"{CPUS}/online", "/proc/cpuinfo")
    return tuple(_processor(root, cpu) for cpu in online)


def _numbers(text: str) -> list[int]:
    """The numbers of a list as the kernel writes it: ``"0-2,5"``."""
    found: set[int] = set()
    for first, last in re.findall(r"\b([0-9]{1,5})(?:-([0-9]{1,5}))?\b", text):
        found.update(range(int(first), int(last or first) + 1))
    return sorted(found)


def _processor(root: Root, cpu: int) -> ProcessorFacts:
    folder = f"{CPUS}/cpu{cpu}"
    nodes = [name[4:] for name in root.names(folder) if re.fullmatch(r"node[0-9]{1,5}", name)]
    return ProcessorFacts(
        cpu,
        _known(root.number(f"{folder}/topology/physical_package_id")),
        _known(root.number(f"{folder}/topology/core_id")),
        int(nodes[0]) if nodes else None,
        root.number(f"{folder}/cpu_capacity"),
    )


def _known(number: int | None) -> int | None:
    """-1 is how the kernel says that it does not know."""
    return None if number is None or number < 0 else number
