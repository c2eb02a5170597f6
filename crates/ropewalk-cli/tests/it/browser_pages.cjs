// Three people in the chat room: alice at a desk and bob on a phone, both by the page, and carol by lines.
// Arguments: the page's URL, and the lines' port. Fails with what was not as it should be.
"use strict";

const assert = require("node:assert/strict");
const { execSync } = require("node:child_process");
const net = require("node:net");
const path = require("node:path");
const { chromium } = require("playwright-core");

const [url, linesPort] = process.argv.slice(2);
const pictures = process.env.ROPEWALK_PICTURES;
const faults = [];

async function open(browser, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on("pageerror", error => faults.push(error));
  page.on("console", message => {
    if (message.text().includes("Content Security Policy")) faults.push(message.text());
  });
  await page.goto(url);
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
const shown = page => page.locator("#log li").evaluateAll(items => items.map(item => item.innerText));
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
  await sees(alice, "(to you alone) Bob cannot row, you know");
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

async function evening(browser) {
  const alice = await open(browser, { viewport: { width: 1100, height: 700 } });
  const bob = await open(browser, { viewport: { width: 390, height: 800 }, colorScheme: "dark" });
  const carol = await talk(alice, bob);
  await cutOffAndBack(alice, bob, carol);
  if (pictures) {
    await alice.screenshot({ path: path.join(pictures, "chat-desktop.png") });
    await bob.screenshot({ path: path.join(pictures, "chat-phone.png") });
  }
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
