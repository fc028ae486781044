// Bundles what the browser loads into dist/, under names that carry the hash of their content, and writes
// dist/manifest.json, which maps the plain names to them.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { icons } from "./icons.mjs";
import { darkBySystem } from "./theme.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, "dist");
const manifest = {};

// put writes a file of dist under its hashed name, and beside it compressed.
async function put(name, content) {
  const { name: stem, ext } = path.parse(name);
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const hashed = `${stem}-${hash}${ext}`;
  await writeFile(path.join(dist, hashed), content);
  await writeFile(path.join(dist, `${hashed}.gz`), gzipSync(content, { level: 9 }));
  manifest[name] = hashed;
}

async function clear() {
  await mkdir(dist, { recursive: true });
  for (const entry of await readdir(dist)) {
    if (entry !== ".keep") await rm(path.join(dist, entry), { recursive: true });
  }
}

async function bundle() {
  const result = await esbuild.build({
    absWorkingDir: here,
    entryPoints: ["js/app.js", "js/plots.js", "css/app.css", "css/plots.css"],
    entryNames: "[name]",
    outdir: "dist",
    bundle: true,
    minify: true,
    write: false,
    target: ["es2022", "chrome111", "firefox115", "safari16.4"],
    legalComments: "none",
    plugins: [darkBySystem],
  });
  for (const file of result.outputFiles) await put(path.basename(file.path), file.contents);
}

// sprite puts the icons that the console uses into one file.
async function sprite() {
  const symbols = [];
  for (const name of icons) {
    const file = path.join(here, "node_modules/@tabler/icons/icons/outline", `${name}.svg`);
    const svg = await readFile(file, "utf8");
    const shapes = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
    symbols.push(`<symbol id="${name}" viewBox="0 0 24 24">${shapes.replace(/\s*\n\s*/g, "")}</symbol>`);
  }
  await put("icons.svg", `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`);
}

await clear();
await bundle();
await sprite();
await put("favicon.svg", await readFile(path.join(here, "favicon.svg")));
await writeFile(path.join(dist, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
