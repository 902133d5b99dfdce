import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Page, PageBlock } from "./page-blocks.ts";

const root = join(import.meta.dirname, "../..");

/** A program of a page's blocks, each on the line that it has on the page. */
export interface PageProgram {
  readonly page: Page;
  /** The last of its blocks, with the output of all. */
  readonly block: PageBlock;
  readonly text: string;
  /** Below the folder of all pages' programs. */
  readonly file: string;
}

/** What a page's programs are: its blocks of TypeScript, those that go on joined to the ones that they go on from. */
export function programsOf(page: Page): readonly PageProgram[] {
  const programs: PageProgram[] = [];
  const folder = folderOf(page);
  for (const block of page.blocks) {
    if (block.language !== "ts") continue;
    const before = block.continues ? programs.pop() : undefined;
    if (block.continues && before === undefined)
      throw new Error(`${page.path}:${block.line}: no program before goes on here`);
    const above = before?.text ?? "";
    const text = `${above}${"\n".repeat(block.line - above.split("\n").length + 1)}${block.text}`;
    const file = join(folder, before?.file.slice(folder.length + 1) ?? block.file ?? `line-${block.line}.ts`);
    const outputs = [before?.block.output, block.output].filter((output) => output !== undefined);
    const joined = outputs.length === 0 ? {} : { output: outputs.join("\n") };
    programs.push({ page, block: { ...before?.block, ...block, ...joined }, text, file });
  }
  return programs;
}

/** The folder of a page's files. */
export const folderOf = (page: Page): string =>
  page.path
    .replace(/^docs\/|\.md$/g, "")
    .replaceAll("/", "-")
    .toLowerCase();

/** Makes a project of programs that import Pintle by its package's names: checked against the sources here, and run with what
 *  is built of them. */
export function writeProject(folder: string, programs: readonly PageProgram[]): void {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/pintle"));
  for (const name of readdirSync(join(root, "node_modules")))
    if (!name.startsWith("."))
      symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const settings = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: {
      noUnusedLocals: false,
      paths: {
        pintle: [join(root, "lib/index.ts")],
        "pintle/*": [join(root, "lib/*.ts")],
      },
      typeRoots: [join(root, "node_modules/@types")],
    },
    include: programs.map(({ file }) => file),
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
  for (const { file, text } of programs) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `${text}\n`);
  }
}

/** What the compiler says of the programs in a folder; nothing if they are well. A place's line is the page's. */
export function typeFaults(folder: string): Promise<string> {
  const compiler = join(root, "node_modules/typescript7/bin/tsc");
  return new Promise((resolve) => {
    execFile(process.execPath, [compiler, "-p", folder], { cwd: folder, maxBuffer: 2 ** 24 }, (_, out, err) =>
      resolve(`${out}${err}`),
    );
  });
}

/** How the shell starts a program of a page. */
export function startLine(folder: string, { file, block }: PageProgram): string {
  const by =
    block.runner === "mocha" ? `'${join(root, "node_modules/mocha/bin/mocha.js")}' --exit --timeout 0` : "";
  return `TSX_TSCONFIG_PATH='${join(root, "tsconfig.json")}' node --import '${tsx}' ${by} '${join(folder, file)}'`;
}

const tsx = import.meta.resolve("tsx");
