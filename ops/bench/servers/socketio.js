// socket.io as its documentation shows it: io.emit, WebSocket transport.
"use strict";
const { Server } = require("socket.io");
const { onItems, ports } = require("./items");

const io = new Server(ports[0], { serveClient: false });
onItems((items) => {
  for (const item of items) io.emit("item", item);
});
