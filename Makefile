# Each target is a line or two over the real tool; CONTRIBUTING.md says what they are for.
# All set-up goes into .venv: a machine needs Python 3.11 or newer, a C compiler and make.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test test-pythons bench docs debug sanitize fuzz stress wheel clean

# editable_mode=compat: Cython finds the .pxd files of an editable install only like this
$(READY): setup.py pyproject.toml $(shell find cfs -name "*.pyx" -o -name "*.pxd" -o -name "*.pxi")
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[cli,plot,test]" --config-settings editable_mode=compat
	touch $(READY)

demo: $(READY)
	mkdir -p out
	$(BIN)/cfs replay examples/recordings/kbuild-shell-1cpu.perf-script.txt.gz --by comm --top 12 \
	    --json out/kbuild.json --plot out/kbuild.png
	$(BIN)/python examples/vslice.py --out out/vslice.png

test: $(READY)
	$(BIN)/python -m pytest

# the quick tests under Python 3.12, 3.13, 3.14, as far as they are installed; says which it used
test-pythons:
	PYTHONS="$(PYTHONS)" TESTS="$(TESTS)" .ci/test-pythons

bench: $(READY)
	$(BIN)/python -m benchmarks

# the suite on a build that checks every invariant after every step; TESTS="tests/contract ..." for a part of it
debug: $(READY)
	rm -rf build-debug && mkdir build-debug && git archive HEAD | tar -x -C build-debug
	cd build-debug && CFS_DEBUG=1 ../$(BIN)/python setup.py -q build_ext --inplace
	cd build-debug && PYTHONPATH=$$PWD ../$(BIN)/python -m pytest --ignore=tests/embed --ignore=tests/tidy $(TESTS)

# The process must begin with the sanitizer's library; matplotlib throws C++ exceptions, so libstdc++ must be there as
# well when it starts. malloc of its own, or Python's pools would hide reads beyond an object. No search for leaks:
# Python frees little at its end. docs/guides/hygiene.md has the whole of it.
LIBRARY = $(shell $(CC) -print-file-name=$(1))
SANITIZED = PYTHONPATH=$$PWD PYTHONMALLOC=malloc UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1$(1) \
    ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=64:verify_asan_link_order=0$(1) \
    LD_PRELOAD="$(strip $(2) $(call LIBRARY,libasan.so) $(call LIBRARY,libstdc++.so))"

# the suite on compiled modules with AddressSanitizer and UndefinedBehaviorSanitizer; the first finding ends it
sanitize: $(READY)
	rm -rf build-sanitize && mkdir build-sanitize && git archive HEAD | tar -x -C build-sanitize
	cd build-sanitize && CFS_SANITIZE=1 ../$(BIN)/python setup.py -q build_ext --inplace
	cd build-sanitize && { $(call SANITIZED,:log_path=$(CURDIR)/build-sanitize/finding) ../$(BIN)/python -m pytest \
	    --ignore=tests/embed --ignore=tests/tidy $(TESTS); status=$$?; cat finding.* 2>/dev/null && exit 1; exit $$status; }

# SECONDS in all, ten minutes if not given; TARGET=recording, say, for one reader; corpus and findings in out/fuzz
fuzz: $(READY)
	mkdir -p out && sed -n 's/^fuzz = \["\(.*\)"\]$$/\1/p' pyproject.toml > out/fuzz.txt  # the extra, without another build
	$(BIN)/python -m pip install --quiet -r out/fuzz.txt
	$(BIN)/python -m tests.fuzz --list
	rm -rf build-fuzz && mkdir build-fuzz && git archive HEAD | tar -x -C build-fuzz
	cd build-fuzz && CFS_FUZZ=1 ../$(BIN)/python setup.py -q build_ext --inplace
	$(CC) -O2 -fPIC -shared -o build-fuzz/counters.so build-fuzz/tests/fuzz/counters.c -ldl
	cd build-fuzz && $(call SANITIZED,,./counters.so) ../$(BIN)/python -m tests.fuzz $(TARGET) \
	    --seconds $(or $(SECONDS),600) --out ../out/fuzz

# SECONDS for each of the stress tests, 10 if not given; SEED repeats a run
stress: $(READY)
	$(BIN)/python -m pytest -m stress --seed $(or $(SEED),$(shell date +%s)) --seconds $(or $(SECONDS),10) tests/properties

# the pages into out/docs; a warning is an error
docs: $(READY)
	mkdir -p out && sed -n 's/^docs = \[\(.*\)\]$$/\1/p' pyproject.toml | tr -d '",' | tr ' ' '\n' > out/docs.txt
	$(BIN)/python -m pip install --quiet -r out/docs.txt
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs out/docs

wheel: $(READY)
	rm -rf dist .venv-wheel
	$(BIN)/python -m build --outdir dist .
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip install --quiet dist/*.whl
	cd dist && ../.venv-wheel/bin/python -m doctest ../examples/first_steps.txt && ls -l

clean:
	rm -rf .venv .venv-wheel .venv-3.* build build-debug build-sanitize build-fuzz dist out *.egg-info
	git clean -fdXq cfs benchmarks
