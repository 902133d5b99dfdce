// The house's own rules, those that linters do not know. Lists every offence and exits 1 if there is any.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

const product = [
  "base",
  "proto",
  "store",
  "client",
  "controlplane",
  "agent",
  "cluster",
  "shipping",
  "cli",
  "lib",
  "bench",
  "test",
  "examples",
];
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file.endsWith(".ts") && product.includes(file.split("/")[0]) && existsSync(file));
const offences = [];
const linesMost = 500;
const commentCharsMost = 132;
const isMade = (text) => text.startsWith("// Made by `npm run models`");
const isTest = (file) => /\.test\.ts$|\/testing(\/|\.ts$)|^test\//.test(file);

for (const file of files) {
  const text = readFileSync(file, "utf8");
  const lines = text.split("\n").length;
  const say = (what) => offences.push(`${file}: ${what}`);
  if (lines > linesMost && !isMade(text)) say(`${lines} lines; the limit is ${linesMost}: one idea a file`);
  if (/(^|[/-])(utils?|helpers?|common|misc)(\.|\/|-)/.test(file))
    say("name a file for what it holds, not util, helper, common or misc");
  if (/\.only\(/.test(text) && isTest(file)) say("a test is marked .only");
  for (const [first] of text.matchAll(/\/\*\*(?:[^*]|\*(?!\/))*\*\/(?=\n *\/\*\*)/g))
    say(`a comment stands before another comment, not before what it is about: ${first.slice(0, 60)}…`);
  for (const [index, line] of text.split("\n").entries())
    if (line.length > commentCharsMost && !isMade(text) && /^\s*(\/\*\*|\*|\/\/)/.test(line))
      offences.push(
        `${file}:${index + 1}: a comment of ${line.length} characters; a line has ${commentCharsMost}`,
      );
  if (isTest(file)) continue;
  for (const [index, line] of text.split("\n").entries()) {
    const at = (what) => offences.push(`${file}:${index + 1}: ${what}`);
    if (/\bMath\.random\(/.test(line)) at("Math.random: take a Random");
    if (/\bmkdir\(.*recursive: true/.test(line) && /^(agent|base|cli|cluster)\/(?!.*suite\.ts)/.test(file))
      at("recursive mkdir never ends below /proc: take makeFolder");
    if (/\b(TODO|FIXME|XXX)\b/.test(line)) at("left standing");
    if (/catch\s*(\([^)]*\))?\s*\{\s*\}/.test(line)) at("an error is swallowed");
    if (/\.(catch|then)\(\(\)\s*=>\s*(\{\s*\}|undefined|null)\s*\)/.test(line) && !/\/\//.test(line))
      at("an error is swallowed without a word why");
    if (file.startsWith("store/raft/") && /\bDate\b|setTimeout|node:(fs|net|os|crypto)/.test(line))
      at("raft is pure: no clock, no IO");
  }
}
for (const folder of new Set(files.map(dirname))) {
  if (
    /\/(testing|testdata)(\/|$)/.test(`${folder}/`) ||
    folder.split("/").length > 2 ||
    isTest(`${folder}/x.ts`)
  )
    continue;
  if (!existsSync(`${folder}/README.md`)) offences.push(`${folder}: no README.md`);
}
if (offences.length > 0) {
  console.error(offences.join("\n"));
  console.error(`tidy: ${offences.length} offences in ${files.length} files`);
  process.exit(1);
}
console.log(`tidy: ${files.length} files are in order`);
