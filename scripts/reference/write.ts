// Writes the pages of docs/reference that are made of the sources. With --check nothing is written: exits 1 where one is not
// what the sources say, or a page of the manual is not among those that package.json installs.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { allCommands } from "./all-commands.ts";
import { manFiles } from "./man-page.ts";
import { referenceFolder, referencePages } from "./pages.ts";

const pages = await referencePages();
if (process.argv.includes("--check")) {
  const stale = [...pages].filter(
    ([name, text]) => readFileSync(join(referenceFolder, name), "utf8") !== text,
  );
  for (const [name] of stale)
    console.error(`docs/reference/${name} is not what the sources say: npm run reference`);
  const { man } = JSON.parse(readFileSync(join(referenceFolder, "../../package.json"), "utf8"));
  const wanted = manFiles(await allCommands());
  const isListed = JSON.stringify(man) === JSON.stringify(wanted);
  if (!isListed) console.error(`package.json: "man" has to be ${JSON.stringify(wanted)}`);
  if (stale.length > 0 || !isListed) process.exit(1);
  console.log(`reference: ${pages.size} pages are what the sources say`);
} else
  for (const [name, text] of pages) {
    writeFileSync(join(referenceFolder, name), text);
    console.log(`wrote docs/reference/${name}`);
  }
