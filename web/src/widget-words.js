/** The words of one language that the widget says; the build writes this file anew for each. */

import { LANGUAGES, WIDGET_NAMES, wordsOf } from "./words.js";

export { LANGUAGES };

export const LANGUAGE = "en";
export const NAMES = WIDGET_NAMES;
export const ROW = wordsOf(LANGUAGE, NAMES).join("|");
