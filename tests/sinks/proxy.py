"""A TCP proxy that cuts a connection at its k-th message, for sinks that speak to a server."""

import contextlib
import selectors
import socket
import threading


class Proxy:
    """Listens on a free port of 127.0.0.1 (`port`) and hands on to `server`. A message is what one recv() brings, of both directions and all
    connections together. The `cut`-th one is not handed on ("before"), half of it is ("half"), or all of it is ("behind"); then that
    connection is reset on both sides. `happened`: it was cut."""

    def __init__(self, server, cut, how):
        self.server, self.cut, self.how = server, cut, how
        self.messages, self.happened = 0, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ended = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        selector = selectors.DefaultSelector()
        selector.register(self.listener, selectors.EVENT_READ)
        other = {}

        def end(one, reset):
            for each in (one, other[one]):
                selector.unregister(each)
                del other[each]
                if reset:
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                each.close()

        while not self.ended:
            for key, _ in selector.select(0.02):
                one = key.fileobj
                if one is self.listener:
                    client, _ = self.listener.accept()
                    try:
                        server = socket.create_connection(self.server, 10)
                    except OSError:
                        client.close()
                        continue
                    for here, there in ((client, server), (server, client)):
                        here.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        other[here] = there
                        selector.register(here, selectors.EVENT_READ)
                    continue
                if one not in other:
                    continue  # it was closed with its other side, a moment ago
                try:
                    data = one.recv(65536)
                    if not data:
                        end(one, reset=False)
                        continue
                    self.messages += 1
                    if self.messages == self.cut:
                        self.happened = True
                        other[one].sendall(data[: {"before": 0, "half": len(data) // 2, "behind": len(data)}[self.how]])
                        end(one, reset=self.how != "behind")
                    else:
                        other[one].sendall(data)
                except OSError:
                    end(one, reset=True)
        for each in list(other):
            with contextlib.suppress(OSError):
                each.close()
        self.listener.close()

    def close(self):
        self.ended = True
        self.thread.join()
