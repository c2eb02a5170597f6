"""twisted.web, the reference: `twisted.py HOST:PORT`."""

import sys

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site


class Hello(Resource):
    isLeaf = True

    def render_GET(self, request):
        return b"Hello, world!"


host, port = sys.argv[1].rsplit(":", 1)
port = reactor.listenTCP(int(port), Site(Hello()), interface=host)
print(f"listening on {host}:{port.getHost().port}", flush=True)
reactor.run()
