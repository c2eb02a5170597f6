// Three people in the chat room: alice at a desk and bob on a phone, both by the page, and carol by lines.
// Arguments: the page's URL, the lines' port, and the query of bob's page. Fails with what was not as it should be.
"use strict";

const assert = require("node:assert/strict");
const { execSync } = require("node:child_process");
const net = require("node:net");
const path = require("node:path");
const { chromium } = require("playwright-core");

const [url, linesPort, transport] = process.argv.slice(2);
const pictures = process.env.ROPEWALK_PICTURES;
const faults = [];

async function open(browser, options, query = "") {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(45_000);
  page.on("pageerror", error => faults.push(error));
  page.on("console", message => {
    if (message.text().includes("Content Security Policy")) faults.push(message.text());
  });
  await page.goto(url + query);
  return page;
}

async function join(page, name) {
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Come in" }).click();
}

async function say(page, text) {
  await page.getByLabel("Message").fill(text);
  await page.keyboard.press("Enter");
}

const sees = (page, text) => page.getByRole("log").getByText(text, { exact: true }).waitFor();
// The time stands before each line.
const shown = (page, which = "li") => page.getByRole("log").locator(which).evaluateAll(
  items => items.map(item => [...item.children].slice(1).map(child => child.innerText).join(" ")));
const spoken = page => shown(page, "li.said, li.acted");
const room = (page, name) => page.getByRole("navigation").getByRole("button", { name });
const names = page => page.locator("#who li").allInnerTexts();

function comeByLines(name) {
  const socket = net.connect(Number(linesPort), "127.0.0.1");
  let heard = "";
  let changed = () => {};
  socket.on("data", data => { heard += data; changed(); });
  socket.write(`${name}\n`);
  const hears = async text => {
    while (!heard.includes(text)) await new Promise(done => { changed = done; });
  };
  return { hears, say: text => socket.write(`${text}\n`) };
}

async function talk(alice, bob) {
  await join(alice, "alice");
  await sees(alice, "You are here as alice.");
  await join(bob, "ALICE");
  await bob.getByRole("alert").getByText("somebody has that name already").waitFor();
  await join(bob, "bob");
  await sees(alice, "bob came in.");
  const carol = comeByLines("carol");
  await carol.hears(" here: ");
  for (const page of [alice, bob]) await sees(page, "carol came in.");
  await say(alice, "Good evening! Who rows tomorrow?");
  await carol.hears("<alice> Good evening! Who rows tomorrow?");
  carol.say("I do, from the old pier");
  await sees(bob, "I do, from the old pier");
  carol.say("/msg alice Bob cannot row, you know");
  await room(alice, "carol 1 unread").click();
  await sees(alice, "Bob cannot row, you know");
  await say(alice, "But he brings coffee");
  await carol.hears("[alice] But he brings coffee");
  await room(alice, "#lobby").click();
  await say(bob, "/me brings <b>coffee</b> & rope");
  await carol.hears("* bob brings <b>coffee</b> & rope");
  for (const page of [alice, bob]) {
    await sees(page, "* bob brings <b>coffee</b> & rope");
    assert.deepEqual(await names(page), ["alice", "bob", "carol"]);
  }
  return carol;
}

async function cutOffAndBack(alice, bob, carol) {
  await bob.context().setOffline(true);
  await bob.getByText("The connection is lost; trying again…").waitFor();
  await say(alice, "Seven o'clock, then");
  await carol.hears("Seven o'clock");
  carol.say("If the wind lets us");
  await sees(alice, "If the wind lets us");
  await say(bob, "I am in");
  await sees(bob, "Not said: there is no connection.");
  assert.equal(await bob.getByLabel("Message").inputValue(), "I am in", "it is not lost");
  await bob.context().setOffline(false);
  await sees(bob, "If the wind lets us");
  await bob.getByRole("button", { name: "Send" }).click();
  await sees(alice, "I am in");
  await sees(bob, "I am in");
  const [atDesk, onPhone] = [await shown(alice), await shown(bob)];
  const since = "carol came in.";
  const heardByAll = lines => lines.slice(lines.indexOf(since)).filter(line => !/Not said|alone/.test(line));
  assert.deepEqual(heardByAll(onPhone), heardByAll(atDesk));
  assert.equal(heardByAll(onPhone).length, 7);
}

