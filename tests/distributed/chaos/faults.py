"""What breaks the mesh, and how long it takes until it answers again."""

import asyncio
import random
import shutil
import signal
import time

from topology import BUCKETS, PEERS, equivalent_table, other_peers
from workload import Broken, Connection


class DiedByItself(Exception):
    """A node ended though nobody made it."""


def ended(node, why):
    return f"{node.name} ended {why} with status {node.process.returncode}:\n{node.log()[-3000:]}"


class Faults:
    """Executes the rounds of a schedule on a ChaosMesh. `say` gets a line for each."""

    def __init__(self, mesh, history, recovery_limit_s, say):
        self.mesh, self.history, self.say = mesh, history, say
        self.recovery_limit_s = recovery_limit_s
        self.recoveries = {}  # by kind, seconds
        self.hides_losses = False  # on purpose, so that what is lost shows as a violation
        self.wipes = False         # on purpose, what a killed node had stored is gone
        self.violations = []

    async def run(self, rounds, until):
        """One round after the other until the time is over, or something is wrong."""
        for one in rounds:
            if time.monotonic() >= until or self.violations:
                return
            await asyncio.gather(*(getattr(self, fault.kind)(fault) for fault in one.faults))
            took = await self.recovery(one)
            self.recoveries.setdefault(one.kind, []).append(took)
            self.say(f"{one}: answers again after {took:.3f} s")
            self.check_processes()
            await asyncio.sleep(one.pause)

    # --- nodes

    def check_processes(self):
        for node in self.mesh.nodes.values():
            if not node.ends_expected and node.has_ended():
                self.violations.append(ended(node, "by itself"))
        if self.violations:
            raise DiedByItself

    async def _come_back(self, node, seconds):
        await asyncio.sleep(seconds)
        node.launch()
        await self._until(node.is_ready, f"{node.name} is ready again", lambda: not node.has_ended())
        node.ends_expected = False

    async def _until(self, condition, what, possible=lambda: True):
        deadline = time.monotonic() + 30
        while not condition():
            if not possible() or time.monotonic() > deadline:
                self.violations.append(f"{what}: not within 30 s")
                raise DiedByItself
            await asyncio.sleep(0.005)

    def _lost(self, node, began):
        """What is not durable. A node that is has to have all that it acknowledged."""
        if not node.is_durable and not self.hides_losses:
            self.history.lost(node.name, began)

    async def kill(self, fault):
        node = self.mesh.nodes[fault.target]
        node.ends_expected = True
        began = self.history.now()
        node.kill()
        self._lost(node, began)
        if self.wipes and node.is_durable:
            shutil.rmtree(node.state_dir)
        await self._come_back(node, fault.seconds)
        self.history.away(node.name, began)

    async def restart(self, fault):
        """SIGTERM: it drains, ends with status 0, and comes back."""
        node = self.mesh.nodes[fault.target]
        node.ends_expected = True
        began = self.history.now()
        node.send_signal(signal.SIGTERM)
        await self._until(node.has_ended, f"{node.name} ends after SIGTERM")
        self._lost(node, began)
        if node.process.returncode != 0:
            self.violations.append(ended(node, "after SIGTERM"))
        await self._come_back(node, fault.seconds)
        self.history.away(node.name, began)

    async def freeze(self, fault):
        node = self.mesh.nodes[fault.target]
        node.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            node.resume()

    async def reload(self, fault):
        """Another table that means the same for all buckets of the workload: no data moves on a reload."""
        node = self.mesh.nodes[fault.target]
        node.table = equivalent_table(node.name, fault.seed)
        node.write_config()
        node.send_signal(signal.SIGHUP)
        await asyncio.sleep(fault.seconds)

    async def peers(self, fault):
        """Peers go or come for a while, and the table with them; links of those that stay must not notice."""
        node = self.mesh.nodes[fault.target]
        for peers, table in (other_peers(node.name, fault.seed), (PEERS[node.name], equivalent_table(node.name, None))):
            node.peers, node.table = peers, table
            epoch = await self._epoch(node)
            node.write_config()
            node.send_signal(signal.SIGHUP)
            await self._until_read(node, epoch)
            await asyncio.sleep(fault.seconds)

    async def _epoch(self, node):
        return (await asyncio.to_thread(node.info))["table"]["epoch"]

    async def _until_read(self, node, epoch):
        deadline = time.monotonic() + 30
        while await self._epoch(node) <= epoch:
            if time.monotonic() > deadline:
                self.violations.append(f"{node.name} has not read its file 30 s after SIGHUP")
                raise DiedByItself
            await asyncio.sleep(0.005)

    # --- links

    async def _of_link(self, fault, begin):
        proxy = self.mesh.proxies[fault.target]
        begin(proxy, random.Random(fault.seed))
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            proxy.heal()

    async def reset(self, fault):
        await self._of_link(fault, lambda proxy, _: proxy.reset_all())

    async def delay(self, fault):
        def begin(proxy, random_):
            most = random_.choice((0.02, 0.2, 0.8, 1.5))  # a peer that is silent for 1 s counts as dead
            proxy.delay = lambda: random_.uniform(0, most)
        await self._of_link(fault, begin)

    async def truncate(self, fault):
        def begin(proxy, random_):
            often = random_.choice((0.05, 0.5, 1.0))
            proxy.cut = lambda size: random_.randrange(size + 1) if random_.random() < often else None
        await self._of_link(fault, begin)

    async def stall(self, fault):
        def begin(proxy, random_):
            proxy.stall(*random_.choice((("to",), ("from",), ("to", "from"))))
        await self._of_link(fault, begin)

    async def fragment(self, fault):
        def begin(proxy, random_):
            most = random_.choice((1, 7, 100))
            proxy.piece = lambda: random_.randrange(1, most + 1)
        await self._of_link(fault, begin)

    async def refuse(self, fault):
        def begin(proxy, _):
            proxy.refuses = True
            proxy.reset_all()
        await self._of_link(fault, begin)

    # --- the network

    async def partition(self, fault):
        """A node that nobody reaches, and that notices nothing of it but silence."""
        self.mesh.networks.isolate(fault.target)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self.mesh.networks.join(fault.target)

    async def cut(self, fault):
        """Two nodes that do not reach each other, while all others reach both."""
        a, b = fault.target.split("-")
        self.mesh.networks.cut(a, b)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self.mesh.networks.mend(a, b)

    # --- afterwards

    async def recovery(self, one):
        """Seconds until every range was answered through every entry, from now on."""
        began = time.monotonic()
        open_ = {(name, bucket) for name, _ in self.mesh.entries() for bucket in BUCKETS}

        async def probe(name, address, bucket):
            while True:
                try:
                    connection = await Connection.open(address)
                    try:
                        while True:
                            await connection.send(f"GET {bucket} probe\r\n")
                            if not (await connection.answer(True))[0].startswith("ERROR "):
                                open_.discard((name, bucket))
                                return
                            await asyncio.sleep(0.01)
                    finally:
                        connection.close()
                except Broken:
                    await asyncio.sleep(0.01)

        probes = [probe(name, address, bucket) for name, address in self.mesh.entries() for bucket in BUCKETS]
        try:
            await asyncio.wait_for(asyncio.gather(*probes), self.recovery_limit_s)
        except (TimeoutError, asyncio.TimeoutError):
            self.check_processes()
            left = ", ".join(sorted(f"{bucket} through {name}" for name, bucket in open_))
            self.violations.append(f"after {one}: not answered within {self.recovery_limit_s:g} s: {left}")
        return time.monotonic() - began
