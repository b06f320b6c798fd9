import { createApp, ref } from "./vue.js";

const app = createApp({
  setup() {
    return { channel: ref("radiomeridian.news"), count: ref(0) };
  },
  template: `
    <main>
      <h1>News in Vue</h1>
      <button @click="channel = 'radiomeridian.artists'">The artists</button>
      <p id="count">{{ count }} new since you came</p>
      <feed-widget :channel="channel" backlog="10" @feed-item="count++"></feed-widget>
    </main>`,
});
app.config.compilerOptions.isCustomElement = (tag) => tag === "feed-widget";
app.mount("#root");
