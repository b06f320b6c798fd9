/** Build `dist/`: the widget, the bare client, SockJS for the fallback, the demo page. */

import { build, transform } from "esbuild";
import { cp, mkdir, readFile, rm } from "node:fs/promises";

const here = new URL(".", import.meta.url);
/** @param {string} name */
const path = (name) => new URL(name, here).pathname;

/** Style sheets become text, without the comments and spaces that people need. */
const styles = {
  name: "styles",
  setup(bundle) {
    bundle.onLoad({ filter: /\.css$/ }, async ({ path: file }) => {
      const { code } = await transform(await readFile(file, "utf8"), {
        loader: "css",
        minify: true,
      });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

await rm(path("dist"), { recursive: true, force: true });
await mkdir(path("dist"));
await build({
  entryPoints: {
    widget: path("src/define.js"),
    client: path("src/client.js"),
    "feed-widget": path("src/feed-widget.js"),
    words: path("src/words.js"),
  },
  outdir: path("dist"),
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  sourcemap: true,
  charset: "utf8",
  legalComments: "none",
  plugins: [styles],
});
await cp(path("node_modules/sockjs-client/dist/sockjs.min.js"), path("dist/sockjs.min.js"));
await cp(path("demo"), path("dist/demo"), { recursive: true });
