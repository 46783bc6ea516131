#!/usr/bin/python3
"""The rules for revisions and followers: what a correct bucket does is accepted, and each kind of fault is found."""

import copy
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from followers import check_followers
from linearizability import CREATE, LOSE, NOT_FOUND, OK, UNKNOWN, Operation
from revisions import (ADD, CONFLICT, COUNTER, KEYS_OF, PAIR, READ, SET, UNSET, BucketLog, Event, Poll, Step,
                       check_revisions)


class Bucket:
    """A correct bucket in one place, with clients that are slow to ask and to be told, and two followers."""

    def __init__(self, random_, is_durable, unknown=0.1):
        self.random, self.is_durable, self.unknown = random_, is_durable, unknown
        self.log = BucketLog([], [Operation(CREATE, 1, 2)])
        self.clock, self.rev, self.values = 2, 100, 0
        self.keys, self.told = {}, []       # key -> (rev, text); all changes
        self.remembered_from = self.rev     # changes after this one are told
        self.is_there = True
        self.since = {"f1": 0, "f2": 0}
        self.known = {}                     # by register, a revision that a client was told

    def now(self):
        self.clock += 1
        return self.clock

    def change(self, register, text):
        self.rev += self.random.randrange(1, 5)
        for key in KEYS_OF[register]:
            if text is not None:
                self.keys[key] = (self.rev, text)
                self.told.append(Event(self.rev, "PUT", key, text))
            elif self.keys.pop(key, None):
                self.told.append(Event(self.rev, "DELETE", key))

    def execute(self, step):
        key = KEYS_OF[step.register][0]
        rev, text = self.keys.get(key, (0, None))
        if not self.is_there:
            step.outcome = NOT_FOUND
            return
        step.outcome = OK
        if step.kind == READ:
            step.rev, step.text = rev, text
            return
        if step.expected is not None and step.expected != rev:
            step.outcome, step.rev = CONFLICT, rev
            return
        if step.kind == ADD:
            step.text = str(int(text or 0) + 1)
        if step.kind != UNSET or text is not None:
            self.change(step.register, step.text)
        step.rev = self.rev

    def new_step(self):
        register = self.random.choice(["r0", "r1", PAIR, *([COUNTER] if self.is_durable else [])])
        kinds = [READ, ADD] if register == COUNTER else [READ, SET] if register == PAIR else [READ, SET, SET, UNSET]
        step = Step(self.random.choice(kinds), register, self.now())
        if step.kind == SET:
            self.values += 1
            step.text = f"v{self.values}"
            if self.random.random() < 0.6:
                step.expected = self.known.get(register)
        self.log.steps.append(step)
        return step

    def poll(self, name):
        if self.is_there:
            since, invoked = self.since[name], self.now()
            reset = since < self.remembered_from
            events = [] if reset else [event for event in self.told if event.rev > since]
            self.since[name] = self.rev
            self.log.polls[name].append(Poll(invoked, self.now(), since, reset, self.rev, events))

    def kill(self):
        began = self.now()
        if not self.is_durable:
            self.keys, self.is_there = {}, False
            self.log.losses.append(Operation(LOSE, began, self.now()))
        self.rev += 1
        self.remembered_from = self.rev
        self.log.outages.append((began, self.now()))

    def create(self):
        began = self.now()
        self.is_there = True
        self.log.creates.append(Operation(CREATE, began, self.now()))

    def run(self, count):
        asked, done, late = [], [], []
        for _ in range(count):
            what = self.random.random()
            if what < 0.01:
                self.kill()
            elif not self.is_there and what < 0.1:
                self.create()
            elif what < 0.25:
                self.poll(self.random.choice(["f1", "f2"]))
            elif what < 0.55 and len(asked) + len(done) < 6:
                asked.append(self.new_step())
            elif what < 0.75 and asked:
                step = asked.pop(self.random.randrange(len(asked)))
                if step.kind != ADD and self.random.random() < self.unknown:
                    late.append(step)
                    continue
                self.execute(step)
                if step.outcome in (OK, CONFLICT):
                    self.known[step.register] = step.rev
                done.append(step)
            elif done:
                done.pop(self.random.randrange(len(done))).returned = self.now()
            elif late and self.random.random() < 0.5:
                self.execute_unknown(late.pop())
        for step in asked:
            self.execute(step)
        for step in asked + done:
            step.returned = self.now()
        if not self.is_there:
            self.create()
        for name in self.since:
            self.poll(name)
        return self.log

    def execute_unknown(self, step):
        text = step.text
        self.execute(step)
        step.outcome, step.rev, step.text = UNKNOWN, 0, text


def check(log):
    return check_revisions(log) + check_followers(log)


