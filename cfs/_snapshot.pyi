from typing import Any

MAGIC: bytes
VERSION: int
FRAME: int
DIGEST: int
CPUS_MAX: int

def seal(head: dict[str, Any], image: bytes) -> bytes: ...
def unseal(data: bytes | bytearray | memoryview) -> tuple[dict[str, Any], memoryview]: ...
