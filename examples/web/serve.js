/**
 * Pages that show how to put the widget on a page, on an origin of their own.
 *
 *     node examples/web/serve.js http://127.0.0.1:8080 [PORT]
 *
 * The argument is the address of the service; the pages show its demo station.
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = new URL("./", import.meta.url);
const MODULES = new URL("../../web/node_modules/", import.meta.url);
const { build } = createRequire(new URL("../../web/package.json", import.meta.url))("esbuild");

const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript" };
/** As a site would have them: made from source, or taken from a package. */
const SCRIPTS = {
  "/react.js": () => bundled("react.jsx"),
  "/vue.js": () => readFile(new URL("vue/dist/vue.esm-browser.prod.js", MODULES), "utf8"),
};

/** What the strictest of pages has to allow for the widget. @param {string} service */
const strict = (service) =>
  [
    "default-src 'none'",
    `script-src ${service}`,
    "style-src 'self'",
    `connect-src ${service} ${service.replace(/^http/, "ws")}`,
    "img-src https: http:",
    "media-src https: http:",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types feed-widget",
  ].join("; ");

/** @param {string} file */
async function bundled(file) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(file, HERE))],
    nodePaths: [fileURLToPath(MODULES)],
    bundle: true,
    format: "esm",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    write: false,
  });
  return outputFiles[0].text;
}

/**
 * Serve the pages on 127.0.0.1 until `close()` is called on what it resolves to.
 * @param {string} service @param {number} [port] any free one unless given
 */
export async function serve(service, port = 0) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://page.example");
    const name = pathname === "/" ? "/index.html" : pathname;
    try {
      const text = await (SCRIPTS[name]?.() ?? readFile(new URL(`.${name}`, HERE), "utf8"));
      response.setHeader("Content-Type", TYPES[extname(name)] ?? "text/plain");
      if (name === "/strict.html") response.setHeader("Content-Security-Policy", strict(service));
      response.end(extname(name) === ".html" ? text.replaceAll("{{service}}", service) : text);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(port, "127.0.0.1", () => done(undefined)));
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { url: `http://127.0.0.1:${address.port}/`, close: () => server.close() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serve(process.argv[2] ?? "http://127.0.0.1:8080", Number(process.argv[3] ?? 0));
  console.log(`The examples are at ${url}`);
}
