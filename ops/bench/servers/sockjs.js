// sockjs-node as its readme shows it: one write per item and connection.
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
onItems((items) => {
  for (const item of items) for (const connection of connections) connection.write(item);
});
const server = http.createServer();
live.installHandlers(server);
server.listen(ports[0], "127.0.0.1");
