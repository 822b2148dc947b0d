"""`cfs models`."""

import re

from tests.unit.cli.commands import assert_refused, run


def test_models_lists_tunables_with_defaults():
    text = run("models").stdout
    assert "linux-2.6.24-cfs" in text
    assert re.search(r"sched_latency_ns \*\s+20000000   100000 \.\.\. 1000000000", text)
    assert re.search(r"START_DEBIT\s+on   on, off", text)
    assert run("models", "linux-2.6.24-cfs").exit_code == 0


def test_an_unknown_model_is_refused_with_the_known_ones():
    assert_refused(run("models", "cfq"), "no model 'cfq'", "linux-2.6.24-cfs")
