// Bundles what the package holds into dist/: the command (dist/cli; `bin/pintle` and `bin/etcd` run it, or the sources where nothing
// was built) and what others import (dist/lib as modules, dist/cjs the same for require()). Command and library share their chunks.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { buildDashboard } from "./build-dashboard.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const out = join(root, "dist");
const startedMs = performance.now();

for (const folder of ["cli", "lib", "cjs", "dashboard"])
  rmSync(join(out, folder), { recursive: true, force: true });
const schema = join(root, "scripts/build-schema.mjs");
if (existsSync(schema)) {
  const { buildSchema } = await import(pathToFileURL(schema).href);
  await buildSchema({ out });
}

/** Bundled CommonJS packages still call require(). */
const banner =
  'import { createRequire as pintleRequire } from "node:module"; const require = pintleRequire(import.meta.url);\n';
const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20",
  legalComments: "none",
  // Names stay as they are: traces of the stack and profiles tell them. Lines stay short, as Node shows the one that threw.
  minifyWhitespace: true,
  lineLimit: 160,
  logLevel: "warning",
  // Native modules are loaded from node_modules.
  external: ["classic-level", "bufferutil", "utf-8-validate", "@swc/*", "typescript", "react-devtools-core"],
};
const libraries = ["index", "store", "etcd", "client"];

const { metafile } = await build({
  ...shared,
  entryPoints: {
    "cli/main": "cli/main.ts",
    "cli/etcd": "cli/etcd.ts",
    "cli/store-thread": "cli/store-thread.ts",
    "cli/password-worker": "store/auth/password-worker.ts",
    "cli/serving-worker": "agent/ingress/serving-worker.ts",
    "cli/search-worker": "agent/logs/search-worker.ts",
    "cli/unpack-worker": "agent/images/layers/unpack-worker.ts",
    ...Object.fromEntries(libraries.map((name) => [`lib/${name}`, `lib/${name}.ts`])),
  },
  outdir: out,
  // React has two builds of itself, and takes one by this.
  define: { "process.env.NODE_ENV": '"production"' },
  chunkNames: "cli/[name]-[hash]",
  splitting: true,
  format: "esm",
  banner: { js: banner },
  metafile: true,
});

await build({
  ...shared,
  entryPoints: Object.fromEntries(
    [...reachable(libraries.map((name) => `dist/lib/${name}.js`))].map((file) => [nameOf(file), file]),
  ),
  outdir: join(out, "cjs"),
  outExtension: { ".js": ".cjs" },
  format: "cjs",
  // Runners that load CommonJS in a context of their own, as jest does, have no import().
  supported: { "dynamic-import": false },
  banner: { js: 'const pintleUrl = require("node:url").pathToFileURL(__filename).href;' },
  define: { "import.meta.url": "pintleUrl" },
  plugins: [{ name: "chunk by chunk", setup: keepChunks }],
});
const pages = await buildDashboard({ root, out });
writeFileSync(join(out, "LICENSES.txt"), licences());
// What `npm run size` weighs.
writeFileSync(join(out, "meta.json"), JSON.stringify(metafile));
console.log(`built dist/ in ${Math.round(performance.now() - startedMs)} ms`);

/** The given outputs and all that they load. */
function reachable(outputs) {
  const found = new Set(outputs);
  for (const file of found)
    for (const { path, external } of metafile.outputs[file].imports) if (!external) found.add(path);
  return found;
}

function nameOf(file) {
  return /([^/]+)\.js$/.exec(file)[1];
}

/** Each chunk of the modules becomes one of CommonJS. */
function keepChunks({ onResolve, onLoad }) {
  onResolve({ filter: /^\.\.?\// }, ({ path, kind }) =>
    kind === "entry-point" ? undefined : { path: `./${nameOf(path)}.cjs`, external: true },
  );
  onLoad({ filter: /dist\/(cli|lib)\/[^/]+\.js$/ }, async ({ path }) => {
    const text = await readFile(path, "utf8");
    return { contents: text.replace(banner.trim(), ""), loader: "js" };
  });
}

/** The terms of every package of which something is in the bundle or in the declarations. */
function licences() {
  const folders = new Set(["node_modules/@kubernetes/client-node"]);
  for (const input of [...Object.keys(metafile.inputs), ...Object.keys(pages.inputs)]) {
    const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
    if (folder !== undefined) folders.add(folder);
  }
  const parts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    const files = readdirSync(join(root, folder)).filter((file) =>
      /^(licen[cs]e|copying|notice)/i.test(file),
    );
    const texts = files.map((file) => readFileSync(join(root, folder, file), "utf8").trim());
    return [`${name} ${version} (${license})`, ...texts].join("\n\n");
  });
  const line = `\n\n${"-".repeat(100)}\n\n`;
  return `Pintle contains parts of these packages, on these terms.${line}${parts.join(line)}\n`;
}
