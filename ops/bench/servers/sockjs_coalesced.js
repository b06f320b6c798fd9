// sockjs-node with coalescing on top: one frame per tick, encoded once, for everyone.
//
// The public write() quotes each item anew for each connection, so the frame is built
// here and handed to the session's receiver: the most that sockjs-node can do.
"use strict";
const http = require("node:http");
const sockjs = require("sockjs");
const { onItems, ports } = require("./items");

const connections = new Set();
const live = sockjs.createServer({ prefix: "/live", log: () => {} });
live.on("connection", (connection) => {
  connections.add(connection);
  connection.on("close", () => connections.delete(connection));
});

let tick = [];
const flush = () => {
  const frame = `a${JSON.stringify(tick)}`;
  tick = [];
  for (const connection of connections) connection._session.recv.doSendFrame(frame);
};
onItems((items) => {
  if (!tick.length) setImmediate(flush);
  tick.push(...items);
});
const server = http.createServer();
live.installHandlers(server);
server.listen(ports[0], "127.0.0.1");
