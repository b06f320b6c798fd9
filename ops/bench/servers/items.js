// The publisher's side of every Node server: one item a line on the control port.
"use strict";
const net = require("node:net");

exports.ports = process.argv.slice(2).map(Number); // the clients' and the publisher's

/** Call back with the items of each read, oldest first. */
exports.onItems = (callback) =>
  net
    .createServer((socket) => {
      let rest = "";
      socket.setEncoding("utf8").on("data", (text) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop();
        if (lines.length) callback(lines);
      });
    })
    .listen(exports.ports[1], "127.0.0.1");
