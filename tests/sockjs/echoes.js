// Opens one transport, sends awkward texts, and reports what comes back.
// Runs in a page and in Node; needs nothing but the client's constructor.
'use strict';

(function (root) {
  const TEXTS = [
    'a', ' ', '"', "'", '\\', '\\u0041', '%41', '%99', '%', '%25', '%zz', '+', '&d=', '\n',
    '\r\n', '\0', 'Grüße', 'Ж', '漢字', '😀', '\u2028\u2029', '\u200c\ufeff\ufff0\uffff',
    '\u0300\u0483', '</script><script>', '<!--', 'a["x"]', 'x'.repeat(1000),
  ];
  // The echo service ends streams at 4,096 bytes, so these cross a roll-over.
  const SEQUENCE = TEXTS.concat(Array.from({ length: 8 }, (_, n) => n + 'y'.repeat(1000)));

  // Browsers slow the timers of hidden frames down to one a second, and the client's
  // senders wait for a timer: so texts go out in bursts.
  const BURST = 12;

  function open(SockJS, url, transport) {
    return new SockJS(url, null, { transports: [transport], timeout: 30000 });
  }

  // Resolves with the transport used, the texts that differ, and the end.
  function echo(SockJS, url, transport) {
    return new Promise(function (resolve) {
      const socket = open(SockJS, url, transport);
      const received = [];
      let used = null;
      function sendBurst() {
        SEQUENCE.slice(received.length, received.length + BURST).forEach(function (text) {
          socket.send(text);
        });
      }
      socket.onopen = function () {
        used = socket.transport;
        sendBurst();
      };
      socket.onmessage = function (event) {
        received.push(event.data);
        if (received.length === SEQUENCE.length) socket.close(4000, 'done');
        else if (received.length % BURST === 0) sendBurst();
      };
      socket.onclose = function (event) {
        resolve({
          transport: used,
          wrong: SEQUENCE.filter((text, n) => received[n] !== text),
          received: received.length,
          code: event.code,
          reason: event.reason,
        });
      };
    });
  }

  // Resolves with how the server ends a session, and what it sent before.
  function closed(SockJS, url, transport) {
    return new Promise(function (resolve) {
      const socket = open(SockJS, url, transport);
      let opened = false;
      socket.onopen = function () {
        opened = true;
      };
      socket.onclose = function (event) {
        resolve({ opened: opened, code: event.code, reason: event.reason, clean: event.wasClean });
      };
    });
  }

  root.echoes = { count: SEQUENCE.length, echo: echo, closed: closed };
})(typeof window === 'undefined' ? globalThis : window);

if (typeof require === 'function' && require.main === module) {
  const SockJS = require('sockjs-client');
  const [task, url, transport] = process.argv.slice(2);
  globalThis.echoes[task](SockJS, url, transport).then(function (result) {
    console.log(JSON.stringify(result));
    process.exit(0);
  });
}
