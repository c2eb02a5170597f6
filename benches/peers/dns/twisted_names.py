"""Twisted's names client: so many lookups in flight. twisted_names.py HOST:PORT IN_FLIGHT FILE"""

import sys

from twisted.internet import epollreactor

epollreactor.install()

from twisted.internet import defer, reactor, task
from twisted.names import client


def reverse(address):
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


def main(server, in_flight, path):
    host, port = server.rsplit(":", 1)
    resolver = client.Resolver(servers=[(host, int(port))])
    lines = open(path)

    def found(result, address):
        answers, _, _ = result
        name = answers[0].payload.name.name.decode() if answers else ""
        print(f"{address}\t{name}")

    def failed(failure, address):
        print(f"{address}\t")

    def work():
        for line in lines:
            address = line.strip()
            deferred = resolver.lookupPointer(reverse(address))
            yield deferred.addCallbacks(found, failed, callbackArgs=(address,), errbackArgs=(address,))

    cooperator = task.Cooperator(scheduler=lambda call: reactor.callLater(0, call))
    jobs = work()
    return defer.DeferredList([cooperator.coiterate(jobs) for _ in range(int(in_flight))])


reactor.callWhenRunning(lambda: main(*sys.argv[1:4]).addBoth(lambda _: reactor.stop()))
reactor.run()
