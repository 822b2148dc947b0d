"""Waits that a recording hides: each rule on a conversation written by hand, and the law that they are for."""

import random

import numpy as np
import pytest

import cfs
from cfs.recordings.answers import decide
from cfs.recordings._wakers import AFTER_DTYPE
from cfs.workload import Op

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


def woken_by_another(t):
    """A wakes B and blocks; C wakes A, not B."""
    return (
        wake(t + 2 * US, A, B),
        switch(t + 6 * US, A, B),
        switch(t + 8 * US, B, C),
        wake(t + 10 * US, C, A),
        switch(t + 12 * US, C, A),
    )


def woken_by_a_timer(t):
    """A wakes B and blocks, and so does B; an interrupt wakes A."""
    return (
        wake(t + 2 * US, A, B),
        switch(t + 6 * US, A, B),
        switch(t + 8 * US, B, IDLE),
        wake(t + 10 * US, IDLE, A),
        switch(t + 12 * US, IDLE, A),
    )


@pytest.mark.parametrize("other", [woken_by_another, woken_by_a_timer])
@pytest.mark.parametrize(("nr_seen", "hidden", "unproven"), [(3, 0, 1), (4, 0, 1), (5, 1, 0)])
def test_h2_one_wait_of_another_kind_needs_ten_proofs(other, nr_seen, hidden, unproven):
    """Each round that is seen proves twice: A waits for B, and B for A. What came of the last round is not seen, so
    nobody knows whether it hides a wait.
    """
    found = talk(*[seen] * nr_seen, other, unseen, unseen)
    assert (nr_hidden(found), answers(found).nr_unproven) == (hidden, unproven)


@pytest.mark.parametrize(("rounds", "hidden", "unproven"), [((unseen, seen), 0, 1), ((unseen, seen, seen), 1, 0)])
def test_h2_one_proof_is_none(rounds, hidden, unproven):
    """Nothing follows the answer of the last round: that B waits is not seen there."""
    found = talk(*rounds)
    assert (nr_hidden(found), answers(found).nr_unproven) == (hidden, unproven)


@pytest.mark.parametrize("nr", [1, 2])
def test_h2_two_proofs_are_enough(nr):
    """C answers what B is asked; so no round proves anything of B."""
    found = talk(unseen, *[woken_by_another] * nr)
    assert nr_hidden(found) == (nr == 2)
    assert set(answers(found).answerer.tolist()) == ({-1, row(found, C)} if nr == 2 else set())


def late(ns):
    """A computes for so long after the wakeup; only then B takes its CPU."""
    return lambda t: (
        wake(t + 1 * US, A, B),
        switch(t + 1 * US + ns, A, B, "R"),
        switch(t + 18 * US, B, A),
    )


@pytest.mark.parametrize(("ns", "hidden"), [(14 * US, 0), (8 * US + 1, 0), (8 * US, 1)])
def test_h3_who_computes_on_before_it_is_preempted_did_not_wait(ns, hidden):
    """The longest way to a block was 4 us; twice that is what is believed."""
    assert nr_hidden(talk(seen, seen, late(ns), seen)) == hidden


def test_portions_find_what_the_whole_finds(monkeypatch):
    rounds = [seen, seen, unseen, unseen, seen, woken_by_another, unseen, seen, seen, seen, unseen, seen]
    whole = answers(talk(*rounds))
    monkeypatch.setattr("cfs.recordings.answers.PORTION", 3)
    found = answers(talk(*rounds))
    assert (found.answerer >= 0).sum() == 4 and (found.answerer == whole.answerer).all()
    assert (found.reach_ns == whole.reach_ns).all() and found.nr_unproven == whole.nr_unproven == 0


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


def stays(*delays_ns):
    """D, and then A, wake B and are preempted by it: A three times after 3 us, D after these times."""
    d, t = ("d", 104), 20 * US
    lines = [switch(0, B, A)]
    for delay_ns in delays_ns:
        lines += [switch(t, A, d), wake(t + US, d, B), switch(t + US + delay_ns, d, B, "R")]
        lines += [switch(t + 150 * US, B, d), switch(t + 160 * US, d, A)]
        t += 200 * US
    lines += [line for number in range(3) for line in unseen(t + 20 * US * number)]
    found = read(*lines, runtime(FAR, A, 0))
    return [int(answers(found).stay_ns[row(found, task)]) for task in (A, d)]


