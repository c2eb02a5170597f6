// Two people at the example drop_box: one submits its form with a file, the other sees that it came and downloads it.
// Arguments: the page's URL, and a directory for files. Fails with what was not as it should be.
"use strict";

const assert = require("node:assert/strict");
const { execSync } = require("node:child_process");
const { readFileSync, writeFileSync } = require("node:fs");
const path = require("node:path");
const { chromium } = require("playwright-core");

const [url, directory] = process.argv.slice(2);

// The server may not listen yet.
async function open(browser) {
  const page = await browser.newPage();
  page.setDefaultTimeout(15_000);
  for (let tries = 0; ; tries += 1) {
    try {
      await page.goto(url);
      return page;
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise(done => setTimeout(done, 50));
    }
  }
}

async function main() {
  const executablePath = execSync("command -v chromium", { encoding: "utf8" }).trim();
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  const faults = [];
  try {
    const [ann, bob] = [await open(browser), await open(browser)];
    for (const page of [ann, bob]) page.on("pageerror", error => faults.push(error));
    for (const [name, size] of [["a plan & more.txt", 1_000], ["grüße.bin", 3_000_000]]) {
      const bytes = Buffer.alloc(size, `${name};`);
      const file = path.join(directory, name);
      writeFileSync(file, bytes);
      await ann.getByLabel("From").fill("Ann <b>& co</b>");
      await ann.getByLabel("File").setInputFiles(file);
      await ann.getByRole("button", { name: "Drop" }).click();
      await bob.getByText(`${name} from Ann <b>& co</b>`).waitFor();
      const [download] = await Promise.all([
        bob.waitForEvent("download"),
        bob.getByRole("link", { name }).click(),
      ]);
      assert.equal(download.suggestedFilename(), name);
      assert.ok(readFileSync(await download.path()).equals(bytes), `${name} comes back as it went`);
    }
    assert.deepEqual(faults, []);
  } finally {
    await browser.close();
  }
}

main().then(() => process.exit(0), error => {
  console.error(error);
  process.exit(1);
});
