"""A TCP relay between a client and a node: remembers what passes, and can change it on its way."""

import socket
import threading

from ports import free_port


class Relay:
    """Listens on a port of its own and passes bytes on to `port`, both ways. `seen` has all of them. `spoil(data, at)`, when it
    is set, gets each piece that goes to the node, with the number of bytes before it, and gives what is passed on."""

    def __init__(self, port):
        self.port = port
        self.seen = bytearray()
        self.spoil = None
        self._lock = threading.Lock()
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", free_port()))
        self.endpoint = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                node = socket.create_connection(("127.0.0.1", self.port))
            except OSError:  # the node does not listen yet; who dialled tries again
                client.close()
                continue
            self._sockets += [client, node]
            for source, sink, is_inward in ((client, node, True), (node, client, False)):
                threading.Thread(target=self._pass_on, args=(source, sink, is_inward), daemon=True).start()

    def _pass_on(self, source, sink, is_inward):
        passed = 0
        try:
            while data := source.recv(65536):
                with self._lock:
                    self.seen += data
                sink.sendall(self.spoil(data, passed) if is_inward and self.spoil else data)
                passed += len(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        for one in [self._listener, *self._sockets]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
