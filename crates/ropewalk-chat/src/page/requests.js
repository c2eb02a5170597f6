// What the page asks of the server. One request says something; another waits for news, and is answered when there is
// some. Each event has a number; the next request says the last one that was shown, so that nothing is lost or shown
// twice when a connection breaks.

// Who we are: kept by the tab, so that a page that is loaded again goes on.
export const me = Object.assign({ token: "", name: "", last: 0, line: 0, view: "" }, kept());

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem("me")) || {};
  } catch {
    return {};
  }
}

export function keep() {
  try {
    sessionStorage.setItem("me", JSON.stringify(me));
  } catch { /* It is not allowed: then a page that is loaded again begins anew. */ }
}

export function forget() {
  Object.assign(me, { token: "", last: 0, line: 0 });
  keep();
}

async function ask(path, options) {
  const headers = me.token ? { "Chat-Token": me.token } : {};
  const response = await fetch(path, { headers, ...options });
  const said = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(said.error || response.statusText), { status: response.status });
  return said;
}

export const get = (path, query = {}) => ask(`${path}?${new URLSearchParams(query)}`);
export const post = (path, fields) => ask(path, { method: "POST", body: new URLSearchParams(fields) });

// The page goes away, perhaps to be loaded again.
export const leaveSoon = () =>
  navigator.sendBeacon("leave", new URLSearchParams({ token: me.token, soon: "yes" }));

let sending = Promise.resolve();
let unsent = null;

// Says a line; one after the other. A line of which it is not known whether it came has the same number when it is sent
// again, so that it is said once.
export function say(room, text) {
  const said = sending.then(async () => {
    const again = unsent && unsent.text === text && unsent.room === room;
    const line = again ? unsent.line : me.line + 1;
    me.line = Math.max(me.line, line);
    keep();
    try {
      const answer = await post("say", { room, text, line });
      unsent = null;
      return answer;
    } catch (error) {
      unsent = error.status ? null : { room, text, line };
      throw error;
    }
  });
  sending = said.catch(() => {});
  return said;
}

// Until time has passed, or the network is back.
const pause = seconds => new Promise(done => {
  setTimeout(done, seconds * 1000);
  addEventListener("online", done, { once: true });
});

// The server answers a poll with nothing after 50 seconds at the latest, and a stream has a heartbeat each 15; behind
// that, the connection is dead.
const ANSWER_TIMEOUT = 60_000;
let waiting = new AbortController();
addEventListener("offline", () => waiting.abort()); // Nothing would come any more, nor say so.

async function poll(signal, show) {
  const headers = { "Chat-Token": me.token };
  const response = await fetch(`news?since=${me.last}`, { headers, signal });
  if (!response.ok) throw Object.assign(new Error(response.statusText), { status: response.status });
  show(await response.json());
}

// Server-sent events, read by hand: a browser's own reader of them cannot send a token but in the URL.
async function stream(signal, show, alive) {
  const headers = { "Chat-Token": me.token };
  const response = await fetch(`events?since=${me.last}`, { headers, signal });
  if (!response.ok) throw Object.assign(new Error(response.statusText), { status: response.status });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  show([]);
  for (let text = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    alive();
    const blocks = (text + value).split("\n\n");
    text = blocks.pop();
    const data = blocks.flatMap(block => block.split("\n").filter(line => line.startsWith("data: ")));
    show(data.map(line => JSON.parse(line.slice(6))));
  }
}

const byStream = new URLSearchParams(location.search).get("transport") === "sse";

// Hears news for as long as this page is that person: `show` is given events, `lost` is told what is wrong and null when
// it is not any more, `out` that we are not there any more.
export async function listen(show, lost, out) {
  const token = me.token;
  const take = events => {
    if (me.token !== token) return;
    lost(null);
    const fresh = events.filter(event => event.n > me.last);
    fresh.forEach(event => { me.last = event.n; show(event); });
    if (fresh.length) keep();
  };
  for (let wait = 1; me.token === token;) {
    waiting = new AbortController();
    let timer = 0;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => waiting.abort(), ANSWER_TIMEOUT);
    };
    alive();
    try {
      await (byStream ? stream(waiting.signal, take, alive) : poll(waiting.signal, take));
      wait = 1;
      if (byStream) await pause(wait); // A server that ends streams is not to be asked without a rest.
    } catch (error) {
      if (me.token !== token) return;
      if (error.status === 410) return out("You are not in the room any more.");
      lost("The connection is lost; trying again…");
      await pause(wait);
      wait = Math.min(wait * 2, 15);
    } finally {
      clearTimeout(timer);
    }
  }
}
