import { useState } from "react";
import { createRoot } from "react-dom/client";

function News() {
  const [channel, setChannel] = useState("radiomeridian.news");
  const [count, setCount] = useState(0);
  return (
    <main>
      <h1>News in React</h1>
      <button onClick={() => setChannel("radiomeridian.artists")}>The artists</button>
      <p id="count">{count} new since you came</p>
      <feed-widget channel={channel} backlog="10" onfeed-item={() => setCount((before) => before + 1)} />
    </main>
  );
}

createRoot(document.querySelector("#root")).render(<News />);
