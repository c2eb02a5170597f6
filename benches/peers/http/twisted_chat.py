"""The same room in twisted.web, the reference: `twisted_chat.py HOST:PORT`."""

import json
import sys

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

lines = []
waiting = {}
tokens = set()


def answer(request, since):
    body = "[" + ",".join(lines[since:]) + "]"
    request.setHeader(b"content-type", b"application/json")
    data = body.encode()
    request.setHeader(b"content-length", str(len(data)).encode())
    request.write(data)
    request.finish()


class Join(Resource):
    isLeaf = True

    def render_POST(self, request):
        token = f"{len(tokens):032x}"
        tokens.add(token)
        return json.dumps({"token": token}, separators=(",", ":")).encode()


class Say(Resource):
    isLeaf = True

    def render_POST(self, request):
        text = request.args[b"text"][0].decode()
        lines.append(json.dumps({"n": len(lines) + 1, "text": text}, separators=(",", ":")))
        heard = list(waiting.items())
        waiting.clear()
        for kept, since in heard:
            answer(kept, since)
        return b"{}"


class News(Resource):
    isLeaf = True

    def render_GET(self, request):
        if request.getHeader("chat-token") not in tokens:
            request.setResponseCode(410)
            return b""
        since = min(int(request.args[b"since"][0]), len(lines))
        if since < len(lines):
            answer(request, since)
        else:
            waiting[request] = since
            request.notifyFinish().addErrback(lambda _: waiting.pop(request, None))
        return NOT_DONE_YET


root = Resource()
root.putChild(b"join", Join())
root.putChild(b"say", Say())
root.putChild(b"news", News())
host, port = sys.argv[1].rsplit(":", 1)
port = reactor.listenTCP(int(port), Site(root), interface=host)
print(f"listening on {host}:{port.getHost().port}", flush=True)
reactor.run()
