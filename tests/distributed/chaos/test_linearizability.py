#!/usr/bin/python3
"""The checker of histories: good ones pass, each kind of bad one is found, and it agrees with trying every order."""

import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from linearizability import (CREATE, DELETE, GET, LOSE, MISSING, NOT_FOUND, OK, PUT, UNKNOWN, Operation, after,
                             check)


def history(*lines):
    """Operations from (kind, invoked, returned, value or outcome...)."""
    made = []
    for kind, invoked, returned, *rest in lines:
        value = rest[0] if rest and kind in (PUT, GET) else None
        outcome = next((r for r in rest if r in (NOT_FOUND, UNKNOWN)), OK)
        made.append(Operation(kind, invoked, None if outcome == UNKNOWN else returned, outcome,
                              None if value in (NOT_FOUND, UNKNOWN) else value))
    return made


def brute_force(operations):
    """Whether some order explains the history: tries all of them, with nothing cut down."""
    def search(left, state):
        certain = [o for o in left if o.outcome != UNKNOWN]
        if not certain:
            return True
        first_return = min(o.returned for o in certain)
        return any(search([p for p in left if p is not o], new)
                   for o in left if o.invoked < first_return for new in after(o, state))
    return search(list(operations), MISSING)


class Known(unittest.TestCase):
    """The register is there and empty at first: create has returned."""

    def good(self, *lines):
        self.assertIsNone(check(history((CREATE, 1, 2), *lines)))

    def bad(self, *lines):
        self.assertIsNotNone(check(history((CREATE, 1, 2), *lines)))

    def test_one_after_the_other(self):
        self.good((GET, 3, 4, None), (PUT, 5, 6, "a"), (GET, 7, 8, "a"), (DELETE, 9, 10), (GET, 11, 12, None))

    def test_stale_read(self):
        self.bad((PUT, 3, 4, "a"), (PUT, 5, 6, "b"), (GET, 7, 8, "a"))

    def test_a_read_beside_a_write_sees_the_old_or_the_new(self):
        for seen in ("a", "b"):
            self.good((PUT, 3, 4, "a"), (PUT, 5, 8, "b"), (GET, 6, 7, seen))
        self.bad((PUT, 3, 4, "a"), (PUT, 5, 8, "b"), (GET, 6, 7, None))

    def test_lost_write(self):
        self.bad((PUT, 3, 4, "a"), (GET, 5, 6, None))

    def test_phantom_value(self):
        self.bad((GET, 3, 4, "never"))

    def test_a_value_from_the_future(self):
        self.bad((GET, 3, 4, "a"), (PUT, 5, 6, "a"))

    def test_a_put_that_was_not_executed_is_in_no_history_so_its_value_is_a_phantom(self):
        self.bad((PUT, 3, 4, "a"), (GET, 9, 10, "not-executed"))
        self.bad((PUT, 3, 4, "a"), (PUT, 5, 6, "b", NOT_FOUND))

    def test_reads_that_go_back(self):
        self.bad((PUT, 3, 4, "a"), (PUT, 5, 20, "b"), (GET, 6, 7, "b"), (GET, 8, 9, "a"))
        self.good((PUT, 3, 4, "a"), (PUT, 5, 20, "b"), (GET, 6, 9, "b"), (GET, 7, 8, "a"))

    def test_two_reads_see_two_writes_in_two_orders(self):
        self.bad((PUT, 3, 20, "a"), (PUT, 4, 21, "b"), (GET, 5, 6, "a"), (GET, 7, 8, "b"), (GET, 9, 10, "a"))

    def test_an_unknown_put_may_happen_late_or_never_but_once(self):
        self.good((PUT, 3, 4, "a"), (PUT, 5, 0, "u", UNKNOWN), (GET, 7, 8, "a"), (GET, 9, 10, "u"))
        self.good((PUT, 3, 4, "a"), (PUT, 5, 0, "u", UNKNOWN), (GET, 7, 8, "a"), (GET, 9, 10, "a"))
        self.bad((PUT, 3, 4, "a"), (PUT, 5, 0, "u", UNKNOWN), (GET, 7, 8, "u"), (GET, 9, 10, "a"))
        self.bad((PUT, 3, 0, "u", UNKNOWN), (GET, 4, 5, "u"), (PUT, 6, 7, "b"), (GET, 8, 9, "u"))

    def test_an_unknown_delete_may_happen_late_or_never_but_once(self):
        self.good((DELETE, 3, 0, UNKNOWN), (PUT, 5, 6, "a"), (GET, 7, 8, "a"), (GET, 9, 10, None))
        self.bad((DELETE, 3, 0, UNKNOWN), (PUT, 5, 6, "a"), (GET, 7, 8, None), (PUT, 9, 10, "b"), (GET, 11, 12, None))
        self.bad((PUT, 5, 6, "a"), (GET, 7, 8, None), (DELETE, 9, 0, UNKNOWN))

    def test_a_restart_loses_everything_at_one_moment(self):
        self.good((PUT, 3, 4, "a"), (LOSE, 5, 10), (GET, 6, 7, "a"), (GET, 8, 9, NOT_FOUND), (GET, 11, 12, NOT_FOUND))
        self.bad((PUT, 3, 4, "a"), (LOSE, 5, 10), (GET, 6, 7, NOT_FOUND), (GET, 8, 9, "a"))
        self.bad((PUT, 3, 4, "a"), (LOSE, 5, 6), (GET, 7, 8, "a"))
        self.bad((PUT, 3, 4, "a"), (GET, 5, 6, NOT_FOUND), (LOSE, 7, 8))
        self.bad((PUT, 3, 4, "a"), (LOSE, 5, 6), (CREATE, 7, 8), (GET, 9, 10, "a"))

    def test_a_request_of_before_the_restart_may_reach_the_new_bucket(self):
        self.good((PUT, 3, 0, "u", UNKNOWN), (LOSE, 5, 6), (CREATE, 7, 8), (GET, 9, 10, "u"))

    def test_a_bucket_that_nobody_made(self):
        self.good((LOSE, 3, 4), (PUT, 5, 6, "a", NOT_FOUND), (DELETE, 7, 8, NOT_FOUND))
        self.bad((LOSE, 3, 4), (PUT, 5, 6, "a"))
        self.bad((LOSE, 3, 4), (GET, 5, 6, None))
        self.good((LOSE, 3, 4), (CREATE, 5, 0, UNKNOWN), (GET, 7, 8, NOT_FOUND), (GET, 9, 10, None))
        self.bad((LOSE, 3, 4), (CREATE, 5, 0, UNKNOWN), (GET, 7, 8, None), (LOSE, 9, 10), (GET, 11, 12, None))

    def test_the_report_names_the_operation(self):
        found = check(history((CREATE, 1, 2), (PUT, 3, 4, "a"), (PUT, 5, 6, "b"), (GET, 7, 8, "a")))
        self.assertIn("[7 .. 8] get 'a': ok", str(found))
        self.assertIn("could be: 'b'", str(found))


