from typing import SupportsIndex

from ..limits import U64_MAX as U64_MAX
from ._handles import Groups, Task, TaskGroup, User
from ._machine import Machine

class Scheduler(Machine):
    def fork(
        self,
        *,
        now_ns: SupportsIndex,
        name: str | None = None,
        nice: SupportsIndex | None = None,
        policy: str | None = None,
        uid: SupportsIndex | None = None,
        group: TaskGroup | str | None = None,
        clone_vm: bool = False,
        cpu: SupportsIndex = 0,
        start_cpu: SupportsIndex | None = None,
    ) -> Task: ...
    def adopt(
        self,
        *,
        name: str | None = None,
        nice: SupportsIndex = 0,
        policy: str = "normal",
        uid: SupportsIndex | None = None,
        group: TaskGroup | str | None = None,
        cpu: SupportsIndex = 0,
    ) -> Task: ...
    def wake(
        self,
        task: Task,
        *,
        now_ns: SupportsIndex,
        sync: bool = False,
        irq: bool = False,
        cpu: SupportsIndex = 0,
    ) -> bool: ...
    def block(
        self, *, now_ns: SupportsIndex, sleep: str = "interruptible", cpu: SupportsIndex = 0
    ) -> bool: ...
    def exit(self, *, now_ns: SupportsIndex, cpu: SupportsIndex = 0) -> bool: ...
    def yield_(self, *, now_ns: SupportsIndex, cpu: SupportsIndex = 0) -> bool: ...
    def tick(self, *, now_ns: SupportsIndex, cpu: SupportsIndex = 0) -> bool: ...
    def preempt_disable(self, *, cpu: SupportsIndex = 0) -> None: ...
    def resched_waits(self, *, cpu: SupportsIndex = 0) -> bool: ...
    def preempt_enable(self, *, now_ns: SupportsIndex, cpu: SupportsIndex = 0) -> bool: ...
    def set_nice(self, task: Task, nice: SupportsIndex, *, now_ns: SupportsIndex | None = None) -> bool: ...
    def set_slice(
        self, task: Task, slice_ns: SupportsIndex, *, now_ns: SupportsIndex | None = None
    ) -> bool: ...
    def set_policy(self, task: Task, policy: str, *, now_ns: SupportsIndex | None = None) -> bool: ...
    def move(
        self,
        task: Task,
        *,
        uid: SupportsIndex | None = None,
        group: TaskGroup | str | None = None,
        now_ns: SupportsIndex | None = None,
    ) -> bool: ...
    def migrate(self, task: Task, cpu: SupportsIndex, *, now_ns: SupportsIndex | None = None) -> bool: ...
    def create_group(
        self,
        name: str,
        *,
        shares: SupportsIndex = 1024,
        parent: TaskGroup | str | None = None,
        now_ns: SupportsIndex | None = None,
    ) -> TaskGroup: ...
    def create_user(
        self, uid: SupportsIndex, *, shares: SupportsIndex = 1024, now_ns: SupportsIndex | None = None
    ) -> User: ...
    def remove_group(self, group: TaskGroup | str) -> None: ...
    def set_shares(
        self, group: TaskGroup | str, shares: SupportsIndex, *, now_ns: SupportsIndex | None = None
    ) -> None: ...
    def set_group_idle(
        self, group: TaskGroup | str, idle: bool, *, now_ns: SupportsIndex | None = None
    ) -> None: ...
    def current_on(self, cpu: SupportsIndex) -> Task | None: ...
    def queue_fields(
        self, group: TaskGroup | str | None = None, cpu: SupportsIndex = 0
    ) -> dict[str, int]: ...
    def queue(
        self, group: TaskGroup | str | None = None, cpu: SupportsIndex = 0, *, running: bool = False
    ) -> list[Task | TaskGroup]: ...
    def queue_entities(
        self, group: TaskGroup | str | None = None, cpu: SupportsIndex = 0
    ) -> dict[str, Task | TaskGroup | None]: ...
    @property
    def groups(self) -> Groups[str, TaskGroup]: ...
    @property
    def users(self) -> Groups[int, User]: ...
    @property
    def current(self) -> Task | None: ...
    @property
    def tasks(self) -> list[Task]: ...
    def task(self, id: SupportsIndex) -> Task: ...
