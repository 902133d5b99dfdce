// The documentation's site, of docs/: installs what builds it where that is missing or old, then builds or serves.
//   npm run docs          # to docs/.vitepress/dist; a warning or a dead link fails
//   npm run docs:dev      # serve, and follow changes
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

const docs = join(import.meta.dirname, "../docs");
const [command = "build", ...rest] = process.argv.slice(2);

const lock = join(docs, "package-lock.json");
const installed = join(docs, "node_modules/.package-lock.json");
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  const words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"];
  const { status } = spawnSync("npm", words, { cwd: docs, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

const isBuild = command === "build";
const { status, stdout, stderr } = spawnSync(
  process.execPath,
  [join(docs, "node_modules/vitepress/bin/vitepress.js"), command, docs, ...rest],
  { stdio: isBuild ? ["ignore", "pipe", "pipe"] : "inherit", encoding: "utf8", maxBuffer: 2 ** 26 },
);
if (status !== 0) {
  process.stderr.write(`${stdout ?? ""}${stderr ?? ""}`);
  process.exit(status ?? 1);
}
if (isBuild) {
  const warnings = `${stdout}\n${stderr}`
    .split("\n")
    .filter((line) => /warn|\(!\)|could not|not found/i.test(line));
  if (warnings.length > 0) {
    process.stderr.write(`${stdout}${stderr}\ndocs: the build has warnings\n`);
    process.exit(1);
  }
  console.log("docs: built to docs/.vitepress/dist");
}
