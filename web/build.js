/** Build `dist/`: the widget, the bare client, SockJS for the fallback, the demo page. */

import { build, transform } from "esbuild";
import { rmSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { minify } from "terser";

import { LANGUAGES, NAMES, WIDGET_NAMES, wordsOf } from "./src/words.js";

const here = new URL(".", import.meta.url);
/** @param {string} name */
const path = (name) => new URL(name, here).pathname;
/** A folder for this build alone, as two may run at once. */
const OWN = await mkdtemp(path("node_modules/.build-"));
process.on("exit", () => rmSync(OWN, { recursive: true, force: true }));
/** What is built takes its place when it is whole: a service may be serving the last one. */
const OUT = `${OWN}/dist`;
/** What the widget says in a language. @param {string} language */
const row = (language) => JSON.stringify(wordsOf(language, WIDGET_NAMES).join("|"));

/**
 * Names that never leave a bundle get short ones: none of them is known to the DOM, to
 * the wire, to the words or to a page.
 */
const INNER = new RegExp(
  "^(adopt|announce|answered|apply|articles|asked|askAgain|backoff|base|context|env|fits|flush" +
    "|fresh|goToTop|greet|handlers|heartbeat|isDown|isHidden|isInUse|isLoading|isPaused|isPlain|isReady" +
    "|isTooNarrow|loadSockJS|locale|lost|members|node|pill|playing|reader|rendered|release|request|rest|restart|renew|still" +
    "|feed|first|label|list|page|root|end|startAgain|startWith|takeOver|texts|topEdge|tries|wake|wish|waiting|watch)$",
);

/** Style sheets become text, without the comments and spaces that people need. */
const styles = {
  name: "styles",
  setup(bundle) {
    bundle.onLoad({ filter: /\.css$/ }, async ({ path: file }) => {
      const { code } = await transform(await readFile(file, "utf8"), {
        loader: "css",
        minify: true,
        charset: "utf8",
      });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

/** Of the words, a widget carries those that it says, in one language. */
const words = {
  name: "words",
  setup(bundle) {
    bundle.onLoad({ filter: /\/widget-words\.js$/ }, () => {
      const contents = `export const LANGUAGE = "en"; export const ROW = ${row("en")};
        export const LANGUAGES = "${LANGUAGES.join(" ")}";
        export const NAMES = "${WIDGET_NAMES.join(" ")}".split(" ");`;
      return { contents, loader: "js" };
    });
  },
};

await mkdir(OUT);
const { outputFiles } = await build({
  entryPoints: {
    widget: path("src/define.js"),
    client: path("src/client.js"),
    embed: path("src/embed.js"),
    private: path("src/private.js"),
    "feed-widget": path("src/feed-widget.js"),
  },
  outdir: OUT,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  mangleProps: INNER,
  charset: "utf8",
  legalComments: "none",
  plugins: [styles, words],
  write: false,
});
for (const { path: file, text } of outputFiles) {
  const { code } = await minify(text, { module: true, ecma: 2020, compress: { passes: 3 } });
  await writeFile(file, code ?? "");
}

// One request, one language: the widget with the words of a page's own language.
const widget = await readFile(`${OUT}/widget.js`, "utf8");
for (const language of LANGUAGES) {
  const own = widget.replace(row("en"), row(language)).replace('"en"!==', `"${language}"!==`);
  if (language !== "en" && own.includes('"en"!==')) throw new Error("the place of the language is not found");
  if (language !== "en") await writeFile(`${OUT}/widget.${language}.js`, own);
  await writeFile(`${OUT}/words.${language}.js`, `export const ROW=${row(language)};`);
}

/** All words, for the pages that the service renders. */
const texts = LANGUAGES.map((language) => {
  const entries = wordsOf(language, NAMES).map((text, index) => [NAMES[index], text]);
  return [language, Object.fromEntries(entries)];
});
await writeFile(`${OUT}/words.json`, JSON.stringify(Object.fromEntries(texts)));
await cp(path("node_modules/sockjs-client/dist/sockjs.min.js"), `${OUT}/sockjs.min.js`);
await cp(path("demo"), `${OUT}/demo`, { recursive: true });

// The service's own pages: the articles there wear the widget's style, outside of a shadow.
const own = (await readFile(path("src/style.css"), "utf8"))
  .replace(/:host\(([^)]*\)?)\)/g, "feed-widget$1")
  .replaceAll(":host", "feed-widget");
const around = await readFile(path("embed/embed.css"), "utf8");
const builder = await readFile(path("builder/builder.css"), "utf8");
for (const [name, css] of Object.entries({ embed: own + around, builder })) {
  const { code } = await transform(css, { loader: "css", minify: true });
  await writeFile(`${OUT}/${name}.css`, code);
}
const { code } = await transform(await readFile(path("builder/builder.js"), "utf8"), { minify: true });
await writeFile(`${OUT}/builder.js`, code);

// The operator's page has a folder of its own, which the public listener does not serve.
await build({
  entryPoints: [path("admin/admin.js"), path("admin/admin.css")],
  outdir: `${OUT}/admin`,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "utf8",
});

// Compressed once and for good: the service sends these to all who understand them.
const PACKED = /\.(js|css|svg|html)$/;
for (const file of await readdir(OUT, { recursive: true })) {
  if (!PACKED.test(file)) continue;
  const body = await readFile(`${OUT}/${file}`);
  await writeFile(`${OUT}/${file}.br`, brotliCompressSync(body));
  await writeFile(`${OUT}/${file}.gz`, gzipSync(body, { level: 9 }));
}

/** Take the place of the last build; another one that does so meanwhile is the last build then. */
async function takePlace() {
  const last = `${OWN}/last`;
  await rm(last, { recursive: true, force: true });
  await rename(path("dist"), last).catch(unless("ENOENT"));
  const isTaken = await rename(OUT, path("dist")).then(() => false, unless("ENOTEMPTY"));
  if (isTaken) await takePlace();
}

/** @param {string} expected */
function unless(expected) {
  return (/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code !== expected) throw error;
    return true;
  };
}
await takePlace();
