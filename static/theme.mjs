// Tabler is dark where data-bs-theme="dark" stands. Ours is also dark where nothing is chosen and the system is:
// every dark rule is written a second time for that case, so that it needs no script.
import { readFile } from "node:fs/promises";
import postcss from "postcss";

const chosen = "[data-bs-theme=dark]";
const bySystem = ":root:not([data-bs-theme])";

// darkSelectors are the selectors of a rule that begin with the choice, made to follow the system.
function darkSelectors(rule) {
  return rule.selectors
    .map((s) => (s.startsWith(`:root${chosen}`) ? s.slice(":root".length) : s))
    .filter((s) => s === chosen || s.startsWith(`${chosen} `))
    .map((s) => bySystem + s.slice(chosen.length));
}

function mirror(root) {
  root.walkRules((rule) => {
    if (rule.parent.type === "atrule" && rule.parent.name === "media" && rule.parent.params.includes("color-scheme")) return;
    const selectors = darkSelectors(rule);
    if (selectors.length === 0 || rule.selectors.includes(":root")) return;
    const media = postcss.atRule({ name: "media", params: "screen and (prefers-color-scheme: dark)" });
    media.append(rule.clone({ selectors }));
    rule.after(media);
  });
}

export const darkBySystem = {
  name: "dark-by-system",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const root = postcss.parse(await readFile(path, "utf8"), { from: path });
      mirror(root);
      return { contents: root.toString(), loader: "css" };
    });
  },
};
