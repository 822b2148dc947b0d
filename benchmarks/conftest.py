"""`pytest benchmarks/` collects bench_*.py, with 1000 operations a round by pytest-benchmark's `pedantic`."""

import pytest


def pytest_collect_file(file_path, parent):
    # a file that is named on the command line is collected by pytest itself
    ours = file_path.suffix == ".py" and file_path.name.startswith("bench_")
    if ours and not parent.session.isinitpath(file_path):
        return pytest.Module.from_parent(parent, path=file_path)
    return None