async function rooms(alice, bob, carol) {
  await alice.getByLabel("Join a room").fill("boats");
  await alice.keyboard.press("Enter");
  await alice.getByRole("heading", { name: "#boats" }).waitFor();
  await say(alice, "/topic Which boat, and who steers");
  await say(bob, "/join #Boats");
  await bob.getByText("Which boat, and who steers", { exact: true }).first().waitFor();
  await alice.getByLabel("Message").pressSequentially("The bl");
  await bob.getByText("alice is typing…").waitFor();
  await alice.getByLabel("Message").fill("The blue one");
  await alice.keyboard.press("Enter");
  await sees(bob, "The blue one");
  assert.equal(await bob.getByText("alice is typing…").count(), 0);
  carol.say("Is anybody still in the lobby?");
  await room(bob, "#lobby 1 unread").waitFor();
  await room(alice, "#lobby 1 unread").click();
  await sees(alice, "Is anybody still in the lobby?");
  await say(alice, "/away for a minute");
  await alice.getByRole("complementary").getByTitle("alice is away").waitFor();
  await say(alice, "/back");
  await alice.getByRole("complementary").getByTitle("Talk to alice alone").waitFor();
}

async function loadedAgain(alice, bob, carol) {
  const before = await spoken(alice);
  await alice.reload();
  await sees(alice, "Is anybody still in the lobby?");
  carol.say("One more thing");
  await sees(alice, "One more thing");
  assert.deepEqual(await spoken(alice), [...before, "carol One more thing"], "nothing is lost or doubled");
  assert.deepEqual(await names(alice), ["alice", "bob", "carol"]);
  await room(bob, /#lobby/).click();
  await sees(bob, "One more thing");
  assert.equal((await shown(bob)).some(line => line.includes("alice left")), false);
}

// Three people say 35 lines each; who comes then sees the last ones, and the others on scrolling.
async function scrolls(browser) {
  for (const name of ["one", "two", "three"]) {
    const speaker = comeByLines(name);
    await speaker.hears(" here: ");
    for (let number = 1; number <= 35; number += 1) speaker.say(`${name} says ${number}`);
    await speaker.say("/who");
    await speaker.hears(" here: ");
    speaker.say("/quit");
    await speaker.hears("Goodbye.");
  }
  const dave = await open(browser, { viewport: { width: 390, height: 800 } });
  await join(dave, "dave");
  await sees(dave, "three says 35");
  await sees(dave, "two says 21");
  assert.equal((await spoken(dave)).length, 50, "one page of the past");
  for (const first of ["one says 6", "Good evening! Who rows tomorrow?"]) {
    await dave.getByRole("log").evaluate(log => { log.scrollTop = 0; });
    await sees(dave, first);
  }
  const lines = (await spoken(dave)).filter(line => / says /.test(line));
  assert.equal(new Set(lines).size, 105, "each once");
  assert.equal(lines.length, 105);
  assert.deepEqual([lines[0], lines[104]], ["one one says 1", "three three says 35"]);
  await dave.context().close();
}

async function evening(browser) {
  const alice = await open(browser, { viewport: { width: 1100, height: 700 } });
  const phone = { viewport: { width: 390, height: 800 }, colorScheme: "dark" };
  const bob = await open(browser, phone, transport);
  const carol = await talk(alice, bob);
  await cutOffAndBack(alice, bob, carol);
  await rooms(alice, bob, carol);
  await loadedAgain(alice, bob, carol);
  if (pictures) {
    await alice.screenshot({ path: path.join(pictures, "chat-desktop.png") });
    await bob.screenshot({ path: path.join(pictures, "chat-phone.png") });
  }
  await scrolls(browser);
  await bob.close({ runBeforeUnload: false });
  await sees(alice, "bob left (quit).");
  assert.deepEqual(await names(alice), ["alice", "carol"]);
  console.log("stop the server");
  await alice.getByRole("alert").getByText("The room is closed.").waitFor();
  assert.deepEqual(faults, []);
}

async function main() {
  const executablePath = execSync("command -v chromium", { encoding: "utf8" }).trim();
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    await evening(browser);
  } finally {
    await browser.close();
  }
  process.exit(0);
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
