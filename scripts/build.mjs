// Bundles the command into dist/ so that it starts fast; `bin/pintle` and `bin/etcd` run it, or the sources where they are newer.
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const out = join(root, "dist");
const startedMs = performance.now();

rmSync(join(out, "cli"), { recursive: true, force: true });
const schema = join(root, "scripts/build-schema.mjs");
if (existsSync(schema)) {
  const { buildSchema } = await import(pathToFileURL(schema).href);
  await buildSchema({ out });
}
await build({
  absWorkingDir: root,
  entryPoints: {
    main: "cli/main.ts",
    etcd: "cli/etcd.ts",
    "store-thread": "cli/store-thread.ts",
    "password-worker": "store/auth/password-worker.ts",
    "serving-worker": "agent/ingress/serving-worker.ts",
    "unpack-worker": "agent/images/layers/unpack-worker.ts",
  },
  outdir: join(out, "cli"),
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: true,
  legalComments: "none",
  // Native modules are loaded from node_modules.
  external: ["classic-level", "bufferutil", "utf-8-validate", "@swc/*", "typescript"],
  // Bundled CommonJS packages still call require().
  banner: {
    js: 'import { createRequire as pintleRequire } from "node:module"; const require = pintleRequire(import.meta.url);',
  },
  logLevel: "warning",
});
console.log(`built dist/ in ${Math.round(performance.now() - startedMs)} ms`);
