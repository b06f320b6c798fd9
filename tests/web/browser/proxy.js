/** A proxy that lets HTTP pass and WebSockets not, as some companies have. */

import { createServer, request as ask } from "node:http";

/**
 * @param {string} upstream @param {{swallows: boolean}} how it leaves upgrades without
 *   an answer, or refuses them
 */
export async function proxyWithoutWebSocket(upstream, { swallows }) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    const { method, headers } = request;
    const passed = ask(upstream + request.url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    response.on("close", () => passed.destroy());
    request.pipe(passed);
  });
  server.on("upgrade", (request, socket) => {
    socket.on("error", () => {});
    if (!swallows) socket.destroy();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    asked,
    url: `http://127.0.0.1:${server.address().port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