@pytest.mark.parametrize(
    ("delays_ns", "of_d_ns"),
    [
        ([9 * US] * 2, 3 * US),  # too few: the median of all five
        ([9 * US] * 3, 9 * US),
        ([100 * US] * 3, 100 * US),
        ([100 * US + 1] * 3, 3 * US),  # a preemption as late as this has another reason
    ],
)
def test_a_name_with_few_delays_has_the_median_of_all(delays_ns, of_d_ns):
    assert stays(*delays_ns) == [3 * US, of_d_ns]


def cost_of_interrupts(*delays_ns):
    """Interrupts on an idle CPU wake A, which runs so long after."""
    lines = [switch(0, A, IDLE)]
    for number, delay_ns in enumerate(delays_ns, 1):
        t = number * 1000 * US
        lines += [wake(t, IDLE, A), switch(t + delay_ns, IDLE, A), switch(t + 200 * US, A, IDLE)]
    return answers(read(*lines)).wakeup_cost_ns


def test_an_interrupt_takes_what_it_takes_on_an_idle_cpu():
    """The lower quartile: a quarter took 4 us, of 4, 5, 6 and 7 us, each as often."""
    assert cost_of_interrupts(*[5 * US, 6 * US, 7 * US, 4 * US] * 5) == 4 * US


@pytest.mark.parametrize(
    ("nr", "delay_ns", "cost_ns"),
    [(9, 5 * US, None), (10, 5 * US, 5 * US), (10, 100 * US, 100 * US), (10, 100 * US + 1, None)],
)
def test_it_takes_ten_interrupts_none_of_which_took_long(nr, delay_ns, cost_ns):
    assert cost_of_interrupts(*[delay_ns] * nr) == cost_ns


def exits(*preempted):
    """Children that wake A on their way out, and are preempted there by it, or not."""
    lines = [switch(0, IDLE, A)]
    for number, is_preempted in enumerate(preempted):
        t, child = (number + 1) * 100 * US, ("child", 500 + number)
        lines += [switch(t, A, child), wake(t + 5 * US, child, A)]
        if is_preempted:
            lines += [switch(t + 6 * US, child, A, "R"), switch(t + 9 * US, A, child, "R")]
        lines += [switch(t + 40 * US, child, A, "Z")]
    return read(*lines)


@pytest.mark.parametrize(
    ("nr_preempted", "nr", "expected"),
    [(0, 12, False), (12, 12, True), (3, 15, False), (4, 15, True), (9, 9, None), (10, 10, True), (0, 10, False)],
)
def test_exits_tell_whether_the_kernel_can_be_preempted(nr_preempted, nr, expected):
    """It takes ten of them, and more than a fifth that are preempted."""
    found = exits(*[True] * nr_preempted, *[False] * (nr - nr_preempted))
    assert answers(found).is_preemptible is expected


def test_a_recording_without_wakeups_has_no_answers():
    found = read(switch(0, IDLE, A), switch(10 * US, A, B, "R"), switch(20 * US, B, A, "R"))
    assert nr_hidden(found) == 0 and answers(found).is_preemptible is None
    assert answers(found).wakeup_cost_ns is None and not answers(found).stay_ns.any()


def test_no_wakeups_at_all():
    nothing = decide(np.zeros(0, AFTER_DTYPE), np.zeros(0, int))
    assert len(nothing.answerer) == 0 and nothing.nr_unproven == 0


# ---- who waits for room


full = went_on  # A wakes B and C, and blocks until B has taken something


def full_unasked(t):
    """The same, but B was not woken by A this time."""
    return (
        wake(t + 2 * US, A, C),
        switch(t + 6 * US, A, IDLE),
        wake(t + 7 * US, IDLE, B),
        switch(t + 8 * US, IDLE, B),
        wake(t + 9 * US, B, A),
        switch(t + 10 * US, B, C),
        switch(t + 12 * US, C, A),
    )


def fed(recording):
    """The names that A feeds, and how many wakeups that are."""
    events = recording.wakeups()
    feeds = answers(recording).feeds
    rows = np.flatnonzero(feeds)
    names = {recording.names[recording.task_table["name"][task]] for task in events["task"][rows].tolist()}
    return names, len(rows)


@pytest.mark.parametrize(("nr", "expected"), [(9, (set(), 0)), (10, ({B[0]}, 10)), (11, ({B[0]}, 11))])
def test_f1_ten_blocks_until_another_one_took_something(nr, expected):
    """C is woken last, and never the one that makes room."""
    assert fed(talk(*[full] * nr)) == expected


@pytest.mark.parametrize("other", [seen, woken_by_a_timer])
def test_f2_one_block_of_another_kind_needs_ten(other):
    assert fed(talk(*[full] * 10, other, full)) == ({B[0]}, 12)
    assert fed(talk(*[full] * 10, other, other)) == (set(), 0)


