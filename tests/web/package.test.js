import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);
const WEB = new URL("../../web/", import.meta.url).pathname;
const NAME = "feedsvc-widget";

let folder;

/** The package as `npm publish` would send it, installed into an empty folder. */
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "feedsvc-package-"));
  await run("npm", ["run", "--silent", "types"], { cwd: WEB });
  await run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], { cwd: WEB });
  const [tarball] = await readdir(folder);
  await writeFile(join(folder, "package.json"), '{"private":true,"type":"module"}');
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${tarball}`], { cwd: folder });
});
after(() => rm(folder, { recursive: true, force: true }));

test("node imports the client from the package", async () => {
  const script = `import { FeedClient, FeedError } from "${NAME}/client";
    const client = new FeedClient("https://feed.example.org");
    console.log(client.state, new FeedError("forbidden").isTemporary);`;

  const { stdout } = await run("node", ["--input-type=module", "-e", script], { cwd: folder });

  assert.equal(stdout, "idle false\n");
});

test("TypeScript knows what the package offers", async () => {
  await writeFile(
    join(folder, "user.ts"),
    `import { FeedWidget } from "${NAME}";
     import { FeedClient, type FeedError } from "${NAME}/client";
     import { PrivateWidget } from "${NAME}/private";
     const client = new FeedClient("https://feed.example.org", { getToken: async () => "token" });
     const news = client.subscribe("radio.news", { backlog: 5, types: ["post"] }, {
       replace: (items) => items[0].id.trim(),
       change: ({ change, item }) => change === "removed" || item.rev.toFixed(),
       error: (error: FeedError) => error.code.trim(),
     });
     const more: Promise<boolean> = news.loadMore(20);
     const widget = document.querySelector<FeedWidget>("feed-widget");
     if (widget) widget.layout = "cards";
     const staff = document.querySelector<PrivateWidget>("feed-widget");
     if (staff) staff.tokenSource = async () => "token";
     // @ts-expect-error a number is no channel
     client.subscribe(7);
     export { more };`,
  );
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2023,dom", "user.ts"];

  const { stdout } = await run(join(WEB, "node_modules/.bin/tsc"), options, { cwd: folder }).catch((error) => error);

  assert.equal(stdout, "");
});

test("the package has what its manifest names, and nothing from the workshop", async () => {
  const { stdout } = await run("npm", ["pack", "--json", "--dry-run", "--ignore-scripts"], { cwd: WEB });

  const [{ files }] = JSON.parse(stdout);
  const names = files.map(({ path }) => path);
  for (const needed of ["dist/widget.js", "dist/client.js", "dist/feed-widget.js", "dist/types/define.d.ts", "README.md"]) {
    assert.ok(names.includes(needed), needed);
  }
  assert.deepEqual(names.filter((name) => /^(src|demo|node_modules)|test/.test(name)), []);
});

test("of two builds at once the later one stays, whole", async () => {
  const build = () => run("node", ["build.js"], { cwd: WEB });

  await Promise.all([build(), build()]);

  const files = await readdir(join(WEB, "dist"));
  assert.ok(["widget.js", "widget.js.br", "demo", "admin"].every((name) => files.includes(name)), `${files}`);
});
