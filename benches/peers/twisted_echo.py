"""Python's Twisted, which Ropewalk learns from: a reference row. twisted_echo.py HOST:PORT"""

import sys

from twisted.internet import epollreactor

epollreactor.install()

from twisted.internet import protocol, reactor


class Echo(protocol.Protocol):
    def connectionMade(self):
        self.transport.setTcpNoDelay(True)

    def dataReceived(self, data):
        self.transport.write(data)


host, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:0").rsplit(":", 1)
factory = protocol.Factory.forProtocol(Echo)
factory.noisy = False
listening = reactor.listenTCP(int(port), factory, backlog=4096, interface=host)
print(f"listening on {host}:{listening.getHost().port}", flush=True)
reactor.run()
