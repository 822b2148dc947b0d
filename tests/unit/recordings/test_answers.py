"""Waits that a recording hides: each rule on a conversation written by hand, and the law that they are for."""

import random

import numpy as np
import pytest

import cfs
from cfs.recordings.answers import decide
from cfs.recordings._wakers import AFTER_DTYPE

from .lines import A, B, C, IDLE, program, read, row, runtime, switch, wake

US = 1000
FAR = 900_000 * US


def seen(t):
    """A wakes B and blocks; B answers while A sleeps, and blocks. 20 us."""
    return (
        wake(t + 2 * US, A, B),
        switch(t + 6 * US, A, B),
        wake(t + 8 * US, B, A),
        switch(t + 12 * US, B, A),
    )


def unseen(t, answers=B):
    """A wakes B, which preempts it and answers before A could block. 20 us."""
    return (
        wake(t + 2 * US, A, answers),
        switch(t + 5 * US, A, answers, "R"),
        switch(t + 12 * US, answers, A),
    )


def talk(*rounds):
    """A recording of these rounds; A runs in between."""
    lines = [switch(0, B, A)]
    for number, one in enumerate(rounds):
        lines += one(20 * US * (number + 1))
    return read(*lines, runtime(FAR, A, 0))


def answers(recording):
    return recording.answers()


def nr_hidden(recording):
    return int((answers(recording).answerer >= 0).sum())


def test_h1_a_wait_that_was_always_seen_is_hidden_where_the_answer_came_first():
    found = talk(seen, seen, unseen, unseen, seen)
    assert nr_hidden(found) == 2 and answers(found).nr_unproven == 0
    assert set(answers(found).answerer.tolist()) == {-1, row(found, B)}


def test_the_wait_and_its_answer_are_in_the_programs():
    work = talk(seen, seen, unseen, seen).workload(0)
    for name, other in ((A, B), (B, A)):
        kinds = [op[0] for op in program(work, name)]
        nr_wakes = sum(op[0] == "WAKE" and op[1] == name[1] for op in program(work, other))
        assert kinds.count("WAIT") == nr_wakes  # P2
    assert [op[0] for op in program(work, A)].count("WAIT") == 4


def test_a_producer_that_nobody_answers_hides_nothing():
    found = talk(*[unseen] * 20)
    assert nr_hidden(found) == 0 and answers(found).nr_unproven == 0


def went_on(t):
    """A wakes B, and C as well before it blocks: it does not wait for B."""
    return (
        wake(t + 2 * US, A, B),
        wake(t + 3 * US, A, C),
        switch(t + 6 * US, A, B),
        wake(t + 8 * US, B, A),
        switch(t + 10 * US, B, C),
        switch(t + 12 * US, C, A),
    )


def test_h2_who_goes_on_without_an_answer_does_not_wait_for_one():
    found = talk(seen, seen, *[went_on] * 3, unseen, unseen)
    assert nr_hidden(found) == 0 and answers(found).nr_unproven == 1  # what came of the last one is not seen


def late(t):
    """A computes for long after the wakeup; only then B takes its CPU: that was no wait."""
    return (
        wake(t + 1 * US, A, B),
        switch(t + 15 * US, A, B, "R"),
        switch(t + 18 * US, B, A),
    )


def test_h3_who_computes_on_before_it_is_preempted_did_not_wait():
    """The longest way to a block was 4 us; twice that is what is believed."""
    assert nr_hidden(talk(seen, seen, late, seen)) == 0


@pytest.mark.parametrize("model", list(cfs.MODELS))
@pytest.mark.parametrize("seed", range(3))
def test_partners_make_two_switches_a_round_whoever_is_preempted(model, seed):
    rng = random.Random(seed)
    rounds = [seen, seen, *rng.choices([seen, unseen], k=80), seen]
    work = talk(*rounds).workload(0)
    result = work.run(model, until_ns=25 * 20 * US * 100)
    assert abs(result.context_switches - 2 * len(rounds)) <= 2


def test_how_long_a_waker_stays_in_the_kernel_is_the_median_of_its_name():
    found = talk(seen, seen, *[unseen] * 5)
    assert answers(found).stay_ns[row(found, A)] == 3 * US


def test_an_interrupt_takes_what_it_takes_on_an_idle_cpu():
    lines = [switch(0, A, IDLE)]
    for number in range(1, 21):
        t = number * 1000 * US
        lines += [wake(t, IDLE, A), switch(t + (4 + number % 4) * US, IDLE, A), switch(t + 50 * US, A, IDLE)]
    found = read(*lines)
    assert answers(found).wakeup_cost_ns == 4 * US  # a quarter of 4, 5, 6 and 7 us, each as often


def exits(preempted):
    """Children that wake A on their way out, and are preempted there by it, or not."""
    lines = [switch(0, IDLE, A)]
    for number in range(12):
        t, child = (number + 1) * 100 * US, ("child", 500 + number)
        lines += [switch(t, A, child), wake(t + 5 * US, child, A)]
        if preempted:
            lines += [switch(t + 6 * US, child, A, "R"), switch(t + 9 * US, A, child, "R")]
        lines += [switch(t + 40 * US, child, A, "Z")]
    return read(*lines)


@pytest.mark.parametrize("preempted", [False, True])
def test_exits_tell_whether_the_kernel_can_be_preempted(preempted):
    assert answers(exits(preempted)).is_preemptible is preempted


def test_a_recording_without_wakeups_has_no_answers():
    found = read(switch(0, IDLE, A), switch(10 * US, A, B, "R"), switch(20 * US, B, A, "R"))
    assert nr_hidden(found) == 0 and answers(found).is_preemptible is None
    assert answers(found).wakeup_cost_ns is None and not answers(found).stay_ns.any()


def test_no_wakeups_at_all():
    nothing = decide(np.zeros(0, AFTER_DTYPE), np.zeros(0, int))
    assert len(nothing.answerer) == 0 and nothing.nr_unproven == 0
