"use strict";

// One request says something; another waits for news, and is answered when there is some. Each event has a number;
// the next poll says the last one that was shown, so that nothing is lost or shown twice when a connection breaks.

const by = id => document.getElementById(id);
const me = { token: "", name: "", last: 0 };
const here = new Set();
let unread = 0;

async function post(path, fields) {
  const response = await fetch(path, { method: "POST", body: new URLSearchParams(fields) });
  const said = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(said.error || response.statusText), { status: response.status });
  return said;
}

// Everybody has a colour, the same on all pages.
function paint(item, name) {
  const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  item.style.setProperty("--hue", hue);
}

function line(kind, name, text) {
  const log = by("log");
  const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const item = document.createElement("li");
  item.className = kind;
  if (name) {
    const who = document.createElement("b");
    who.textContent = name;
    paint(who, name);
    item.append(who, " ");
  }
  const words = document.createElement("span");
  words.textContent = text;
  item.append(words);
  log.append(item);
  while (log.children.length > 2000) log.firstChild.remove();
  if (follows) log.scrollTop = log.scrollHeight;
}

function showWho() {
  by("who").replaceChildren(...[...here].sort((one, other) => one.localeCompare(other)).map(name => {
    const item = document.createElement("li");
    item.textContent = name;
    paint(item, name);
    return item;
  }));
}

function count() {
  if (document.hidden) unread += 1;
  document.title = unread ? `(${unread}) Ropewalk chat` : "Ropewalk chat";
}

function show(event) {
  if (event.n <= me.last) return;
  me.last = event.n;
  const own = event.name === me.name ? " own" : "";
  switch (event.kind) {
    case "said": line("said" + own, event.name, event.text); count(); break;
    case "acted": line("acted" + own, "", `* ${event.name} ${event.text}`); count(); break;
    case "told": line("told", event.name, `(to you alone) ${event.text}`); count(); break;
    case "joined": here.add(event.name); line("note", "", `${event.name} came in.`); break;
    case "left": here.delete(event.name); line("note", "", `${event.name} left (${event.text}).`); break;
    case "renamed":
      here.delete(event.name);
      here.add(event.text);
      if (own) me.name = event.text;
      line("note", "", `${event.name} is now called ${event.text}.`);
      break;
    case "closed": outside("The room is closed."); break;
  }
  showWho();
}

// Until time has passed, or the network is back.
const pause = seconds => new Promise(done => {
  setTimeout(done, seconds * 1000);
  addEventListener("online", done, { once: true });
});

// The server answers with nothing after 50 seconds at the latest; behind that, the connection is dead.
const ANSWER_TIMEOUT = 60_000;
let waiting = new AbortController();
addEventListener("offline", () => waiting.abort()); // Nothing would come any more, nor say so.

// For as long as this page is that member: who was out and came in again is another.
async function listen(token) {
  for (let wait = 1; me.token === token;) {
    try {
      waiting = new AbortController();
      const signal = AbortSignal.any([waiting.signal, AbortSignal.timeout(ANSWER_TIMEOUT)]);
      const response = await fetch(`news?token=${token}&since=${me.last}`, { signal });
      const events = response.ok ? await response.json() : [];
      if (me.token !== token) return;
      if (response.status === 410) return outside("You are not in the room any more.");
      if (!response.ok) throw new Error(response.statusText);
      events.forEach(show);
      by("state").textContent = "";
      wait = 1;
    } catch {
      if (me.token !== token) return;
      by("state").textContent = "The connection is lost; trying again…";
      await pause(wait);
      wait = Math.min(wait * 2, 15);
    }
  }
}

function outside(why) {
  me.token = "";
  by("room").hidden = true;
  by("door").hidden = false;
  by("refused").textContent = why;
  by("name").focus();
}

by("door").addEventListener("submit", async event => {
  event.preventDefault();
  try {
    const joined = await post("join", { name: by("name").value });
    Object.assign(me, { token: joined.token, name: joined.name, last: 0 });
    here.clear();
    joined.who.forEach(name => here.add(name));
    by("log").replaceChildren();
    by("refused").textContent = "";
    by("door").hidden = true;
    by("room").hidden = false;
    line("note", "", `You are here as ${joined.name}.`);
    showWho();
    by("text").focus();
    listen(me.token);
  } catch (error) {
    by("refused").textContent = error.status ? error.message : "there is no connection";
  }
});

by("speak").addEventListener("submit", async event => {
  event.preventDefault();
  const text = by("text").value;
  if (!text.trim()) return;
  by("text").value = "";
  try {
    const said = await post("say", { token: me.token, text });
    if (said.note) line("note", "", said.note);
  } catch (error) {
    if (error.status === 410) return outside("You are not in the room any more.");
    by("text").value ||= text;
    const why = error.status ? error.message : "there is no connection";
    line("note", "", `Not said: ${why}.`);
  }
});

addEventListener("pagehide", () => {
  if (me.token) navigator.sendBeacon("leave", new URLSearchParams({ token: me.token }));
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    unread = 0;
    document.title = "Ropewalk chat";
  }
});
