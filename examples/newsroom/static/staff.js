/** Show the staff's private channel, with tokens that the site issues. */

const list = document.getElementById("staff");
const { service, channel } = list.dataset;
const { FeedClient } = await import(`${service}/client.js`);

/** The token that came with the page; once that is over, others from the site. */
async function getToken() {
  const { token } = list.dataset;
  delete list.dataset.token;
  if (token) return token;
  const answer = await fetch("/token");
  if (!answer.ok) return undefined; // signed out meanwhile
  return (await answer.json()).token;
}

function row({ content_text: text, authors, date }) {
  const by = document.createElement("small");
  const names = authors?.map(({ name }) => name) ?? [];
  by.textContent = [...names, new Date(date).toLocaleString()].join(", ");
  const line = document.createElement("li");
  line.append(text, by);
  return line;
}

function say(text) {
  const line = document.createElement("li");
  line.textContent = text;
  list.replaceChildren(line);
}

const client = new FeedClient(service, { getToken });
const draw = () => (staff.items.length ? list.replaceChildren(...staff.items.map(row)) : say("Nothing yet."));
const error = ({ isTemporary }) => isTemporary || say("Sign in again to read this.");
const staff = client.subscribe(channel, { backlog: 20 }, { replace: draw, change: draw, error });
