#!/usr/bin/python3
"""What waits behind a slow request of the line protocol takes little memory, and keeps its order."""

from harness import MeshTest, SANITIZED, eventually, main

CONNECTIONS = 300
PINGS = 1020


class WaitingReplies(MeshTest):
    def test_a_thousand_of_each_connection(self):
        settings = {"mesh": {"peer_timeout_ms": 60000, "request_timeout_ms": 60000}}
        gate, store = self.pair(settings)
        clients = [gate.line() for _ in range(CONNECTIONS)]
        self.assertEqual(clients[0].ask("CREATE shopping"), "OK")
        # Small replies, so that each may have a whole pipeline under way.
        for client in clients:
            client.send("GET shopping milk\r\n" * 60)
        for client in clients:
            self.assertEqual([client.line() for _ in range(120)], ["", "OK"] * 60)
        store.stop_running()
        before = gate.rss_bytes()
        for client in clients:
            client.send("GET shopping milk\r\n" + "PING\r\n" * PINGS)
        eventually(lambda: gate.peer("bar")["in_flight"] == CONNECTIONS, 30, "all of them wait")
        # 16 KiB for the places, 16 for what was read; each PONG used to take 300 bytes and more.
        if not SANITIZED:
            self.assertLess((gate.rss_bytes() - before) / CONNECTIONS, 56 * 1024)
        store.resume()
        for client in clients:
            self.assertEqual([client.line() for _ in range(2 + PINGS)], ["", "OK"] + ["PONG"] * PINGS)


if __name__ == "__main__":
    main()
