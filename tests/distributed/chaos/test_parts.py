#!/usr/bin/python3
"""The parts of the chaos run do what they are trusted to: schedules, tables, the proxy, the values."""

import asyncio
import itertools
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from ports import free_port
from proxy import Proxy
from schedule import LINK_KINDS, NETWORK_KINDS, NODE_KINDS, schedule
from topology import BUCKETS, PEERS, REVISION_BUCKETS, TABLES, equivalent_table
from workload import identify, make_value

NODES, LINKS, PAIRS = ["a", "b", "c"], ["a>b", "line>a"], ["a-b", "b-c"]


class Schedules(unittest.TestCase):
    def first(self, seed, count=400, pairs=()):
        return list(itertools.islice(schedule(seed, NODES, LINKS, pairs), count))

    def test_a_seed_gives_the_same_faults_each_time(self):
        self.assertEqual(self.first(7), self.first(7))
        self.assertNotEqual(self.first(7), self.first(8))

    def test_every_kind_comes_and_only_what_is_possible(self):
        kinds = {fault.kind for one in self.first(1) for fault in one.faults}
        self.assertEqual(kinds, {*NODE_KINDS, *LINK_KINDS})
        kinds = {fault.kind for one in self.first(1, pairs=PAIRS) for fault in one.faults}
        self.assertEqual(kinds, {*NODE_KINDS, *LINK_KINDS, *NETWORK_KINDS})

    def test_two_at_once_never_hit_the_same(self):
        doubles = [one.faults for one in self.first(3, pairs=PAIRS) if len(one.faults) == 2]
        self.assertGreater(len(doubles), 20)
        for a, b in doubles:
            self.assertFalse(set(a.target.split("-")) & set(b.target.split("-")), (a, b))


class Tables(unittest.TestCase):
    @staticmethod
    def owner(tables, entry, bucket):
        node, hops = entry, 0
        while hops < 10:
            letter = bucket[0]
            for range_, target in tables[node]:
                first, _, last = range_.partition("..")
                if first <= letter <= (last or first):
                    break
            else:
                return "no entry"
            if target == node:
                return node
            node, hops = target, hops + 1
        return "a loop"

    def test_each_bucket_has_one_owner_whatever_the_tables_say_it_like(self):
        random_ = random.Random(1)
        for _ in range(300):
            seeds = {name: random_.choice((None, random_.randrange(1 << 32))) for name in TABLES}
            tables = {name: equivalent_table(name, seed) for name, seed in seeds.items()}
            for entry, (bucket, owner) in itertools.product(TABLES, {**BUCKETS, **REVISION_BUCKETS}.items()):
                self.assertEqual(self.owner(tables, entry, bucket), owner, tables)

    def test_tables_name_only_peers(self):
        for name, seed in itertools.product(TABLES, range(50)):
            self.assertLessEqual({node for _, node in equivalent_table(name, seed)}, {name, *PEERS[name]})


class Values(unittest.TestCase):
    def test_each_byte_counts(self):
        for padding in (0, 1, 100):
            value = make_value("c1", 5, padding)
            self.assertEqual(identify(value), f"c1-5-{padding}")
            for broken in (value[:-1], value + ".", value + "x", value[1:] + "!"):
                if broken != "c1-5-":
                    self.assertNotEqual(identify(broken), f"c1-5-{padding}", broken)


class Proxies(unittest.IsolatedAsyncioTestCase):
    """The proxy before a server that answers each byte that comes with the same."""

    async def asyncSetUp(self):
        async def echo(reader, writer):
            try:
                while data := await reader.read(1 << 16):
                    writer.write(data)
                    await writer.drain()
            except OSError:
                pass
            writer.close()

        self.target = ("127.0.0.1", free_port())
        self.server = await asyncio.start_server(echo, *self.target)
        self.proxy = await Proxy("p", ("127.0.0.1", free_port()), self.target).start()

    async def asyncTearDown(self):
        await self.proxy.stop()
        self.server.close()

    async def through(self, data):
        """What comes back of `data` before the connection ends or all has come."""
        reader, writer = await asyncio.open_connection(*self.proxy.address)
        got = b""
        try:
            writer.write(data)
            while len(got) < len(data) and (more := await reader.read(1 << 16)):
                got += more
        except OSError:
            pass
        writer.transport.abort()
        return got

    async def test_it_changes_no_byte(self):
        data = random.Random(2).randbytes(500_000)
        self.assertEqual(await self.through(data), data)
        random_ = random.Random(3)
        self.proxy.piece = lambda: random_.randrange(1, 5000)
        self.proxy.delay = lambda: random_.uniform(0, 0.005)
        self.assertEqual(await self.through(data), data)

    async def test_a_cut_passes_on_a_beginning(self):
        data = random.Random(4).randbytes(50_000)
        for keep in (0, 1, 999):
            self.proxy.cut = lambda size, keep=keep: keep
            got = await self.through(data)
            self.assertLess(len(got), len(data))
            self.assertTrue(data.startswith(got))
        self.proxy.heal()
        self.assertEqual(await self.through(data), data)

    async def test_what_is_stalled_comes_when_it_is_healed(self):
        for direction in ("to", "from"):
            self.proxy.stall(direction)
            waiting = asyncio.create_task(self.through(b"held"))
            done, _ = await asyncio.wait([waiting], timeout=0.1)
            self.assertFalse(done)
            self.proxy.heal()
            self.assertEqual(await waiting, b"held")

    async def test_a_reset_ends_what_is_open_and_nothing_else(self):
        reader, writer = await asyncio.open_connection(*self.proxy.address)
        writer.write(b"x")
        self.assertEqual(await reader.read(1), b"x")
        self.assertEqual(self.proxy.reset_all(), 1)
        with self.assertRaises(ConnectionResetError):
            await reader.readexactly(1)
        writer.close()
        self.assertEqual(await self.through(b"again"), b"again")

    async def test_refused_connections_carry_nothing(self):
        self.proxy.refuses = True
        self.assertEqual(await self.through(b"x"), b"")


if __name__ == "__main__":
    unittest.main(verbosity=2)
