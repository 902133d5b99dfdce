// Writes the manual's pages, one a command, to dist/man. Their date is today's, or $SOURCE_DATE_EPOCH's.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { allCommands } from "./reference/all-commands.ts";
import { manName, manOverview, manPage } from "./reference/man-page.ts";

const root = join(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
const { SOURCE_DATE_EPOCH: seconds } = process.env;
const date = new Date(seconds === undefined ? Date.now() : Number(seconds) * 1000).toISOString().slice(0, 10);
const folder = join(root, "dist/man");
const all = await allCommands();

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "pintle.1"), manOverview(all, { version, date }));
for (const one of all)
  writeFileSync(join(folder, `${manName(one.row.name)}.1`), manPage(one, all, { version, date }));
console.log(`wrote ${all.length + 1} pages to dist/man`);