def test_f1_there_are_as_many_wakeups_as_blocks():
    assert fed(talk(*[full] * 10)) == ({B[0]}, 10)
    assert fed(talk(*[full] * 10, full_unasked)) == (set(), 0)


def test_f_portions_find_what_the_whole_finds(monkeypatch):
    whole = answers(talk(*[full] * 12)).feeds.tolist()
    monkeypatch.setattr("cfs.recordings.answers.PORTION", 5)
    assert answers(talk(*[full] * 12)).feeds.tolist() == whole and sum(whole) == 12


def test_who_feeds_does_not_run_ahead_and_the_head_says_so():
    work = talk(*[full] * 10).workload(0)
    woken = [op for op in program(work, A) if op[0] in ("PUT", "WAKE")]
    assert woken == [("PUT", B[1]), *[("PUT", B[1]), ("WAKE", C[1])] * 9]  # the first one of C is its beginning
    assert [note for note in work.warnings if note.startswith("10 wakeups of tasks that feed others")]
    for model in cfs.MODELS:
        result = work.run(model)
        assert result.busy_ns == talk(*[full] * 10).result(0).busy_ns



# ---- what a wakeup and a block cost


def dear(back_seen_ns, back_unseen_ns):
    """Rounds in which A blocks, and in which it is preempted, and when it is back: `seen` and `unseen` with these times."""

    def blocks(t):
        return *seen(t)[:3], switch(t + back_seen_ns, B, A)

    def goes_on(t):
        return *unseen(t)[:2], switch(t + back_unseen_ns, B, A)

    return blocks, goes_on


def behind(work, task, kind):
    """(how long, how much longer) each RUN behind such an operation is, in the middle of a program."""
    ops = work.program(work.tasks["pid"].tolist().index(task[1]))[10:-10].tolist()
    return {(arg, more) for (_, _, before), (arg, more, run) in zip(ops, ops[1:]) if (before, run) == (kind, Op.RUN)}


def test_p7_rounds_that_woke_and_blocked_show_what_that_costs():
    """A uses from one wait to the next: 10.5 us if it blocks neither before nor after, 12.5 if it blocked before, 10.5 if
    it blocks after; so a block costs 2 us. B, which blocks twice and wakes nobody, uses 9.5: 10.5 + 2 - 9.5 = 3 us for a
    wakeup. Without them A has 6.5 us before its wakeup and 1 us behind it, whatever happened.
    """
    blocks, goes_on = dear(13_500, 14_500)
    work = talk(*[blocks, goes_on, goes_on, goes_on] * 40).workload(0, costs=True)
    assert behind(work, A, Op.WAIT) == {(6500, 2000)} and behind(work, A, Op.WAKE) == {(1000, 3000)}
    assert behind(work, B, Op.WAIT) == {(0, 2000)} and behind(work, B, Op.WAKE) == {(2500, 3000), (7500, 3000)}
    assert [note for note in work.warnings if note.endswith("a wakeup 3.00 µs, a block 2.00 µs")]


@pytest.mark.parametrize(("nr", "has_costs"), [(20, False), (21, True)])
def test_p7_it_takes_twenty_rounds_of_each_kind(nr, has_costs):
    """In the first four rounds nobody has shown yet that he waits unseen, when A blocks."""
    blocks, goes_on = dear(13_500, 14_500)
    work = talk(*[blocks, goes_on, goes_on, goes_on] * nr).workload(0, costs=True)
    runs = work.ops[work.ops["kind"] == Op.RUN]
    assert (runs["target"] > 0).any() == has_costs


@pytest.mark.parametrize(("more_us", "has_costs"), [(97, True), (98, False)])
def test_p7_no_kernel_takes_longer_than_100_us_for_it(more_us, has_costs):
    """What A uses more after a block is taken for a cost: of a block beside 2 us, of a wakeup beside 3 us."""
    blocks, goes_on = dear(13_500, 14_500)
    lines, t = [switch(0, B, A)], 20 * US
    for _ in range(40):
        for one in (blocks, goes_on, goes_on, goes_on):
            lines += one(t)
            t += (20 + more_us * (one is blocks)) * US
    work = read(*lines, runtime(FAR, A, 0)).workload(0, costs=True)
    assert (work.ops["target"][work.ops["kind"] == Op.RUN] > 0).any() == has_costs


def test_p7_nobody_asked_for_it():
    blocks, goes_on = dear(13_500, 14_500)
    found = talk(*[blocks, goes_on, goes_on, goes_on] * 40)
    runs = found.workload(0).ops[found.workload(0).ops["kind"] == Op.RUN]
    assert (runs["target"] == 0).all() and runs["arg"].sum() == found.busy_ns(0).sum()
