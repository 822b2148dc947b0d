# Each target is a line or two over the real tool; CONTRIBUTING.md says what they are for.
# All set-up goes into .venv: a machine needs Python 3.11 or newer, a C compiler and make.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test bench debug wheel clean

# editable_mode=compat: Cython finds the .pxd files of an editable install only like this
$(READY): setup.py pyproject.toml $(wildcard cfs/*.pyx cfs/*.pxd cfs/*/*.pyx cfs/*/*.pxd)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[cli,plot,test]" --config-settings editable_mode=compat
	touch $(READY)

demo: $(READY)
	mkdir -p out
	$(BIN)/cfs replay examples/recordings/kbuild-shell-1cpu.perf-script.txt.gz --by-comm --top 12 \
	    --json out/kbuild.json --plot out/kbuild.png
	$(BIN)/python examples/vslice.py --out out/vslice.png

test: $(READY)
	$(BIN)/python -m pytest

bench: $(READY)
	$(BIN)/python -m benchmarks

# a copy beside .venv, every invariant checked after every step
debug:
	test -x .venv-debug/bin/python || $(PYTHON) -m venv .venv-debug
	rm -rf build-debug && mkdir build-debug && git archive HEAD | tar -x -C build-debug
	cd build-debug && CFS_DEBUG=1 ../.venv-debug/bin/python -m pip install --quiet ".[cli,plot,test]"
	cd build-debug && rm -rf cfs && ../.venv-debug/bin/python -m pytest --ignore=tests/embed --ignore=tests/tidy

wheel: $(READY)
	rm -rf dist
	$(BIN)/python -m build --outdir dist .

clean:
	rm -rf .venv .venv-debug build build-debug dist out *.egg-info
	find cfs benchmarks -name '*.c' -o -name '*.so' | xargs rm -f
