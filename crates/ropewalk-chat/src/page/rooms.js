// The rooms that we are in, and the talks with one alone: panes, of which one is in view. What happens is shown here.

import { get, keep, me } from "./requests.js";
import { append, by, drawPanes, drawPeople, newLine, newLog, prepend } from "./show.js";

const panes = new Map(); // By key, in the order in which they were opened.
let current = null;

const PAGE = 50;
const TYPING_SECONDS = 6;

const fold = name => name.toLowerCase();
const isMe = name => fold(name) === fold(me.name);
const isRoom = name => name.startsWith("#");

export const view = () => current;

function paneOf(title) {
  const key = fold(title);
  if (!panes.has(key)) {
    const pane = { key, title, isRoom: isRoom(title), topic: "", people: new Map(), unread: 0, ids: new Set(),
      oldest: "", complete: !isRoom(title), loading: false, typing: new Map(), log: newLog(title) };
    pane.log.addEventListener("scroll", () => {
      if (pane.log.scrollTop < 80) loadOlder(pane);
    });
    panes.set(key, pane);
  }
  return panes.get(key);
}

export function open(title) {
  const pane = typeof title === "string" ? paneOf(title) : title;
  if (current) current.log.hidden = true;
  current = pane;
  pane.log.hidden = false;
  pane.log.scrollTop = pane.log.scrollHeight;
  me.view = pane.title;
  keep();
  see();
  draw();
  if (pane.crowd) refresh().catch(() => {}); // How many there are is not told.
  by("text").focus();
}

function close(pane) {
  pane.log.remove();
  panes.delete(pane.key);
  if (current === pane) {
    current = null;
    const [next] = panes.values();
    if (next) open(next);
  }
}

export function closeAll() {
  [...panes.values()].forEach(pane => pane.log.remove());
  panes.clear();
  current = null;
}

// What is in view is read.
export function see() {
  if (current && !document.hidden) current.unread = 0;
  count();
}

function count() {
  const unread = [...panes.values()].reduce((sum, pane) => sum + pane.unread, 0);
  document.title = unread ? `(${unread}) Ropewalk chat` : "Ropewalk chat";
}

function draw() {
  drawPanes([...panes.values()], current, open);
  if (!current) return;
  by("title").textContent = current.title;
  by("topic").textContent = by("topic").title = current.isRoom ? current.topic : "Between the two of you";
  drawPeople(current.isRoom ? current.people : [], current.isRoom && current.crowd, open);
  drawTyping();
}

function drawTyping() {
  const names = current ? [...current.typing.keys()] : [];
  const verb = names.length > 1 ? "are" : "is";
  by("typing").textContent =
    names.length > 3 ? "Several people are typing…" : names.length ? `${names.join(", ")} ${verb} typing…` : "";
}

function stopTyping(pane, name) {
  clearTimeout(pane.typing.get(name));
  if (pane.typing.delete(name) && pane === current) drawTyping();
}

function startTyping(pane, name) {
  stopTyping(pane, name);
  pane.typing.set(name, setTimeout(() => stopTyping(pane, name), TYPING_SECONDS * 1000));
  if (pane === current) drawTyping();
}

export function note(text, pane = current, at = 0) {
  if (pane) append(pane.log, newLine({ kind: "note", text, at }));
}

function line(pane, event) {
  if (pane.ids.has(event.id)) return;
  pane.ids.add(event.id);
  pane.oldest ||= event.id;
  append(pane.log, newLine({ ...event, own: isMe(event.name) }));
  stopTyping(pane, event.name);
  if (!isMe(event.name) && (pane !== current || document.hidden)) pane.unread += 1;
}

// The page of the past before what is shown.
async function loadOlder(pane) {
  if (pane.complete || pane.loading) return;
  pane.loading = true;
  try {
    const { past } = await get("history", { room: pane.title, before: pane.oldest, count: PAGE });
    pane.complete = past.length < PAGE;
    if (past.length) pane.oldest = past[0].id;
    const fresh = past.filter(one => !pane.ids.has(one.id));
    fresh.forEach(one => pane.ids.add(one.id));
    prepend(pane.log, fresh.map(one => newLine({ ...one, own: isMe(one.name) })));
  } catch (error) {
    if (error.status === 422) pane.complete = true; // Nothing is known from before that.
  } finally {
    pane.loading = false;
  }
}

