"""What the tests of scenarios share."""

import pytest

from cfs import WorkloadError
from cfs.scenarios import read_scenario

from .texts import blamed_line


@pytest.fixture
def read(tmp_path):
    def reader(text, **options):
        path = tmp_path / "some.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_scenario(path, **options)

    return reader


@pytest.fixture
def refuse(read):
    """Reads a faulty text: one sentence, which names the marked line and says what is wrong."""

    def refuser(text, what):
        with pytest.raises(WorkloadError, match=what) as caught:
            read(text)
        assert f"some.toml, line {blamed_line(text)}: " in str(caught.value)
        assert "\n" not in str(caught.value)

    return refuser
