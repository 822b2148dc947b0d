"""The baselines of the benchmarks do the same accounting as cfs: otherwise every ratio would be a lie.

Way of being right: independent renderings of one operation (plain Python with a heap, objects in a
SortedKeyList, a textbook in C, the public API, the compiled entry) must agree in the whole state. With groups
also where the benchmarks do not go: several groups, so that the top queue has more than one entity.
"""

import shutil
import sysconfig

import pytest

pytest.importorskip("sortedcontainers")
pytest.importorskip("Cython")
pytest.importorskip("setuptools")
compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
if shutil.which(compiler) is None:
    pytest.skip("no C compiler for the baselines", allow_module_level=True)

from benchmarks import (  # noqa: E402
    bench_batch,
    bench_events,
    bench_package,
    bench_rbtree,
    bench_switch,
    common,
    regression,
    report,
)
from benchmarks.baselines import derived  # noqa: E402
from benchmarks.baselines.state import Case  # noqa: E402

pytestmark = pytest.mark.slow  # compiles the baselines

TIMED = [name for name in bench_switch.ALIKE[0] if name != bench_switch.TEXTBOOK_AGAIN]


def advance(variants, steps, rounds=2):
    for _ in range(rounds):
        common.warm_up(variants, steps)


@pytest.mark.parametrize("mix", ["mixed", "equal"])
@pytest.mark.parametrize("nr_tasks, nr_groups", [(2, 0), (3, 0), (40, 0), (2, 1), (40, 1), (3, 3), (40, 3)])
def test_all_variants_end_in_the_same_state(nr_tasks, nr_groups, mix):
    variants = bench_switch.variants_of(Case(nr_tasks, nr_groups, mix), TIMED)
    advance(variants, 1500)
    common.require_equal_states(variants, [TIMED])


@pytest.mark.parametrize("nr_groups", [0, 1, 3])
def test_the_dividing_variants_follow_the_exact_formula(nr_groups):
    names = bench_switch.ALIKE[1]
    variants = bench_switch.variants_of(Case(40, nr_groups), names)
    advance(variants, 1500)
    common.require_equal_states(variants, [names])


@pytest.mark.parametrize("mix", bench_package.RINGS)
@pytest.mark.parametrize("nr_tasks", [2, 3, 40])
def test_the_dividing_rings_follow_the_exact_formula_hop_by_hop(nr_tasks, mix):
    variants = bench_package.ring_variants(nr_tasks, mix)
    for _ in range(5 * nr_tasks):
        common.warm_up(variants, 1)
        common.require_equal_states(variants, bench_package.ALIKE)


def test_the_division_rounds_differently_from_the_class():
    # at nice 0 it does not; were it so at all nice values, the class would be measured against itself
    variants = bench_package.ring_variants(40, "mixed")
    advance(variants, 1500)
    assert variants[bench_package.CFS].state() != variants[bench_package.DIVIDING].state()


def class_texts():
    return [path.read_text(encoding="utf-8") for path in derived.SOURCES]


def test_the_dividing_class_is_the_class_but_for_one_function():
    ours, divides = class_texts()[0], derived.dividing_class(*class_texts())[0]
    ours = ours.replace("from ..._", "from cfs._").splitlines()
    added = [line for line in divides.splitlines() if line.strip() and line not in ours]
    missing = [line for line in ours if line not in divides.splitlines()]
    assert added == [
        "    load_weight,",
        *derived.DIVISION.split("\n")[2:5],
        f'table.model = "{derived.MODEL}"',
    ]
    assert missing == ["    calc_delta_fair,", 'table.model = "linux-2.6.24-cfs"']


@pytest.mark.parametrize(
    "part", ["    calc_delta_fair,\n", derived.CHARGE, derived.FIRST_SECTION, "from ..._", "table.model"]
)
def test_a_class_that_is_written_otherwise_is_not_derived_from(part):
    pyx, pxd = class_texts()
    with pytest.raises(derived.DerivationError, match="is found"):
        derived.dividing_class(pyx.replace(part, "# gone\n"), pxd)


