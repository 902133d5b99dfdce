import { readFileSync } from "node:fs";
import { join } from "node:path";
import { allCommands } from "./all-commands.ts";
import { causesPage } from "./causes-page.ts";
import { commandsPage } from "./commands-page.ts";
import { errorsPage } from "./errors-page.ts";
import { gatesPage } from "./gates-page.ts";
import { kindsPage } from "./kinds-page.ts";

export const referenceFolder = join(import.meta.dirname, "../../docs/reference");

/** The pages that programs write, by the names of their files. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ["causes.md", causesPage()],
    ["commands.md", commandsPage(await allCommands())],
    ["errors.md", errorsPage()],
    ["feature-gates.md", gatesPage()],
    ["kinds.md", kindsPage(readFileSync(join(referenceFolder, "fields.md"), "utf8"))],
  ]);
}
