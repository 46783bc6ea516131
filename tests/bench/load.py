"""Runs the load generator once."""

import json
import subprocess

from processes import Failed

# The load of the table, unless a case says otherwise.
USUAL = {"connections": 50, "depth": 1, "buckets": 100, "keys": 1000, "value-bytes": 16, "writes": 50}
STORING = {"line", "native", "redis", "memcached", "nats"}


class Plan:
    """How long everything takes."""

    def __init__(self, rounds, seconds, quick):
        self.rounds = rounds
        self.seconds = seconds
        self.quick = quick


def command_beside(arena, server, seconds, **changes):
    """Of a load that runs beside what is measured; every key is there."""
    options = {**USUAL, **changes, "duration": f"{round(1000 * seconds)}ms", "no-load": True}
    return command_for(arena, server, options)


def command_for(arena, server, options):
    words = [arena.binaries["kvmesh-bench"], "load", "--json", "--protocol", server.protocol,
             "--endpoint", server.endpoint]
    for name, value in {**options, **server.options}.items():
        words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return words


def run(words, limit):
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"no end within {limit} s: {' '.join(words)}") from error
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)}\n{done.stderr.strip()}")
    return json.loads(done.stdout)


def beside(words_for, measure, seconds):
    """What measure() gives while another program runs, which words_for(seconds) are the words of, and which must run well;
    (its figures, those)."""
    for longer in (0.5, 2, 8, 32):  # seconds: a busy machine takes long to start a process
        words = words_for(seconds + longer)
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as other:
            try:
                measured = measure()
                was_beside = other.poll() is None
                out, text = other.communicate(timeout=60 + seconds + longer)
            except subprocess.TimeoutExpired as error:
                raise Failed(f"no end: {' '.join(words)}") from error
            finally:
                other.kill()
        if other.returncode != 0:
            raise Failed(f"{' '.join(words)}\n{text.strip()}")
        found = json.loads(out)
        if found.get("missing_keys"):
            raise Failed(f"{found['missing_keys']} keys were missing: {' '.join(words)}")
        if was_beside:
            return found, measured
    raise Failed(f"it always ended before what was measured beside it: {' '.join(words)}")


def fill(arena, server, **changes):
    """Puts every key of the load once, unless that was done. Values of all later loads are then there."""
    options = {**USUAL, "depth": 64, **changes}
    held = (options["buckets"], options["keys"], options["value-bytes"], options.get("prefix", "b"))
    if server.protocol in STORING and held not in server.loaded:
        run(command_for(arena, server, {**options, "count": 1}), 300)
        server.loaded.add(held)


def load(arena, server, seconds, **changes):
    """One measurement: the generator's JSON, and what the server's processes used meanwhile."""
    fill(arena, server, **changes)
    options = {**USUAL, **changes, "duration": f"{round(seconds * 1000)}ms"}
    warmup = max(0.1, 0.15 * seconds)
    options["warmup"] = f"{round(warmup * 1000)}ms"
    words = command_for(arena, server, options) + ["--no-load"]
    before = server.cpu_seconds()
    try:
        figures = run(words, 60 + 10 * seconds)
    finally:
        server.check_alive()  # first: if it has ended, that is what went wrong
    if figures["missing_keys"]:
        raise Failed(f"{figures['missing_keys']} keys were missing: {' '.join(words)}")
    figures["server_processors"] = (server.cpu_seconds() - before) / (warmup + seconds)
    figures["command"] = " ".join(["kvmesh-bench"] + words[1:])
    return figures
