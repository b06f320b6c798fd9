/** The real service with its own MongoDB, for as long as a test file runs. */

import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ROOT = new URL("../../../", import.meta.url).pathname;
const SECRET = "only-for-tests-and-long-enough-for-any-check";
const LIST = 1000;

const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token that may do everything, or what is asked for. @param {object} [rights] @param {number} [lifetimeS] */
export function token(rights = { admin: true }, lifetimeS = 3600) {
  const exp = Math.floor(Date.now() / 1000) + lifetimeS;
  const signed = `${base64({ alg: "HS256", typ: "JWT" })}.${base64({ sub: "tests", exp, ...rights })}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

export class Station {
  /**
   * Start it on free ports; `station.url` and `station.adminUrl` are its addresses.
   * @param {string} [config] as in a configuration file
   */
  static async start(config = "") {
    const station = new Station();
    station.folder = await mkdtemp(join(tmpdir(), "feedsvc-web-"));
    const file = join(station.folder, "feedsvc.toml");
    await writeFile(file, config);
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith("FEEDSVC"));
    station.process = spawn(join(ROOT, ".venv/bin/python"), ["-m", "feedsvc", "serve"], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...Object.fromEntries(own),
        FEEDSVC_CONFIG: file,
        FEEDSVC_PORT: "0",
        FEEDSVC_ADMIN_PORT: "0",
        FEEDSVC_DATA_DIR: station.folder,
        FEEDSVC_SECRET: SECRET,
        FEEDSVC_DEMO: "1",
        FEEDSVC_LOG_LEVEL: "ERROR",
      },
    });
    for await (const line of createInterface({ input: station.process.stdout })) {
      station.url ??= /ready at (\S+)/.exec(line)?.[1];
      station.adminUrl = /metrics +(\S+)\/metrics/.exec(line)?.[1];
      if (station.adminUrl) break;
    }
    if (!station.adminUrl) throw new Error("the service did not start");
    station.process.stdout.resume();
    return station;
  }

  async stop() {
    this.process.kill();
    if (this.process.exitCode === null) await once(this.process, "exit");
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Publish items, a thousand at a time; resolves to the results, refused ones too. */
  async publish(channel, items) {
    const results = [];
    for (let at = 0; at < items.length; at += LIST) {
      const body = JSON.stringify(items.slice(at, at + LIST));
      const answer = await this.ask(`/api/channels/${channel}/items`, { method: "POST", body });
      results.push(...answer.results);
    }
    return results;
  }

  async remove(id) {
    await this.ask(`/api/items/${encodeURIComponent(id)}`, { method: "DELETE" });
  }

  async ask(path, options = {}) {
    const headers = { Authorization: `Bearer ${token()}`, "Content-Type": "application/json" };
    const response = await fetch(this.url + path, { headers, ...options });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  }
}
