"""twisted.web, the reference: `twisted_web.py HOST:PORT`."""

import os
import sys

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site


class Hello(Resource):
    isLeaf = True

    def render_GET(self, request):
        return b"Hello, world!"


host, port = sys.argv[1].rsplit(":", 1)
if "PEER_CERTIFICATE" in os.environ:
    from twisted.internet import ssl

    context = ssl.DefaultOpenSSLContextFactory(os.environ["PEER_KEY"], os.environ["PEER_CERTIFICATE"])
    port = reactor.listenSSL(int(port), Site(Hello()), context, interface=host)
else:
    port = reactor.listenTCP(int(port), Site(Hello()), interface=host)
print(f"listening on {host}:{port.getHost().port}", flush=True)
reactor.run()
