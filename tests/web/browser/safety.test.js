import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, pageWith, stage, STRICT, until } from "./page.js";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const ALL = pageWith('channel="radio"');
const MARKUP = `<img src=x onerror="alert(1)"><script>alert(2)</script>"'><svg onload=alert(3)>`;
const ADDRESS = "javascript:alert(4)";

/** Every field that an item may have, each with the worst in it. */
function hostile(type, index) {
  const author = { name: MARKUP, url: ADDRESS, avatar: ADDRESS };
  const attachment = (mime) => ({
    url: ADDRESS,
    mime_type: mime,
    title: MARKUP,
    alt: MARKUP,
    width: MARKUP,
    height: '1" onload="alert(5)',
    duration_in_seconds: MARKUP,
  });
  return {
    id: `"><b>${type}`,
    channel: "radio.news",
    type,
    date: new Date(Date.now() - index * 1000).toISOString(),
    date_published: MARKUP,
    source: MARKUP,
    url: ADDRESS,
    external_url: ADDRESS,
    title: MARKUP,
    summary: MARKUP,
    language: MARKUP,
    content_text: MARKUP,
    content_html: `<p onclick="alert(6)" style="position:fixed">${MARKUP}<a href="${ADDRESS}">go</a>
      <a href="data:text/html,<script>alert(7)</script>">data</a><iframe srcdoc="x"></iframe>
      <math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(8)&gt;">
      <form action="${ADDRESS}"><input autofocus onfocus=alert(9)></form></p>`,
    authors: [author, null, 7],
    attachments: ["image/png", "video/mp4", "audio/mpeg", MARKUP].map(attachment).concat(null),
    tags: [MARKUP, { a: 1 }],
    repost_of: ADDRESS,
    in_reply_to: MARKUP,
    starts_at: "2026-12-04T20:00:00Z",
    ends_at: MARKUP,
    timezone: MARKUP,
    doors_at: MARKUP,
    previous_starts_at: MARKUP,
    status: "constructor",
    venue: { name: MARKUP, city: MARKUP, url: ADDRESS },
    performers: [author, MARKUP, null],
    offers: [{ url: ADDRESS }, null],
    artist: MARKUP,
    album: MARKUP,
    art: ADDRESS,
    started_at: MARKUP,
    duration: MARKUP,
  };
}

const TYPES = ["post", "article", "event", "track", "episode", "__proto__", MARKUP];

for (const [name, headers] of [["strict", STRICT], ["open", {}]]) {
  test(`hostile content in every field stays text on a page with ${name} rules`, async (t) => {
    const items = TYPES.map(hostile);
    const { complaints, service, widget } = await stage(t, browser, { items, html: ALL, headers });
    await until(() => widget.locator("article").count(), (count) => count === TYPES.length);

    const found = await widget.evaluate(({ shadowRoot }) => {
      const inside = [...shadowRoot.querySelectorAll("article, article *")];
      return {
        elements: inside.map((node) => node.localName),
        handlers: inside.flatMap((node) => node.getAttributeNames()).filter((each) => /^on|^style$|^srcdoc$/.test(each)),
        addresses: inside.flatMap((node) => [node.getAttribute("href"), node.getAttribute("src")]).filter(Boolean),
      };
    });

    const bad = ["script", "iframe", "form", "input", "style", "svg", "math", "object"];
    assert.deepEqual(found.elements.filter((each) => bad.includes(each)), []);
    assert.deepEqual(found.handlers, []);
    const foreign = found.addresses.filter((each) => !each.startsWith(`${service.url}/feeds/radio.news.ics?id=`));
    assert.deepEqual(foreign, []);
    // The browser reports what it met while parsing the inert document; nothing ran.
    const reports = complaints.splice(0).filter((each) => !/Applying inline style|inline event handler/.test(each));
    assert.deepEqual(reports, []);
  });
}

test("good HTML keeps its shape, its links lose their reach", async (t) => {
  const content_html =
    '<p>Read <a href="https://example.org/x" target="_self" rel="opener">this</a> <b>now</b></p>' +
    "<div>and <span>that</span></div><ul><li>one</li></ul>";
  const items = [{ id: "a", channel: "radio.news", type: "post", content_html }];
  const { widget } = await stage(t, browser, { items, html: ALL });
  await until(() => widget.locator("article").count(), Boolean);

  const html = await widget.locator(".prose").evaluate((node) => node.innerHTML);

  assert.equal(
    html,
    '<p>Read <a href="https://example.org/x" rel="noopener noreferrer nofollow ugc" ' +
      'target="_blank">this</a> <b>now</b></p>and that<ul><li>one</li></ul>',
  );
});

test("without leave for its policy the text is shown instead of HTML", async (t) => {
  const headers = {
    "Content-Security-Policy":
      "script-src 'self'; style-src 'self'; require-trusted-types-for 'script'; trusted-types none-of-ours",
  };
  const items = [
    { id: "a", channel: "radio.news", content_html: "<p><b>rich</b></p>", content_text: "plain" },
  ];
  const { complaints, widget } = await stage(t, browser, { items, html: ALL, headers });
  await until(() => widget.locator("article").count(), Boolean);

  assert.equal(await widget.locator(".prose").evaluate((node) => node.innerHTML), "plain");
  complaints.splice(0); // the browser reports the refused policy; that is its duty
});
