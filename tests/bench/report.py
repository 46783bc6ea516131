"""Figures as a table, as JSON and as a picture."""

import json
import os
import platform
import re
import statistics
import subprocess
import tempfile


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def version_of(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return "not found"
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found.group(0) if found else "unknown"


def machine():
    """What one must know to read the figures."""
    model = re.search(r"^model name\s*:\s*(.+)$", read("/proc/cpuinfo"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", read("/proc/meminfo"), re.MULTILINE)
    return {
        "cpu": model.group(1) if model else platform.processor() or "unknown",
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(memory.group(1)) / 1048576, 1) if memory else None,
        "kernel": f"{platform.system()} {platform.release()}",
        "governor": read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "unknown",
        "load_before": os.getloadavg()[0],
        "versions": {
            "redis-server": version_of(["redis-server", "--version"]),
            "nutcracker": version_of(["nutcracker", "--version"]),
            "memcached": version_of(["memcached", "--version"]),
            "nats-server": version_of(["nats-server", "--version"]),
            "stunnel4": version_of(["stunnel4", "-version"]),
        },
    }


class Outcome:
    """A case with its rounds, as (ours, theirs) figures."""

    def __init__(self, case):
        self.case = case
        self.rounds = []

    def ratios(self):
        ratio = getattr(self.case, "ratio", lambda ours, theirs: ours / theirs)
        return [ratio(ours.value, theirs.value) for ours, theirs in self.rounds]

    def ratio(self):
        return statistics.median(self.ratios())

    def work_ratio(self):
        """Requests for each second of the servers' processor time, kvmesh against the peer; a busy machine bends it least."""
        def work(figure):
            used = figure.raw.get("server_processors")
            return figure.raw["per_second"] / used if used else None

        pairs = [(work(ours), work(theirs)) for ours, theirs in self.rounds]
        if self.case.unit == "bytes" or any(a is None or b is None for a, b in pairs):
            return None
        return statistics.median(a / b for a, b in pairs)

    def cores(self):
        """What the servers and the generator kept busy, medians: "1.09+0.17 / 0.78+0.17" for kvmesh / peer."""
        sides = []
        for side in zip(*self.rounds):
            raws = [figure.raw for figure in side if "server_processors" in figure.raw]
            if not raws:
                return ""
            sides.append("+".join(f"{statistics.median(raw[name] for raw in raws):.2f}"
                                  for name in ("server_processors", "generator_processors")))
        return " / ".join(sides)

    def disk(self):
        """What the disk did by itself beside these rounds, medians for kvmesh / peer; empty: it was not asked."""
        sides = [[figure.raw["disk_syncs_per_second"] for figure in side if "disk_syncs_per_second" in figure.raw]
                 for side in zip(*self.rounds)]
        return " / ".join(f"{statistics.median(side):,.0f}" for side in sides if side)

    def medians(self):
        return tuple(statistics.median(figure.value for figure in side) for side in zip(*self.rounds))

    def verdict(self):
        if self.case.target is None:
            return "-"
        met = self.ratio() <= self.case.target if self.case.at_most else self.ratio() >= self.case.target
        return "met" if met else "MISSED"

    def target_text(self):
        if self.case.target is None:
            return "for information"
        return f"at {'most' if self.case.at_most else 'least'} {self.case.target:g} x"

    def as_json(self):
        ours, theirs = self.medians()
        return {
            "case": self.case.name, "text": self.case.text, "peer": self.case.peer, "unit": self.case.unit,
            "kvmesh_median": ours, "peer_median": theirs, "ratio": self.ratio(), "ratios": self.ratios(),
            "target": self.case.target, "at_most": self.case.at_most, "verdict": self.verdict(),
            "work_ratio": self.work_ratio(),
            "rounds": [{"kvmesh": {"value": a.value, "raw": a.raw}, "peer": {"value": b.value, "raw": b.raw}}
                       for a, b in self.rounds],
        }


def number(value, unit):
    return f"{value:,.0f} {unit}" if abs(value) >= 100 else f"{value:.1f} {unit}"


def table(outcomes):
    head = ("case", "kvmesh", "peer", "ratio", "min..max", "target", "", "work", "cores", "what it is")
    with_disk = any(outcome.disk() for outcome in outcomes)
    if with_disk:
        head = (*head[:-1], "disk", head[-1])
    rows = [head]
    for outcome in outcomes:
        ours, theirs = outcome.medians()
        ratios = outcome.ratios()
        work = outcome.work_ratio()
        rows.append((outcome.case.name, number(ours, outcome.case.unit), number(theirs, outcome.case.unit),
                     f"{outcome.ratio():.2f}", f"{min(ratios):.2f}..{max(ratios):.2f}", outcome.target_text(),
                     outcome.verdict(), "" if work is None else f"{work:.2f}", outcome.cores(),
                     *([outcome.disk()] if with_disk else []),
                     f"{outcome.case.text}; against {outcome.case.peer}"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    right = {1, 2, 3, 7}
    lines = []
    for row in rows:
        cells = [cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def print_machine(facts, plan):
    print(f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, {facts['kernel']}, governor "
          f"{facts['governor']}, load before {facts['load_before']:.2f}")
    if "disk" in facts:
        print(f"state in {facts['disk']}; \"disk\": how often a second it took 4 KiB more of a file, each time synced, just "
              "before, kvmesh / peer")
    print(", ".join(f"{name} {version}" for name, version in facts["versions"].items()))
    print(f"{plan.rounds} rounds of {plan.seconds:g} s, alternating. Figures are medians; min..max are the ratios of "
          "single rounds;\n\"work\" is the ratio of requests for each second of processor time that the servers used,\n\"cores\" what they and "
          "the load generator kept busy, kvmesh / peer\n")


def write_json(path, facts, plan, outcomes):
    document = {"machine": facts, "rounds": plan.rounds, "seconds": plan.seconds, "quick": plan.quick,
                "cases": [outcome.as_json() for outcome in outcomes]}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")


def latencies(figure):
    """The percentiles of one figure as [(one in so many, us)], or None."""
    found = figure.raw.get("latency_us") if isinstance(figure.raw, dict) else None
    if not found:
        return None
    names = ((2, "p50"), (10, "p90"), (100, "p99"), (1000, "p99.9"), (10000, "p99.99"))
    return [(one_in, found[name]) for one_in, name in names]


def gnuplot_script(outcomes, path, facts):
    """Bars of how each ratio stands to its target, right of 1 is better; and curves of the cases about latency."""
    aimed = [o for o in outcomes if o.case.target is not None]
    bars, names = [], []
    for i, outcome in enumerate(reversed(aimed)):
        share = outcome.ratio() / outcome.case.target
        share = 1 / share if outcome.case.at_most else share
        bars.append(f"{i} {max(share, 0.01):.4f} {'0x4c9a57' if outcome.verdict() == 'met' else '0xc0504d'}")
        names.append(f'"{outcome.case.name}" {i}')
    curves = [(f"{o.case.name}: {label}", points) for o in outcomes if o.case.unit == "us" and o.rounds
              for label, points in (("kvmesh", latencies(o.rounds[-1][0])), (o.case.peer, latencies(o.rounds[-1][1])))
              if points]
    script = [f'set terminal svg size 1000,{420 + 24 * len(bars)} dynamic background "white" font "sans,12"',
              f"set output '{path}'", "$bars << END"] + bars + ["END"]
    for i, (_, points) in enumerate(curves):
        script += [f"$curve{i} << END"] + [f"{x} {y}" for x, y in points] + ["END"]
    share = 24 * len(bars) / (420 + 24 * len(bars)) if curves else 1
    title = f"{facts['cpu']}, {facts['cores']} cores".replace('"', "")
    script += [f'set multiplot title "kvmesh bench, {title}" noenhanced', "set key off",
               f"set size 1,{max(share, 0.3):.2f}", f"set origin 0,{1 - max(share, 0.3) - 0.03:.2f}",
               "set ytics (" + ", ".join(names) + ") noenhanced", "set logscale x", "set grid x",
               f"set yrange [-0.7:{len(bars) - 0.3}]", "set style fill solid 0.8", "set boxwidth 0.7",
               'set xlabel "result / target (1: just met; further right is better)"',
               "set arrow 1 from 1, graph 0 to 1, graph 1 nohead lw 2",
               "set xrange [0.1:*]",
               "plot $bars using (($2+0.1)/2):1:(0.1):2:($1-0.35):($1+0.35):3 with boxxyerror lc rgb variable"]
    if curves:
        script += ["unset arrow", "unset ytics", "set ytics auto", "set key outside right noenhanced",
                   "set yrange [*:*]", "set xrange [2:10000]", "set logscale xy", "set grid xtics ytics",
                   f"set size 1,{1 - max(share, 0.3) - 0.05:.2f}",
                   "set origin 0,0", 'set xlabel "slowest request in so many"', 'set ylabel "microseconds"']
        script.append("plot " + ", ".join(f'$curve{i} with linespoints title "{name}"'
                                          for i, (name, _) in enumerate(curves)))
    return "\n".join(script + ["unset multiplot"]) + "\n"


def write_svg(path, facts, outcomes):
    with tempfile.NamedTemporaryFile("w", suffix=".gnuplot", encoding="utf-8") as file:
        file.write(gnuplot_script(outcomes, os.path.abspath(path), facts))
        file.flush()
        done = subprocess.run(["gnuplot", file.name], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"gnuplot: {done.stderr.strip()}")
