"""Other names: the same ones throughout, and what is no name stays."""

from cfs.recorder.alias import Alias
from cfs.recordings.surroundings import GroupFacts, Surroundings, TaskFacts


def test_a_name_has_one_alias():
    alias = Alias()
    assert [alias.name(name) for name in ("make", "cc1", "make")] == ["task1", "task2", "task1"]


def test_what_is_no_name_stays():
    alias = Alias()
    for name in ("swapper", "swapper/12", "<idle>", "<...>", ":4711", ""):
        assert alias.name(name) == name


def test_paths_keep_their_shape_and_autogroups_their_number():
    alias = Alias()
    assert alias.path("/a/b") == "/group1/group2" and alias.path("/b/a") == "/group2/group1"
    assert alias.path("/") == "/" and alias.path("/autogroup-38") == "/autogroup-38"


def test_root_stays_root():
    alias = Alias()
    assert [alias.uid(uid) for uid in (1000, 0, 1001, 1000, None)] == [1, 0, 2, 1, None]


def test_surroundings_are_renamed_all_over():
    said = Surroundings(
        kernel="6.18",
        groups=(GroupFacts("/secret.slice", shares=7),),
        users={1000: 1024, 0: 2048},
        tasks=(
            TaskFacts(4, 5, "payroll", 4, 1000, 3, "idle", 0, 9, "/secret.slice"),
            TaskFacts(6, name="payroll"),
        ),
    )
    other = Alias().surroundings(said)
    assert other.tasks == (
        TaskFacts(4, 5, "task1", 4, 1, 3, "idle", 0, 9, "/group1"),
        TaskFacts(6, name="task1"),
    )
    assert other.groups == (GroupFacts("/group1", shares=7),) and other.users == {1: 1024, 0: 2048}
    assert other.kernel == "6.18" and other.anonymous