def simulated(random_, clients, count, unknown=0.1, lose=0.05):
    """A history of a correct register that several clients use, with the last `unknown` share not answered."""
    state, clock, running, made, values = MISSING, 0, {}, [], 0
    floating = []  # unknown operations that have not taken effect, and may

    def execute(operation):
        nonlocal state
        kind = operation.kind
        if kind == LOSE:
            state = MISSING
        elif kind == CREATE:
            state = None if state is MISSING else state
        elif state is MISSING:
            operation.outcome = NOT_FOUND
        elif kind == PUT:
            state = operation.value
        elif kind == DELETE:
            state = None
        else:
            operation.value = state

    while len(made) < count or running:
        clock += 1
        client = random_.randrange(clients)
        if floating and random_.random() < 0.1:
            late = floating.pop(random_.randrange(len(floating)))
            execute(late)
            late.outcome = UNKNOWN
        elif client not in running:
            if len(made) >= count:
                continue
            kind = random_.choices((PUT, GET, DELETE, CREATE, LOSE), (4, 5, 1, 1.5, lose * 10))[0]
            operation = Operation(kind, clock, None)
            if kind == PUT:
                values += 1
                operation.value = f"v{values}"
            made.append(operation)
            running[client] = [operation, False]
        elif not running[client][1]:
            operation = running[client][0]
            if operation.kind != LOSE and random_.random() < unknown:
                operation.outcome = UNKNOWN
                floating.append(operation)
                del running[client]
            else:
                execute(operation)
                running[client][1] = True
        else:
            running.pop(client)[0].returned = clock
    return made


def mutated(random_, operations):
    """The history with the result of one read changed."""
    reads = [o for o in operations if o.kind == GET and o.outcome != UNKNOWN]
    if not reads:
        return False
    read = random_.choice(reads)
    old = MISSING if read.outcome == NOT_FOUND else read.value
    choices = [o.value for o in operations if o.kind == PUT] + [None, MISSING]
    new = random_.choice([choice for choice in choices if choice is not old])
    read.outcome, read.value = (NOT_FOUND, None) if new is MISSING else (OK, new)
    return True


class Simulated(unittest.TestCase):
    def setUp(self):
        self.seed = int(os.environ.get("KVMESH_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
        print(f"KVMESH_TEST_SEED={self.seed}", flush=True)
        self.random = random.Random(self.seed)

    def describe(self, operations):
        return "\n".join([f"seed {self.seed}"] + [str(o) for o in operations])

    def test_what_a_correct_register_does_is_accepted(self):
        for _ in range(60):
            operations = simulated(self.random, self.random.randrange(1, 9), 300, self.random.choice((0, 0.05, 0.3)))
            found = check(operations)
            self.assertIsNone(found, f"seed {self.seed}: {found}")

    def test_it_agrees_with_brute_force_on_tiny_histories(self):
        verdicts = {True: 0, False: 0}
        for _ in range(4000):
            operations = simulated(self.random, self.random.randrange(1, 4), self.random.randrange(1, 8), 0.25, 0.03)
            self.assertTrue(brute_force(operations), self.describe(operations))
            self.assertIsNone(check(operations), self.describe(operations))
            if mutated(self.random, operations):
                expected = brute_force(operations)
                self.assertEqual(check(operations) is None, expected, self.describe(operations))
                verdicts[expected] += 1
        self.assertGreater(verdicts[False], 500, verdicts)
        self.assertGreater(verdicts[True], 20, verdicts)

    def test_a_stale_read_in_a_long_history_is_found(self):
        for _ in range(60):
            operations = simulated(self.random, 4, 300, 0.05)
            end = 10 + max(o.returned or o.invoked for o in operations)
            tail = [(CREATE, end, end + 1), (PUT, end + 2, end + 3, "old"), (PUT, end + 4, end + 5, "new")]
            self.assertIsNone(check(operations + history(*tail, (GET, end + 6, end + 7, "new"))))
            found = check(operations + history(*tail, (GET, end + 6, end + 7, "old")))
            self.assertIsNotNone(found, f"seed {self.seed}")
            self.assertEqual(found.operation.invoked, end + 6)


if __name__ == "__main__":
    unittest.main(verbosity=2)
