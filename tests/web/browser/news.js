/** A little of everything for the demo's channels, as a station would publish it. */

const minutes = (count) => new Date(Date.now() - count * 60000).toISOString();
const days = (count) => new Date(Date.now() + count * 86400000).toISOString();

/** Channel to items. @param {string} url of the service, which has the pictures */
export const news = (url) => ({
  "radiomeridian.onair": [
    { id: "t1", type: "track", title: "Slow Tide", artist: "The Lanterns", album: "Low Water",
      duration: 3000, started_at: minutes(1), date: minutes(1), art: `${url}/demo/art/mark.svg` },
    { id: "t2", type: "track", title: "Kettle", artist: "Ada Moreau", started_at: minutes(5), date: minutes(5) },
  ],
  "radiomeridian.news": [
    { id: "n1", type: "article", title: "The night ferry sails again from Friday", date: minutes(3),
      summary: "After three winters the last boat of the evening is back on the timetable.",
      tags: ["Harbour"], authors: [{ name: "Nadia Brandt" }], url: "https://example.org/ferry" },
    { id: "n2", type: "article", title: "Two bridges, one song", date: minutes(90),
      summary: "What a choir of eighty does with forty seconds of echo.", url: "https://example.org/bridges",
      attachments: [{ url: `${url}/demo/art/globe.svg`, mime_type: "image/svg+xml", alt: "A globe", width: 800, height: 800 }] },
    { id: "n3", type: "episode", title: "An hour about kettles", date: minutes(300), summary: "They sing, too.",
      attachments: [{ url: `${url}/none.mp3`, mime_type: "audio/mpeg", duration_in_seconds: 3600 }] },
  ],
  "radiomeridian.artists": [
    { id: "p1", type: "post", date: minutes(8), authors: [{ name: "Ada Moreau", url: "https://example.org/@ada" }],
      content_html: '<p>Back in the studio. <a href="https://example.org/clip">A first clip</a>.</p>',
      url: "https://example.org/@ada/1" },
    { id: "p2", type: "post", date: minutes(30), authors: [{ name: "The Lanterns" }], in_reply_to: "https://example.org/1",
      content_text: "Yes: doors are at seven.", external_url: "https://tickets.example.org/tonight" },
    { id: "p3", type: "post", date: minutes(50), authors: [{ name: "فرقة الميناء" }], sensitive: true,
      summary: "ضوء ساطع", content_text: "مساء الخير من المسرح", language: "ar" },
  ],
  "radiomeridian.events": [
    { id: "e1", type: "event", title: "The Lanterns at the Harbour Hall", date: days(9), starts_at: days(9),
      doors_at: days(8.96), timezone: "Europe/Berlin", venue: { name: "Harbour Hall", city: "Hamburg", url: "https://example.org/hall" },
      performers: [{ name: "The Lanterns" }, { name: "Ada Moreau" }], offers: [{ url: "https://example.org/tickets" }],
      url: "https://example.org/e1" },
    { id: "e2", type: "event", title: "Breakfast radio, outdoors", date: days(5), starts_at: days(5), status: "cancelled",
      timezone: "Europe/London", venue: { name: "The Pier", city: "Hull" } },
    { id: "e3", type: "event", title: "Night walk", date: days(12), starts_at: days(12), previous_starts_at: days(11),
      status: "rescheduled", timezone: "America/New_York", venue: { name: "Battery Park", city: "New York" } },
  ],
});

/** Publish all of it. @param {import("./station.js").Station} station */
export async function publishNews(station) {
  for (const [channel, items] of Object.entries(news(station.url))) {
    const results = await station.publish(channel, items);
    const refused = results.filter(({ error }) => error);
    if (refused.length) throw new Error(JSON.stringify(refused));
  }
}
