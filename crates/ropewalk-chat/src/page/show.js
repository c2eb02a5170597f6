// How things are drawn. Nothing that somebody wrote becomes anything but text.

export const by = id => document.getElementById(id);

const LINES_MAX = 3000;

// Everybody has a colour, the same on all pages.
export function paint(item, name) {
  const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  item.style.setProperty("--hue", hue);
}

export function element(kind, text = "", classes = "") {
  const item = document.createElement(kind);
  item.textContent = text;
  item.className = classes;
  return item;
}

export function newLog(title) {
  const log = element("ol", "", "log");
  log.setAttribute("role", "log");
  log.setAttribute("aria-label", `What was said in ${title}`);
  log.tabIndex = 0;
  log.hidden = true;
  by("logs").append(log);
  return log;
}

function clock(at) {
  const when = new Date(at);
  const item = element("time", when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  item.dateTime = when.toISOString();
  item.title = when.toLocaleString();
  return item;
}

export function newLine({ kind, name, text, at, own }) {
  const item = element("li", "", own ? `${kind} own` : kind);
  item.append(clock(at || Date.now()), " ");
  item.dataset.at = at || Date.now();
  if (name && kind !== "acted" && kind !== "note") {
    const who = element("b", name);
    paint(who, name);
    item.append(who, " ");
  }
  item.append(element("span", kind === "acted" ? `* ${name} ${text}` : text));
  return item;
}

export function append(log, item) {
  const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.append(item);
  while (log.children.length > LINES_MAX) log.firstChild.remove();
  if (follows) log.scrollTop = log.scrollHeight;
}

// Older lines go above, and what is being read stays where it is.
export function prepend(log, items) {
  const below = log.scrollHeight - log.scrollTop;
  log.prepend(...items);
  log.scrollTop = log.scrollHeight - below;
}

export function drawPeople(people, crowd, open) {
  if (crowd) return by("who").replaceChildren(element("li", `${crowd.toLocaleString()} people`));
  const sorted = [...people].sort(([one], [other]) => one.localeCompare(other));
  by("who").replaceChildren(...sorted.map(([name, { away }]) => {
    const button = element("button", name, away ? "away" : "");
    button.type = "button";
    button.title = away ? `${name} is away` : `Talk to ${name} alone`;
    button.addEventListener("click", () => open(name));
    paint(button, name);
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
}

export function drawPanes(panes, current, open) {
  by("rooms").replaceChildren(...panes.map(pane => {
    const button = element("button", pane.title);
    button.type = "button";
    if (pane === current) button.setAttribute("aria-current", "true");
    if (pane.unread) {
      const count = element("span", pane.unread, "count");
      count.setAttribute("aria-label", `${pane.unread} unread`);
      button.append(" ", count);
    }
    button.addEventListener("click", () => open(pane));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
}
