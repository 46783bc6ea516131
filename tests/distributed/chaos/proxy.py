"""A TCP proxy between two of ours, which breaks what passes through it on demand.

It never invents, drops or reorders bytes within a connection, as TCP does not: it delays them, cuts them into pieces,
holds them back, or passes on the first few and ends the connection."""

import asyncio
import socket
import struct

CHUNK_BYTES = 1 << 16


def reset(writer):
    """Ends a connection with RST: what the other side has not read is lost to it."""
    end = writer.get_extra_info("socket")
    if end is not None and end.fileno() >= 0:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Proxy:
    """Listens on `address` and passes each connection on to `target`; both are (host, port).

    The fault of the moment is in the attributes below; the caller sets and clears them. For the thread of its event
    loop only."""

    def __init__(self, name, address, target):
        self.name, self.address, self.target = name, address, target
        self.connections = set()  # of (writer, writer)
        self.tasks = set()
        self.server = None
        self.gates = {"to": asyncio.Event(), "from": asyncio.Event()}
        self.heal()

    def heal(self):
        """Everything passes as it comes from now on; connections that a fault has ended stay ended."""
        self.delay = lambda: 0.0         # seconds that the next piece is held
        self.piece = lambda: CHUNK_BYTES  # bytes of the next piece
        self.refuses = False             # new connections are reset at once
        self.cut = lambda size: None     # how much of a piece of this size still passes before the connection ends

        for gate in self.gates.values():
            gate.set()

    def stall(self, *directions):
        """Holds back all that goes "to" the target or comes "from" it, until heal(), and ends nothing."""
        for direction in directions:
            self.gates[direction].clear()

    async def start(self):
        self.server = await asyncio.start_server(self._accept, *self.address, limit=CHUNK_BYTES)
        return self

    async def stop(self):
        self.server.close()
        self.reset_all()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def reset_all(self):
        """Ends every connection of now with RST on both sides; how many those were."""
        ended = list(self.connections)
        for pair in ended:
            for writer in pair:
                reset(writer)
        return len(ended)

    async def _accept(self, reader, writer):
        if self.refuses:
            reset(writer)
            return
        task = asyncio.current_task()
        self.tasks.add(task)
        try:
            await self._relay(reader, writer)
        except asyncio.CancelledError:
            pass  # stop() ends all
        finally:
            self.tasks.discard(task)

    async def _relay(self, reader, writer):
        try:
            other_reader, other_writer = await asyncio.open_connection(*self.target, limit=CHUNK_BYTES)
        except OSError:
            reset(writer)
            return
        pair = (writer, other_writer)
        for end in pair:
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections.add(pair)
        try:
            await asyncio.gather(self._pump(reader, other_writer, "to", pair),
                                 self._pump(other_reader, writer, "from", pair))
        finally:
            self.connections.discard(pair)
            for end in pair:
                end.close()

    async def _pump(self, reader, writer, direction, pair):
        """One direction: a reader that takes what comes, so that delays add to the way and not to each other."""
        loop = asyncio.get_running_loop()
        held = asyncio.Queue(maxsize=64)

        async def deliver():
            while (item := await held.get()) is not None:
                due, data = item
                if due > loop.time():
                    await asyncio.sleep(due - loop.time())
                while data:
                    await self.gates[direction].wait()
                    piece, data = data[:(size := self.piece())], data[size:]
                    last = self.cut(len(piece))
                    if last is not None:
                        await self._end(piece[:last], writer, pair)
                        return
                    writer.write(piece)
                    await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()

        sender = asyncio.create_task(deliver())
        try:
            while (data := await reader.read(CHUNK_BYTES)) and not sender.done():
                await held.put((loop.time() + self.delay(), data))
            if not sender.done():
                await held.put(None)
            await sender
        except OSError:
            for end in pair:
                reset(end)
        finally:
            sender.cancel()

    @staticmethod
    async def _end(rest, writer, pair):
        """Passes on the last few bytes of a connection and ends it, with FIN, so that they do arrive; resets the other
        side."""
        if rest:
            writer.write(rest)
            await writer.drain()
        for end in pair:
            end.close() if end is writer else reset(end)
