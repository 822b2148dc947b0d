"""Programs: every operation, repeats and loops, computed by hand, and every refusal with its line."""

import pytest

from cfs.workload import FOREVER_NS

from .texts import MS, TASK, TEMPLATE, one_task, program


def test_every_operation(read):
    work = read(
        one_task(
            '"run 3 ms"', '"run forever"', '"sleep 5us"', '"sleep until 1 s"', '"next 10 ms"', '"wait"',
            '"wake a"', '"wake a 1"', '"wake next"', '"nice -5"', '"yield"', '"exit"',
        )
    )  # fmt: skip
    assert program(work) == [
        ("RUN", 3 * MS, 0),
        ("RUN", FOREVER_NS, 0),
        ("SLEEP", 5000, 0),
        ("SLEEP_UNTIL", 1000 * MS, 0),
        ("NEXT", 10 * MS, 0),
        ("WAIT", 0, 0),
        ("WAKE", 0, 0),
        ("WAKE", 0, 0),
        ("WAKE", 0, 0),
        ("NICE", -5, 0),
        ("YIELD", 0, 0),
        ("EXIT", 0, 0),
    ]


def test_a_loop_goes_back_to_the_start_of_its_list(read):
    work = read(one_task('"wait"', '{ do = ["run 1 ms", { do = ["run 2 ms", "loop"] }] }'))
    assert program(work)[-1] == ("LOOP", 0, 2)
    assert program(read(one_task('"wait"', '"run 1 ms"', '"loop"')))[-1] == ("LOOP", 0, 0)


FAULTY = [
    (TASK + "program = 'run 1 ms' #!", "no list of operations"),
    (TASK + "program = [\n'run 1 ms',\n5, #!\n]", "5 is no operation: a program looks like"),
    (TASK + "program = [\n'run 1 ms',\n[], #!\n]", "is no operation"),
    (TASK + "program = [\n'run 1 ms', # run\n'run', #!\n]", "'run': run is written 'run 3 ms'"),
    (TASK + "program = ['jump 5'] #!", "'jump 5' is no operation; there are run, sleep, next, wait"),
    (TASK + "program = [''] #!", "'' is no operation"),
    (TASK + "program = ['sleep until'] #!", "sleep is written"),
    (TASK + "program = ['nice 20'] #!", "from -20 to 19"),
    (TASK + "program = ['nice'] #!", "from -20 to 19"),
    (TASK + "program = ['wait 5 ms'] #!", "wait is written 'wait'"),
    (TASK + "program = ['wake'] #!", "wake is written"),
    (TASK + "program = ['fork'] #!", "fork is written 'fork NAME'"),
    # repeat and loop
    (TASK + "program = [\n'wait',\n{ repeat = 5 }, #!\n]", "do is missing or empty"),
    (TASK + "program = [{ repeat = 5, do = [] }] #!", "do is missing or empty"),
    (TASK + "program = [{ repeat = 5, do = 'wait' }] #!", "do = 'wait' is no list"),
    (TASK + "program = [{ repeat = 0, do = ['wait'] }] #!", "repeat = 0 is no integer from 1"),
    (TASK + "program = [{ times = 5, do = ['wait'] }] #!", "no 'times' in a repeat; there are repeat, do"),
    (TASK + "program = [" + "{ do = [" * 20 + "'wait'" + "] }" * 20 + "] #!", "no deeper"),
    (TASK + "program = ['run 1 ms', 'loop',\n'wait', #!\n]", "never reached"),
    (TASK + "program = [{ do = ['run 1 ms', 'loop'] },\n'wait', #!\n]", "never reached"),
    (TASK + "program = [{ repeat = 2, do = ['run 1 ms', 'loop'] }] #!", "cannot be repeated"),
    (TASK + "program = ['wait',\n'loop', #!\n]", "surely takes time"),
    (TASK + "program = ['run 0 ms .. 5 ms',\n'loop', #!\n]", "surely takes time"),
    (TASK + "program = ['run 1 ms',\n'fork t', #!\n'loop']" + TEMPLATE, "use { repeat = N"),
    (TASK + "program = ['run 1 ms',\n{ do = [\n'fork t', #!\n] }, 'loop']" + TEMPLATE, "endless loop"),
]  # fmt: skip


@pytest.mark.parametrize("text, what", FAULTY)
def test_the_line_is_named(refuse, text, what):
    refuse(text, what)
