/**
 * What other programs make of a document: one JSON object a reader, on stdout.
 *
 *   node readers.js atom|rss|json|ics < document
 */

import { text } from "node:stream/consumers";

import { parseFeed as parseStrictly } from "@rowanmanning/feed-parser";
import { parseFeed } from "feedsmith";
import ICAL from "ical.js";
import ical from "node-ical";
import RssParser from "rss-parser";

function feedsmith(document) {
  const { feed } = parseFeed(document);
  const plain = (one) => one?.value ?? one ?? null;
  const link = (one) => one.url ?? one.link ?? one.links?.find((l) => l.rel === "alternate")?.href;
  const items = (feed.entries ?? feed.items ?? []).map((one) => ({
    id: one.id ?? one.guid?.value,
    title: plain(one.title),
    url: link(one) ?? null,
    date: one.published ?? one.date_published ?? one.pubDate,
    text: one.content?.encoded ?? plain(one.content ?? one.content_html ?? one.content_text),
  }));
  return { title: plain(feed.title), items };
}

function feedParser(document) {
  const feed = parseStrictly(document);
  const items = feed.items.map((one) => ({
    id: one.id,
    title: one.title,
    url: one.url,
    date: one.published,
    text: one.content,
    sounds: one.media.map((media) => media.url),
  }));
  return { title: feed.title, items };
}

async function rssParser(document) {
  const feed = await new RssParser().parseString(document);
  const items = feed.items.map((one) => ({
    id: one.guid ?? one.id,
    title: one.title ?? null,
    url: one.link ?? null,
    date: one.isoDate,
    text: one["content:encoded"] ?? one.content,
  }));
  return { title: feed.title, items };
}

function icalJs(document) {
  const calendar = new ICAL.Component(ICAL.parse(document));
  const items = calendar.getAllSubcomponents("vevent").map((one) => {
    const event = new ICAL.Event(one);
    return {
      id: event.uid,
      title: event.summary,
      start: String(event.startDate),
      end: String(event.endDate),
      status: one.getFirstPropertyValue("status"),
      sequence: event.sequence,
    };
  });
  return { title: calendar.getFirstPropertyValue("name"), items };
}

function nodeIcal(document) {
  const found = Object.values(ical.sync.parseICS(document));
  const day = (at) => (at.dateOnly ? at.toISOString().slice(0, 10) : at.toISOString().replace(".000", ""));
  const items = found
    .filter((one) => one.type === "VEVENT")
    .map((one) => ({
      id: one.uid,
      title: one.summary,
      start: day(one.start),
      end: day(one.end),
      status: one.status,
      sequence: Number(one.sequence),
    }));
  return { title: found.find((one) => one.type === "VCALENDAR")?.["WR-CALNAME"], items };
}

const READERS = {
  atom: { feedsmith, feedParser, rssParser },
  rss: { feedsmith, feedParser, rssParser },
  json: { feedsmith },
  ics: { icalJs, nodeIcal },
};

const document = await text(process.stdin);
const told = {};
for (const [name, read] of Object.entries(READERS[process.argv[2]])) {
  told[name] = await read(document);
}
console.log(JSON.stringify(told));