// After something was missed: what is in the room's past and not shown.
async function catchUp(pane) {
  const { past } = await get("history", { room: pane.title, count: 200 });
  note("Something was missed here; this is what was said.", pane);
  past.forEach(one => line(pane, one));
}

function enter({ room, topic, who, count }) {
  const pane = paneOf(room);
  pane.topic = topic;
  pane.people = new Map(who.map(({ name, away }) => [name, { away }]));
  pane.crowd = count > who.length ? count : 0; // So many that nobody is named.
  return pane;
}

// All that there is, for a page that begins with it, or has missed something.
export async function showWhole(hasMissed) {
  const { name, rooms } = await get("whole");
  me.name = name;
  const entered = rooms.map(enter);
  [...panes.values()].filter(pane => pane.isRoom && !entered.includes(pane)).forEach(close);
  if (!current && entered.length) open(entered.find(pane => pane.title === me.view) || entered[0]);
  await Promise.all(entered.map(hasMissed ? catchUp : loadOlder));
  draw();
}

// Who is where, anew.
async function refresh() {
  const { rooms } = await get("whole");
  rooms.forEach(enter);
  draw();
}

const everywhere = (name, act) => {
  for (const pane of panes.values()) {
    const isThere = pane.isRoom ? pane.people.has(name) : pane.key === fold(name);
    if (isThere) act(pane);
  }
};

// Where something was said: in a room, whatever ranks it was for; or between us and another.
function paneFor({ to, name }) {
  const place = to.replace(/^[@+]+(?=#)/, "");
  return paneOf(isRoom(place) ? place : isMe(name) ? place : name);
}

const happened = {
  said: event => line(paneFor(event), event),
  acted: event => line(paneFor(event), event),
  noticed: event => line(paneFor(event), event),
  typing: event => (event.text === "done" ? stopTyping : startTyping)(paneFor(event), event.name),
  room: event => {
    const pane = enter(event);
    note(`You are here as ${me.name}.`, pane);
    if (!current) open(pane);
    loadOlder(pane);
  },
  joined: ({ room, name, away, at }) => {
    const pane = paneOf(room);
    pane.people.set(name, { away });
    note(`${name} came in.`, pane, at);
  },
  parted: ({ room, name, text, at }) => {
    const pane = paneOf(room);
    if (isMe(name)) return close(pane);
    pane.people.delete(name);
    note(`${name} left${text && ` (${text})`}.`, pane, at);
  },
  quit: ({ name, text, at }) => everywhere(name, pane => {
    pane.people.delete(name);
    note(`${name} left${text && ` (${text})`}.`, pane, at);
  }),
  renamed: ({ name, text, at }) => {
    if (isMe(name)) me.name = text;
    everywhere(name, pane => {
      if (pane.isRoom) {
        pane.people.set(text, pane.people.get(name));
        if (text !== name) pane.people.delete(name);
      } else {
        panes.delete(pane.key);
        Object.assign(pane, { key: fold(text), title: text });
        panes.set(pane.key, pane);
      }
      note(`${name} is now called ${text}.`, pane, at);
    });
  },
  topic: ({ room, name, text, at }) => {
    const pane = paneOf(room);
    pane.topic = text;
    note(text ? `${name} has set the topic: ${text}` : `${name} has taken the topic away.`, pane, at);
  },
  mode: ({ room, name, text, at }) => note(`${name} has set the mode ${text}.`, paneOf(room), at),
  kicked: ({ room, name, who, text, at }) => {
    const pane = paneOf(room);
    const why = `${name} has sent ${isMe(who) ? "you" : who} out of ${room} (${text}).`;
    if (isMe(who)) close(pane);
    pane.people.delete(who);
    note(why, isMe(who) ? current : pane, at);
  },
  invited: ({ room, name, at }) => note(`${name} invites you: /join ${room}`, current, at),
  away: ({ name, text, at }) => everywhere(name, pane => {
    if (pane.isRoom) pane.people.set(name, { away: true });
    note(`${name} is away: ${text}`, pane, at);
  }),
  back: ({ name, at }) => everywhere(name, pane => {
    if (pane.isRoom) pane.people.set(name, { away: false });
    note(`${name} is back.`, pane, at);
  }),
  announced: ({ name, text, at }) => note(`${name} says to all: ${text}`, current, at),
  changed: () => refresh().catch(() => {}),
  gap: () => showWhole(true).catch(() => note("Something was missed, and could not be had.")),
};

export function show(event) {
  happened[event.kind]?.(event);
  see();
  draw();
}
