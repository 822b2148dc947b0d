"""Public names stay importable from where they are. Way to be right: a list, written by hand.

The list has the public modules of 0.1.0 and the names that each promises. The files behind them may move; the
package or a small module then hands the names on. A name leaves this list only with a line in CHANGES.md.
"""

from importlib import import_module

import pytest

PUBLIC = {
    "cfs": """
        CfsError GroupError InvariantError MODELS MissingExtraError Model ModelError RBTree
        Recording RecordingError Result Scheduler Simulation SnapshotError StateError Task TaskGroup
        TimeError TraceError TruthError TunableError User Workload WorkloadError get_include read_scenario
    """,
    "cfs.adapters.simpy": "CPU Group Hold Killed Preempted Run Sleep Task UNITS",
    "cfs.arithmetic": """
        LoadWeight calc_delta calc_delta_fair inverse_on_first_use load_from_nice load_from_shares
        sched_period sched_slice sched_vslice vruntime_before vruntime_difference
    """,
    "cfs.batch": "EVENT_DTYPE Event run_events",
    "cfs.cli": "app run",
    "cfs.conformance": "Difference TraceResult read_trace replay_trace replay_traces",
    "cfs.errors": """
        CfsError GroupError InvariantError MissingExtraError ModelError RecordingError SnapshotError
        StateError TimeError TraceError TruthError TunableError WorkloadError
    """,
    "cfs.frames": "arrow_table to_pandas to_parquet to_polars",
    "cfs.models": "MODELS Model all_models model_named",
    "cfs.options": "Choice Told check_files columns_of cpus_of ns_of settings_of told_of until_ns_of",
    "cfs.queueing": "Served serve",
    "cfs.recordings": "Cause RecordedTask Recording",
    "cfs.recordings.causes": "Cause Witness decide",
    "cfs.recordings.measured": "recorded_result",
    "cfs.recordings.programs": "make",
    "cfs.recordings.recording": "RECORDED_EVENT_DTYPE RecordedTask Recording",
    "cfs.recordings.source": "Source",
    "cfs.reports": """
        Comparison Samples Table compare comparison_html ftrace_lines notebook_html nr_running
        plot_comparison plot_timeline plot_trends result_html run_sampled tables write_ftrace
        write_html write_perfetto
    """,
    "cfs.reports.comparison": "Column Comparison compare",
    "cfs.reports.comparison_figure": "plot_comparison",
    "cfs.reports.drawing": "check_path new_figure save style",
    "cfs.reports.events": "EVENT_DTYPE FORK IDLE SWITCH WAKEUP events_of unique_pids",
    "cfs.reports.fairness": "Entitlement Lags Spread lags_at lags_over virtual_spread",
    "cfs.reports.ftrace": "ftrace_lines write_ftrace",
    "cfs.reports.html": "check_html comparison_html notebook_html result_html write_html",
    "cfs.reports.lanes": "Lane covered covered_before lanes_of survival",
    "cfs.reports.perfetto": "check_perfetto write_perfetto",
    "cfs.reports.samples": "SAMPLE_DTYPE Samples nr_running run_sampled",
    "cfs.reports.svg": "Canvas Frame band curves levels share_rows strips words",
    "cfs.reports.tables": "Table clean count_text share_text tables time_text",
    "cfs.reports.timeline": "plot_timeline",
    "cfs.reports.trends": "plot_trends",
    "cfs.reports.verdicts": "totals_of totals_text verdict_lines verdict_row",
    "cfs.result": "Out RUN_DTYPE Ready Result STATS_DTYPE",
    "cfs.scenarios": "read_scenario",
    "cfs.simulation": "Simulation",
    "cfs.stepping": "Policy Stepper",
    "cfs.tunables": "LinuxCfs2623 LinuxCfs2624 LinuxEevdf618 LinuxO12622 RfsModel Tunables",
    "cfs.workload": """
        Draws FOREVER_NS OP_DTYPE Op TASK_DTYPE TaskPlan Workload build fork_loop half_sleepers hogs
        of_plans periodic ring sleepers
    """,
}


@pytest.mark.parametrize("module", PUBLIC)
def test_a_public_module_has_its_names(module):
    home = import_module(module)
    assert [name for name in PUBLIC[module].split() if not hasattr(home, name)] == []


@pytest.mark.parametrize("module", PUBLIC)
def test_a_star_finds_every_name_that_a_module_lists(module):
    home = import_module(module)
    assert [name for name in home.__all__ if not hasattr(home, name)] == []
