// Writes the declarations of what others import into dist/types: one file for each entry, for import (.d.ts) and for require()
// (.d.cts), and what all share, once (.d.cts, which either may import). They stand alone: nothing is left in them that refers to a
// package, but for Node's own modules.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const out = join(root, "dist/types");
export const entries = ["index", "store", "etcd", "client"];

/** Text of every file by its name, which ends in .d.ts, and what the bundler has to say against them. */
export async function declarations() {
  const complaints = [];
  const bundle = await rollup({
    input: Object.fromEntries(entries.map((name) => [name, join(root, `lib/${name}.ts`)])),
    external: (id) => /^node:/.test(id),
    plugins: [
      dts({
        tsconfig: join(root, "tsconfig.json"),
        includeExternal: ["prom-client"],
      }),
    ],
    onLog: (_level, { message }) => complaints.push(message),
  });
  const { output } = await bundle.generate({
    format: "es",
    entryFileNames: "[name].d.ts",
    chunkFileNames: "shared-[hash].d.ts",
  });
  await bundle.close();
  const files = new Map(output.map(({ fileName, code }) => [fileName, code]));
  for (const [name, text] of files)
    for (const [, from] of text.matchAll(/^(?:import|export) .*'([^']+)';$/gm))
      if (!/^(\.\/|node:)/.test(from))
        complaints.push(`${name} refers to ${from}, which users need not have`);
  return { files, complaints };
}

export function writeDeclarations(files) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  for (const [name, text] of files) {
    const common = text.replace(/^((?:import|export) .* from '\.\/[^']+)\.js';$/gm, "$1.cjs';");
    if (!name.startsWith("shared-")) writeFileSync(join(out, name), common);
    writeFileSync(join(out, name.replace(/\.ts$/, ".cts")), common);
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const startedMs = performance.now();
  const { files, complaints } = await declarations();
  for (const complaint of complaints) console.error(`types: ${complaint}`);
  writeDeclarations(files);
  console.log(`built dist/types/ in ${Math.round(performance.now() - startedMs)} ms`);
}
