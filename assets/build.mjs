// What do the pages load? Builds css/, js/ and icons.txt into ../app/static/dist, every file named after its content,
// and manifest.json: plain name -> built name.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync, inflateSync } from "node:zlib";

import * as esbuild from "esbuild";
import { PurgeCSS } from "purgecss";

import { keep } from "./tabler.keep.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.join(here, "../app/static/dist");
const find = createRequire(import.meta.url).resolve;
const manifest = {};

// Of Tabler's 600 KB only what tabler.keep.mjs names.
const onlyWhatWeUse = {
  name: "tabler",
  setup(build) {
    build.onLoad({ filter: /tabler\.css$/ }, async ({ path: file }) => {
      const [{ css }] = await new PurgeCSS().purge({
        content: [{ raw: keep.join(" "), extension: "html" }],
        css: [{ raw: await readFile(file, "utf8") }],
        variables: true,
        keyframes: true,
        fontFace: true,
        safelist: { variables: [/^--tblr-(btn|form|link|body|heading|border|focus|primary|font|gray)/] },
      });
      return { contents: css, loader: "css", resolveDir: path.dirname(file) };
    });
  },
};

async function bundle(entryPoints, options) {
  const { metafile } = await esbuild.build({
    absWorkingDir: here,
    logOverride: { "duplicate-object-key": "error" },
    entryPoints,
    bundle: true,
    minify: true,
    metafile: true,
    outdir: out,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    target: ["chrome109", "firefox115", "safari16.4"],
    loader: { ".woff2": "file" },
    logLevel: "warning",
    ...options,
  });
  for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (entryPoint) manifest[path.basename(entryPoint)] = path.basename(file);
  }
}

// One file of <symbol>s: `icon('bell')` points into it.
async function sprite() {
  const names = (await readFile(path.join(here, "icons.txt"), "utf8")).split("\n").filter(Boolean);
  const symbols = await Promise.all(
    names.map(async (name) => {
      const svg = await readFile(find(`@tabler/icons/outline/${name}.svg`), "utf8");
      const drawing = svg.replace(/^[^]*?<svg[^>]*>|<\/svg>\s*$|<path stroke="none" d="M0 0h24v24H0z" fill="none" ?\/>/g, "");
      return `<symbol id="${name}" viewBox="0 0 24 24">${drawing.replace(/\s*\n\s*/g, "").replace(/ \/>/g, "/>")}</symbol>`;
    }),
  );
  const text = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
  await keepFile("icons.svg", text);
}

// For paper (app/forms/printing): the fonts of the pages, unpacked from WOFF as typst reads them. Two weights, each in two parts that
// complete each other; what people put between words (🙂) is drawn with lines.
async function paperFonts() {
  for (const part of ["latin", "vietnamese"]) {
    for (const weight of [400, 600]) {
      const name = `be-vietnam-pro-${part}-${weight}`;
      await keepFile(`${name}.ttf`, unpacked(await readFile(find(`@fontsource/be-vietnam-pro/files/${name}-normal.woff`))));
    }
  }
  await keepFile("noto-emoji-400.ttf", unpacked(await readFile(find("@fontsource/noto-emoji/files/noto-emoji-emoji-400-normal.woff"))));
}

// WOFF 1 → the font in it: its tables, inflated, behind a directory of their own (w3.org/TR/WOFF).
function unpacked(woff) {
  const count = woff.readUInt16BE(12);
  const tables = Array.from({ length: count }, (_none, at) => {
    const entry = woff.subarray(44 + 20 * at, 64 + 20 * at);
    const [from, packed, length] = [4, 8, 12].map((place) => entry.readUInt32BE(place));
    const data = woff.subarray(from, from + packed);
    return { tag: entry.subarray(0, 4), sum: entry.subarray(16, 20), length, data: packed === length ? data : inflateSync(data) };
  });
  const power = Math.floor(Math.log2(count));
  const head = Buffer.alloc(12 + 16 * count);
  woff.copy(head, 0, 4, 8);
  [count, 16 * 2 ** power, power, 16 * (count - 2 ** power)].forEach((value, at) => head.writeUInt16BE(value, 4 + 2 * at));
  let place = head.length;
  tables.forEach(({ tag, sum, length, data }, at) => {
    const entry = 12 + 16 * at;
    tag.copy(head, entry);
    sum.copy(head, entry + 4);
    head.writeUInt32BE(place, entry + 8);
    head.writeUInt32BE(length, entry + 12);
    place += data.length + (-data.length & 3);
  });
  return Buffer.concat([head, ...tables.flatMap(({ data }) => [data, Buffer.alloc(-data.length & 3)])]);
}

async function keepFile(name, content) {
  const { name: stem, ext } = path.parse(name);
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
  manifest[name] = `${stem}-${hash}${ext}`;
  await writeFile(path.join(out, manifest[name]), content);
}

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await bundle(["css/app.css", "css/builder.css"], { plugins: [onlyWhatWeUse] });
await bundle(["js/theme.js"], { format: "iife" });
await bundle(["js/app.js"], { format: "esm", splitting: true });
await sprite();
await paperFonts();
await keepFile("logo.svg", await readFile(path.join(here, "logo.svg")));
await writeFile(path.join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);

// Compressed once, as small as it goes, beside the plain file: the server picks what the browser takes.
for (const name of await readdir(out)) {
  if (!/\.(css|js|svg)$/.test(name)) continue;
  const content = await readFile(path.join(out, name));
  await writeFile(path.join(out, `${name}.br`), brotliCompressSync(content));
  await writeFile(path.join(out, `${name}.gz`), gzipSync(content, { level: 9 }));
}

// Every page loads these: they stay small.
const MOST = 120 * 1024;
const always = ["app.css", "theme.js", "app.js", "icons.svg"];
const sizes = await Promise.all(always.map(async (name) => gzipSync(await readFile(path.join(out, manifest[name]))).length));
const total = sizes.reduce((sum, size) => sum + size, 0);
console.log(always.map((name, i) => `${name} ${(sizes[i] / 1024).toFixed(1)}`).join(" · "), `· ${(total / 1024).toFixed(1)} KB gzip`);
if (total > MOST) throw new Error(`An ordinary page loads ${total} bytes, more than ${MOST}.`);
