"""The checker itself: it is silent about a good run, and sees each way in which one can be bad."""

import pytest
from history import History


@pytest.fixture()
def run():
    return Run()


class Run(History):
    """alice and bob, in one group."""

    def __init__(self):
        super().__init__()
        self.alice, self.bob = self.began("alice"), self.began("bob")

    def send(self, to=("bob",), **more):
        return self.sent(self.alice, "g", to, "written", **more)

    def deliver(self, data, *, read=True):
        if read:
            self.read(self.bob, "g", data)
        self.answered(self.alice, data[1], {})

    def says(self, *words):
        found = self.violations()
        assert len(found) == len(words), found
        for line, word in zip(found, words):
            assert word in line


def test_a_good_run_is_good(run):
    for _ in range(3):
        run.deliver(run.send())
    publication = run.sent(run.alice, "g")
    run.read(run.bob, "g", publication)
    run.answered(run.alice, publication[1], 1)
    run.answered(run.alice, run.send(["carol"])[1], {"carol": "offline"})
    run.answered(run.alice, run.send()[1], {"bob": "unknown"})
    run.send(asked=False)
    run.check()
    assert run.figures() == {"sessions": 2, "reads": 4, "messages": 7, "publications": 1, "without outcome": 0, "delivered": 3,
                             "offline": 1, "unknown": 1}


def test_what_is_delivered_was_read(run):
    run.deliver(run.send(), read=False)
    run.says("did not read it")


@pytest.mark.parametrize("when, words", [
    ("before it was sent", ["did not read it"]), ("before the outcome", []), ("after the outcome", []),
])
def test_only_a_recipient_that_broke_off_later_may_not_have_read_it(run, when, words):
    if when == "before it was sent":
        run.ended(run.bob)
        run.began("bob")
    data = run.send()
    if when == "before the outcome":
        run.ended(run.bob)
    run.deliver(data, read=False)
    if when == "after the outcome":
        run.ended(run.bob)
    run.says(*words)


def test_who_broke_off_has_read_what_came_before_its_last(run):
    run.deliver(run.send(), read=False)
    run.deliver(run.send())
    run.ended(run.bob)
    run.says("did not read it")


def test_a_session_that_came_after_the_outcome_excuses_nothing(run):
    run.deliver(run.send(), read=False)
    run.ended(run.began("bob"))
    run.says("did not read it")


def test_what_is_refused_was_not_read_by_one_that_stayed(run):
    data = run.send()
    run.read(run.bob, "g", data)
    run.answered(run.alice, data[1], {"bob": "overloaded"})
    run.says("stayed and read it")
    run.ended(run.bob)
    run.says()


def test_nothing_is_read_twice_by_one_session(run):
    data = run.send()
    run.deliver(data)
    run.read(run.bob, "g", data)
    run.says("read twice")


def test_two_sessions_of_one_member_may_both_read_it(run):
    other, data = run.began("bob"), run.send()
    run.read(other, "g", data)
    run.deliver(data)
    run.check()


def test_the_order_holds_between_two_sessions_in_a_group(run):
    first, second = run.send(), run.send()
    run.deliver(second)
    run.deliver(first)
    run.says("behind 1")


def test_groups_do_not_wait_for_each_other(run):
    first, second = run.send(), run.sent(run.alice, "h", ["bob"], "written")
    run.read(run.bob, "h", second)
    run.answered(run.alice, second[1], {})
    run.deliver(first)
    run.check()


def test_a_sender_that_stayed_gets_an_outcome(run):
    run.send()
    run.says("no outcome")
    run.ended(run.alice)
    run.says()


def test_an_outcome_comes_once(run):
    data = run.send()
    run.deliver(data)
    run.answered(run.alice, data[1], {})
    run.says("answered twice")


@pytest.mark.parametrize("data", [[9, 0], [0, 9]])
def test_what_is_read_was_sent(run, data):
    run.read(run.bob, "g", data)
    run.says("never sent")


@pytest.mark.parametrize("to, group", [(["carol"], "g"), (["bob"], "h")])
def test_only_those_who_are_meant_read_it(run, to, group):
    data = run.sent(run.alice, group, to, "written")
    run.read(run.bob, "g", data)
    run.answered(run.alice, data[1], {uid: "offline" for uid in to if uid != "bob"})
    run.says("for whom it was not")


def test_a_count_has_its_readers_or_lost_sessions(run):
    data = run.sent(run.alice, "g")
    run.answered(run.alice, data[1], 1)
    run.says("counted 1")
    run.ended(run.bob)
    run.says()