def test_the_derived_model_is_offered_nowhere():
    assert derived.MODEL not in bench_package.cfs.models.all_models()


def test_speed_ups_are_drawn_of_rows_that_the_benchmarks_write():
    pytest.importorskip("matplotlib")
    ring = [
        row
        for mix in bench_package.RINGS
        for row in bench_package.ring_rows(2, mix, bench_package.ring_samples(2, mix, turns=1, rounds=1))
    ]
    assert all(report.ring_speed_ups(ring).values())


def test_a_different_state_is_refused():
    names = (bench_switch.HEAPQ, bench_switch.TEXTBOOK)
    variants = bench_switch.variants_of(Case(8), names)
    variants[names[0]].prepare(10)
    variants[names[0]].run()
    with pytest.raises(AssertionError, match="no time is worth printing"):
        common.require_equal_states(variants, [names])


@pytest.mark.parametrize("size", [3, 200])
def test_all_descents_keep_the_same_order(size):
    variants = bench_rbtree.variants_of(size)
    advance(variants, 1500)
    common.require_equal_states(variants, [bench_rbtree.ALL])


@pytest.mark.parametrize("operation", ["switch", "cycle", "tick", "fork + exit", "ring"])
@pytest.mark.parametrize("nr_tasks", [2, 3, 40])
def test_the_textbook_and_cfs_agree_on_every_event(operation, nr_tasks):
    variants = bench_events.variants_of(bench_events.Setting(bench_events.CFS, operation, nr_tasks))
    advance(variants, 1500)
    common.require_equal_states(variants, [tuple(variants)])


@pytest.mark.parametrize("nr_tasks", [2, 8, 512])
def test_every_cycle_preempts(nr_tasks):
    ours = bench_events.variant_of(bench_events.Setting(bench_events.CFS, "cycle", nr_tasks))
    ours.prepare(1000)
    ours.run()
    assert ours.nr_switches == 2000


@pytest.mark.parametrize("nr_tasks", [2, 3, 40])
def test_a_heap_that_can_do_what_the_tree_does_ends_in_the_same_state(nr_tasks):
    names = (bench_switch.HEAP, bench_switch.HEAPQ)
    variants = bench_switch.variants_of(Case(nr_tasks), names)
    advance(variants, 1500)
    common.require_equal_states(variants, [names])


@pytest.mark.parametrize("name", bench_switch.OPTIONAL)
def test_the_containers_of_others_end_in_the_same_state(name):
    pytest.importorskip(bench_switch.OPTIONAL[name])
    names = (name, bench_switch.HEAPQ)
    variants = bench_switch.variants_of(Case(40), names)
    advance(variants, 1500)
    common.require_equal_states(variants, [names])


@pytest.mark.parametrize("mix", bench_batch.MIXES)
def test_the_bulk_call_gives_what_the_calls_one_by_one_give(mix):
    events = bench_batch.events_of(bench_batch.MODELS[0], mix)[:2000]
    bulk = bench_batch.Bulk(bench_batch.MODELS[0], events)
    bulk.prepare(2000)
    bulk.run()
    assert bulk.state() == bench_batch.one_by_one(bench_batch.MODELS[0], events)


def document(instructions, ratio):
    rows = [{"variant": "a", "nr_tasks": 8, "instructions": instructions}, {"variant": "b", "ratio": ratio}]
    return {"benchmarks": {"x": rows}}


def test_a_regression_says_by_how_much():
    found = regression.changes(document(105, 1.0), document(100, 1.1))
    assert [(row[2], round(row[-1], 3)) for row in found] == [("instructions", 0.05)]


def test_a_ratio_within_the_noise_is_no_regression():
    assert regression.changes(document(100, 1.1), document(101, 1.0)) == []
