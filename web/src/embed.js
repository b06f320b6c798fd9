/** The door for the service's own pages: the widget takes over what they show already. */

import { FeedWidget } from "./feed-widget.js";
import { handover } from "./handover.js";

class RenderedWidget extends FeedWidget {
  takeOver() {
    return handover(this);
  }
}

RenderedWidget.define();
