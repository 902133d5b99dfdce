/** A fenced block of a page, and what is to be done with it. */
export interface PageBlock {
  /** The line of its opening fence; the page's first is 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** Why it is not run; it is listed instead. */
  readonly notRun?: string;
  /** It is written to the page's folder under this name, and not run by itself. */
  readonly file?: string;
  /** A program that goes on where the page's one before it ends. */
  readonly continues: boolean;
  /** Its last command has to fail. */
  readonly fails: boolean;
  /** Its commands are repeated until they print what is shown: the cluster takes its time. */
  readonly eventually: boolean;
  /** Programs are run by this and not alone: `mocha`. */
  readonly runner?: string;
  /** What it prints, as the page shows it in the block behind it. */
  readonly output?: string;
}

export interface Page {
  /** From the root: `docs/how-to/upgrade.md`. */
  readonly path: string;
  /** The test that runs its blocks in place of this folder's. */
  readonly runBy?: string;
  /** What it needs beside Node and bash: programs, or `containers`. */
  readonly needs: readonly string[];
  /** It starts clusters itself, and is given none. */
  readonly startsCluster: boolean;
  /** Ports that it names and listens on; free ones stand for them. */
  readonly ports: readonly number[];
  readonly blocks: readonly PageBlock[];
}

const flags = ["not-run", "file", "runner", "continues", "fails", "eventually", "output"];

/** Reads a page's frontmatter (`run-by`, `needs`, `ports`, `cluster: own`) and its blocks. Throws where a block breaks the rules of
 *  this folder's README, with its line. */
export function readPage(path: string, text: string): Page {
  const front = /^---\n([\s\S]*?)\n---\n/.exec(text)?.[1] ?? "";
  const setting = (name: string) => new RegExp(`^${name}: *(.+)$`, "m").exec(front)?.[1];
  const blocks: PageBlock[] = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1;
    const refuse = (why: string): never => {
      throw new Error(`${path}:${line}: ${why}`);
    };
    if (at > 0 && /^(?: {4}|\t)\S/.test(lines[at] ?? "") && lines[at - 1] === "")
      refuse("an indented block has no language: fence it");
    const opening = /^( *)(`{3,})(.*)$/.exec(lines[at] ?? "");
    if (opening === null) continue;
    const [, indent = "", fence = "", info = ""] = opening;
    const inside: string[] = [];
    for (at++; lines[at] !== indent + fence; at++) {
      if (at >= lines.length) refuse("the block does not end");
      inside.push((lines[at] ?? "").slice(indent.length));
    }
    const body = inside.join("\n");
    const [language = "", ...rest] = info.split(" ");
    if (language === "") refuse("the block has no language");
    const given = new Map<string, string>();
    for (const [, name = "", quoted, plain] of rest.join(" ").matchAll(/([\w-]+)(?:="([^"]*)"|=(\S+))?/g)) {
      if (!flags.includes(name)) refuse(`nobody knows what ${name} is of a block`);
      given.set(name, quoted ?? plain ?? "");
    }
    if (given.has("output")) {
      const printing = blocks.at(-1);
      if (printing === undefined || printing.output !== undefined) refuse("no block before prints this");
      else blocks[blocks.length - 1] = { ...printing, output: body };
      continue;
    }
    const [notRun, file, runner] = [given.get("not-run"), given.get("file"), given.get("runner")];
    if (file !== undefined && !wordsBefore(lines, line).includes(`\`${file}\``))
      refuse(`readers do not see what the fence says: name \`${file}\` in the words before it`);
    if (notRun === "") refuse("say why it is not run");
    if (!["ts", "sh", "yaml", "text"].includes(language) && notRun === undefined && file === undefined)
      refuse(`nobody runs ${language}: give it file=NAME, or not-run="why"`);
    blocks.push({
      line,
      language,
      text: body,
      ...(notRun === undefined ? {} : { notRun }),
      ...(file === undefined ? {} : { file }),
      ...(runner === undefined ? {} : { runner }),
      continues: given.has("continues"),
      fails: given.has("fails"),
      eventually: given.has("eventually"),
    });
  }
  const runBy = setting("run-by");
  return {
    path,
    ...(runBy === undefined ? {} : { runBy }),
    needs: setting("needs")?.split(/[ ,]+/) ?? [],
    ports: (setting("ports")?.split(/[ ,]+/) ?? []).map(Number),
    startsCluster: setting("cluster") === "own",
    blocks,
  };
}

/** The paragraph above a line of the page; its first is 1. */
function wordsBefore(lines: readonly string[], line: number): string {
  const above = lines
    .slice(0, line - 1)
    .join("\n")
    .trimEnd();
  return above.slice(above.lastIndexOf("\n\n") + 1);
}

/** Of a block of the shell: each command, and what the page says that it prints. */
export interface ShownCommand {
  readonly command: string;
  readonly output?: string;
}

/** A block with `$ ` is a session, whose other lines are output; one without is one script. */
export function commandsOf(block: PageBlock): readonly ShownCommand[] {
  if (!/^\$ /m.test(block.text))
    return [{ command: block.text, ...(block.output === undefined ? {} : { output: block.output }) }];
  const commands: { command: string; output?: string }[] = [];
  let isCommand = false;
  for (const line of block.text.split("\n")) {
    const last = commands.at(-1);
    if (line.startsWith("$ ")) commands.push({ command: line.slice(2) });
    else if (last === undefined) throw new Error(`line ${block.line}: output before the first command`);
    else if (isCommand) last.command += `\n${line.replace(/^> /, "")}`;
    else if (last.output !== undefined || line !== "")
      last.output = last.output === undefined ? line : `${last.output}\n${line}`;
    isCommand = (line.startsWith("$ ") || isCommand) && line.endsWith("\\");
  }
  return commands;
}
