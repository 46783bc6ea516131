"""Was a follower told each change exactly once and in order, or that it may have missed some? The rules for CHANGES."""

import collections

from linearizability import OK, UNKNOWN
from revisions import ADD, COUNTER, KEYS_OF, REGISTER_OF, SET, UNSET


def _order(polls):
    """What is wrong with the answers to one follower by themselves."""
    told = collections.Counter()
    since = 0
    for poll in polls:
        revs = [event.rev for event in poll.events]
        if poll.since != since:
            yield f"asked for changes after {poll.since} instead of {since}"
        if poll.next < poll.since or revs != sorted(revs) or any(not poll.since < rev <= poll.next for rev in revs):
            yield f"out of order: after {poll.since}, up to {poll.next}: {revs}"
        told.update((event.rev, event.key) for event in poll.events)
        since = poll.next
    for (rev, key), times in told.items():
        if times > 1:
            yield f"the change {rev} of {key} was told {times} times"


def _resets(log, polls):
    """Resets without a reason, and losses without a reset."""
    before = None
    for poll in polls:
        if before is None:
            if not poll.reset:
                yield "the first answer was no reset"
        elif poll.reset:
            if not any(began < poll.returned and ended > before.invoked for began, ended in log.outages):
                yield f"a reset at {poll.returned} though its node was never down since {before.returned}"
        else:
            for loss in log.losses:
                if before.returned < loss.invoked and loss.returned < poll.invoked:
                    yield f"no reset at {poll.returned} though all was lost at {loss.invoked} .. {loss.returned}"
        before = poll


def _missing(log, polls):
    """Acknowledged changes that were not told, though no reset stands for them; and what was told of others."""
    told = {(event.rev, event.key): event for poll in polls for event in poll.events}
    jumps = [(poll.since, poll.next) for poll in polls if poll.reset]
    last = polls[-1]
    for step in log.changes():
        if step.rev > last.next and step.returned > last.invoked:
            continue
        if any(since < step.rev <= next_ for since, next_ in jumps):
            continue
        for key in KEYS_OF[step.register]:
            event = told.get((step.rev, key))
            if event is None:
                yield f"not told of {key}: {step}"
            elif (event.kind, event.text) != ("PUT", step.text):
                yield f"told {event} of {step}"
    asked = {(step.register, step.text) for step in log.steps if step.kind == SET}
    adds = sum(step.kind == ADD for step in log.steps)
    removed = {step.rev if step.outcome == OK else UNKNOWN for step in log.steps if step.kind == UNSET}
    for event in told.values():
        if event.kind == "DELETE":
            was_asked = event.rev in removed or UNKNOWN in removed
        elif event.key == COUNTER:
            was_asked = event.kind == "PUT" and 1 <= int(event.text) <= adds
        else:
            was_asked = event.kind == "PUT" and (REGISTER_OF.get(event.key), event.text) in asked
        if not was_asked:
            yield f"told what nobody asked for: {event}"


def check_followers(log):
    """What was not possible, as texts."""
    found = []
    for name, polls in log.polls.items():
        if polls:
            found += [f"{name}: {fault}" for rule in (_order(polls), _resets(log, polls), _missing(log, polls))
                      for fault in rule]
    return found
