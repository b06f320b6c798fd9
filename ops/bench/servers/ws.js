// ws as its readme shows "server broadcast".
"use strict";
const { WebSocket, WebSocketServer } = require("ws");
const { onItems, ports } = require("./items");

const server = new WebSocketServer({ host: "127.0.0.1", port: ports[0] });
server.on("connection", (client) => client.on("error", () => client.terminate()));
onItems((items) => {
  for (const item of items)
    for (const client of server.clients)
      if (client.readyState === WebSocket.OPEN) client.send(item);
});