class Rules(unittest.TestCase):
    def setUp(self):
        self.seed = int(os.environ.get("KVMESH_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
        print(f"KVMESH_TEST_SEED={self.seed}", flush=True)
        self.random = random.Random(self.seed)

    def log(self, is_durable=True, count=600, unknown=0.1):
        return Bucket(self.random, is_durable, unknown).run(count)

    def test_what_a_correct_bucket_does_is_accepted(self):
        for i in range(60):
            log = self.log(is_durable=i % 2 == 0, unknown=self.random.choice((0, 0.1, 0.3)))
            self.assertEqual(check(log), [], f"seed {self.seed}")

    def found(self, text, spoil, is_durable=True):
        """Each time that `spoil` finds something to change in a log, the rules find it."""
        spoiled = 0
        for _ in range(200):
            log = copy.deepcopy(self.log(is_durable, 200, unknown=0))
            if spoil(log):
                spoiled += 1
                self.assertRegex("\n".join(check(log)), text, f"seed {self.seed}")
            if spoiled == 10:
                return
        self.fail(f"only {spoiled} logs had anything to spoil, seed {self.seed}")

    def one(self, things):
        things = list(things)
        return self.random.choice(things) if things else None

    def test_a_change_that_was_not_told(self):
        def spoil(log):
            poll = self.one(p for p in log.polls["f1"] if any(e.kind == "PUT" for e in p.events))
            if poll is None:
                return False
            poll.events.remove(self.one(e for e in poll.events if e.kind == "PUT"))
            return True
        self.found("f1: not told of", spoil)

    def test_a_change_that_was_told_twice_or_later(self):
        def twice(log):
            poll = self.one(p for p in log.polls["f1"] if p.events)
            if poll is not None:
                poll.events.insert(0, poll.events[0])
            return poll is not None
        self.found("was told 2 times", twice)

        def swapped(log):
            poll = self.one(p for p in log.polls["f2"] if len({e.rev for e in p.events}) > 1)
            if poll is not None:
                poll.events.reverse()
            return poll is not None
        self.found("f2: out of order", swapped)

    def test_a_change_that_nobody_made(self):
        def spoil(log):
            taken = {e.rev for polls in log.polls.values() for p in polls for e in p.events}
            poll = self.one(p for p in log.polls["f1"] if p.next > p.since and not p.reset and p.since + 1 not in taken)
            if poll is not None:
                poll.events.insert(0, Event(poll.since + 1, "PUT", "r0", "never"))
            return poll is not None
        self.found("told what nobody asked for", spoil)

    def test_a_reset_without_a_reason_and_a_loss_without_a_reset(self):
        def reason(log):
            poll = self.one(p for p in log.polls["f1"][1:] if not p.reset)
            if poll is not None:
                poll.reset, poll.events, log.outages = True, [], []
            return poll is not None
        self.found("a reset at .* though its node was never down", reason)

        def silent(log):
            loss = self.one(log.losses)
            poll = loss and next((p for p in log.polls["f1"][1:] if p.invoked > loss.returned), None)
            if poll:
                poll.reset = False
            return poll is not None and any(p.returned < loss.invoked for p in log.polls["f1"])
        self.found("no reset at .* though all was lost", silent, is_durable=False)

    def test_a_durable_bucket_that_lost_its_changes(self):
        def spoil(log):
            for at, step in enumerate(log.steps):
                if step.kind == READ and step.rev and step.register in (PAIR, COUNTER) and any(
                        s.rev == step.rev and s.returned < step.invoked for s in log.changes()):
                    log.steps[at].rev, log.steps[at].text = 0, None
                    return True
            return False
        self.found("no order of the operations explains this", spoil)

    def test_a_condition_that_did_not_hold(self):
        def spoil(log):
            step = self.one(s for s in log.steps if s.outcome == OK and s.expected)
            if step is not None:
                later = (s.rev for s in log.changes() if s.register == step.register and s.rev > step.expected)
                step.expected = self.one(later)
            return step is not None
        self.found("no order of the operations explains this", spoil)

    def test_a_conflict_with_what_was_expected(self):
        def spoil(log):
            step = self.one(s for s in log.steps if s.outcome == CONFLICT)
            if step is not None:
                step.rev = 7
            return step is not None
        self.found("the revision 7 of .* is of no request", spoil)

    def test_revisions_that_go_back(self):
        def spoil(log):
            changes = sorted(log.changes(), key=lambda s: s.rev)
            pairs = [(a, b) for a, b in zip(changes, changes[1:]) if a.returned < b.invoked]
            if not pairs:
                return False
            first, second = self.one(pairs)
            first.rev, second.rev = second.rev, first.rev
            log.polls.clear()
            return True
        self.found("was answered after", spoil)

    def test_an_add_that_counted_twice_or_was_lost(self):
        def spoil(by):
            def do(log):
                steps = sorted((s for s in log.changes() if s.kind == ADD), key=lambda s: s.rev)
                if len(steps) < 2:
                    return False
                at = steps[self.random.randrange(1, len(steps))].rev
                for step in log.steps:
                    if step.register == COUNTER and step.rev >= at:
                        step.text = str(int(step.text) + by)
                log.polls.clear()
                return True
            return do
        self.found("no order of the operations explains this", spoil(1))
        self.found("does not go with the value", spoil(-1))

    def test_a_value_with_two_revisions(self):
        def spoil(log):
            step = self.one(s for s in log.steps if s.kind == READ and s.rev and s.register != COUNTER)
            if step is not None:
                step.rev += 1
            return step is not None
        self.found("does not go with the value", spoil)


if __name__ == "__main__":
    unittest.main(verbosity=2)
