// The page: a door, and behind it rooms.

import { forget, get, keep, leaveSoon, listen, me, post, say } from "./requests.js";
import { closeAll, note, open, see, show, showWhole, view } from "./rooms.js";
import { by } from "./show.js";

function inside() {
  by("refused").textContent = "";
  by("door").hidden = true;
  by("chat").hidden = false;
  listen(hear, lost, outside);
}

function outside(why) {
  forget();
  closeAll();
  by("chat").hidden = true;
  by("door").hidden = false;
  by("refused").textContent = why;
  by("name").focus();
}

function hear(event) {
  switch (event.kind) {
    case "closed": return outside("The room is closed.");
    case "killed": return outside(`${event.name} has thrown you out (${event.text}).`);
    default: show(event);
  }
}

const lost = why => { by("state").textContent = why || ""; };

by("door").addEventListener("submit", async event => {
  event.preventDefault();
  try {
    const joined = await post("join", { name: by("name").value });
    Object.assign(me, joined, { last: 0, line: 0 });
    keep();
    closeAll();
    inside();
    by("text").focus();
  } catch (error) {
    by("refused").textContent = error.status ? error.message : "there is no connection";
  }
});

function showAnswer({ notes = [], show: room, history }, pane) {
  notes.filter(text => pane.isRoom || text !== `${pane.title} was told.`).forEach(text => note(text));
  if (room) open(room);
  if (history) pane.log.scrollTop = 0; // What is above is loaded.
}

by("speak").addEventListener("submit", async event => {
  event.preventDefault();
  const [text, pane] = [by("text").value, view()];
  if (!text.trim() || !pane) return;
  by("text").value = "";
  typedAt = 0;
  const alone = !pane.isRoom && !/^\/[^/]/.test(text);
  try {
    showAnswer(await say(pane.isRoom ? pane.title : "", alone ? `/msg ${pane.title} ${text.replace(/^\/\//, "/")}` : text), pane);
  } catch (error) {
    if (error.status === 410) return outside("You are not in the room any more.");
    by("text").value ||= text;
    const why = error.status ? error.message : "there is no connection";
    note(`Not said: ${why}.`);
  }
});

// The others are told that we type, and not more often than each three seconds.
let typedAt = 0;
by("text").addEventListener("input", () => {
  const [text, pane] = [by("text").value, view()];
  if (!pane || text.startsWith("/") || Date.now() - typedAt < 3000) return;
  typedAt = text ? Date.now() : 0;
  post("typing", { to: pane.title, how: text ? "active" : "done" }).catch(() => {});
});

by("come").addEventListener("submit", async event => {
  event.preventDefault();
  const [wanted, pane] = [by("wanted").value.trim(), view()];
  if (!wanted) return;
  by("wanted").value = "";
  try {
    showAnswer(await say(pane?.isRoom ? pane.title : "", `/join ${wanted}`), pane || { isRoom: true });
  } catch (error) {
    note(`Not done: ${error.status ? error.message : "there is no connection"}.`);
  }
});

by("wanted").addEventListener("focus", async () => {
  const { rooms } = await get("rooms").catch(() => ({ rooms: [] }));
  by("known").replaceChildren(...rooms.filter(room => !room.in).map(({ room, count, topic }) => {
    const item = document.createElement("option");
    item.value = room;
    item.label = `${room} (${count}) ${topic}`;
    return item;
  }));
});

addEventListener("pagehide", () => { if (me.token) leaveSoon(); });
addEventListener("pageshow", event => { if (event.persisted && me.token) location.reload(); });
document.addEventListener("visibilitychange", () => { if (view()) see(); });

// A page that was loaded again goes on as who it was.
if (me.token) {
  by("name").value = me.name;
  showWhole(false).then(() => {
    inside();
    note(`You are here as ${me.name}.`);
  }, error => (error.status ? outside("") : outside("there is no connection")));
}
