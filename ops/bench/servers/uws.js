// uWebSockets with its own publish/subscribe, which coalesces by itself.
"use strict";
const uws = require("uwebsockets");
const { onItems, ports } = require("./items");

const app = uws.App();
app.ws("/*", { idleTimeout: 0, open: (client) => client.subscribe("items") });
app.listen("127.0.0.1", ports[0], (token) => token || process.exit(1));
onItems((items) => {
  for (const item of items) app.publish("items", item);
});
