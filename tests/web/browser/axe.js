/** What axe-core finds wrong with a page. */

import { createRequire } from "node:module";

const require = createRequire(new URL("../../../web/package.json", import.meta.url));
const { source } = require("axe-core");

/** @param {import("playwright-core").Page} page @returns {Promise<string[]>} each with its place */
export async function violations(page) {
  await page.evaluate(source);
  return page.evaluate(async () => {
    const found = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return found.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} at ${target.join(" ")}: ${failureSummary}`),
    );
  });
}
