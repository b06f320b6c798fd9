/**
 * Photograph the running demo station for the documentation.
 *
 *     node ops/screenshots.mjs http://127.0.0.1:8080 docs/images
 *
 * Chromium is the one that CHROMIUM names, or Debian's.
 */

import { createRequire } from "node:module";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

const { chromium } = createRequire(new URL("../web/", import.meta.url))("playwright-core");

const PICTURES = {
  "station.png": { width: 1280, height: 1100 },
  "station-dark.png": { width: 1280, height: 1100, colorScheme: "dark" },
  "station-narrow.png": { width: 390, height: 1100 },
  "station-rtl.png": { width: 1280, height: 1100, direction: "rtl" },
};
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--hide-scrollbars"];
// Long enough for the pictures in the feed, which load lazily.
const SETTLE_MS = 1500;

const [url, folder] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: FLAGS,
});
try {
  for (const [name, { width, height, colorScheme = "light", direction }] of Object.entries(PICTURES)) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    await page.goto(url);
    await page.locator("feed-widget article").first().waitFor();
    if (direction) {
      await page.evaluate((dir) => document.documentElement.setAttribute("dir", dir), direction);
    }
    await page.waitForTimeout(SETTLE_MS);
    await page.screenshot({ path: join(folder, name) });
    await page.close();
    console.log(join(folder, name));
  }
} finally {
  await browser.close();
}
