/** The door for pages: importing this makes `<feed-widget>` work. */

import { FeedWidget } from "./feed-widget.js";

FeedWidget.define();

export { FeedWidget };
