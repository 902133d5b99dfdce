import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../base/os/free-ports.ts";
import { etcdMissing } from "./etcd-processes.ts";

const page = new URL("../../docs/how-to/operating-the-store.md", import.meta.url);
const program = fileURLToPath(new URL("../../bin/pintle", import.meta.url));
const readyLine = /ready to serve client requests|serving (insecure )?client requests on/;

/** The page's commands, section by section. */
function sections(text: string): { readonly title: string; readonly commands: readonly string[] }[] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((section) => ({
      title: section.split("\n")[0] ?? "",
      commands: [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) =>
        block.trim().split("\n"),
      ),
    }));
}

/** Runs the page's lines as a shell would: those that end with `&` are servers, which are waited for until they serve. */
class Shell {
  readonly #env: Record<string, string | undefined>;
  readonly #folder: string;
  readonly #servers = new Map<string, ChildProcess>();
  #last: ChildProcess | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    // Members that have known each other for less than five seconds take no new one otherwise; nobody waits for that here.
    const env = { ETCD_STRICT_RECONFIG_CHECK: "false" };
    this.#env = { ...env, PATH: `${join(folder, "bin")}:${process.env.PATH}` };
  }

  async run(line: string): Promise<void> {
    const variable = /^export (\w+)=(.*)$/.exec(line);
    if (variable !== null) this.#env[variable[1] ?? ""] = (variable[2] ?? "").replace(/^"(.*)"$/, "$1");
    else if (line.endsWith(" &")) await this.#serve(line.slice(0, -2));
    else if (/^[A-Z]=\$!$/.test(line)) this.#servers.set(line[0] ?? "", this.#last ?? assert.fail(line));
    else if (line.startsWith("kill "))
      await this.#stop(/^kill "\$([A-Z])" && wait "\$\1"$/.exec(line)?.[1] ?? assert.fail(line));
    else await this.#finish(line);
  }

  async stopAll(): Promise<void> {
    for (const name of [...this.#servers.keys()]) await this.#stop(name);
  }

  async #serve(line: string): Promise<void> {
    const child = spawn("bash", ["-c", `exec ${line}`], { cwd: this.#folder, env: this.#env });
    this.#last = child;
    let output = "";
    await new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr])
        createInterface({ input: stream }).on("line", (text) => {
          output += `${text}\n`;
          if (readyLine.test(text)) resolve();
        });
      child.once("exit", () => reject(new Error(`${line}\n${output}`)));
    });
  }

  async #stop(name: string): Promise<void> {
    const child = this.#servers.get(name) ?? assert.fail(`no server ${name}`);
    this.#servers.delete(name);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
  }

  #finish(line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      execFile(
        "bash",
        ["-euo", "pipefail", "-c", line],
        { cwd: this.#folder, env: this.#env },
        (error, stdout, stderr) =>
          error === null ? resolve() : reject(new Error(`${line}\n${stdout}${stderr}`)),
      );
    });
  }
}

describe("the operator's page has commands that do what it says", function () {
  this.timeout(300_000);
  let folder = "";
  let shell: Shell;
  /** The page's addresses and folders, and ours in their place. */
  const places = new Map<string, string>();
  // At once: a port of ours may begin as one of the page's does.
  const placed = (command: string) =>
    command.replaceAll(/127\.0\.0\.1:\d+|\/var\/lib\//g, (shown) => places.get(shown) ?? shown);
  const text = readFileSync(page, "utf8");
  before(async function () {
    if (etcdMissing) return this.skip();
    folder = await mkdtemp(join(tmpdir(), "pintle-operating-"));
    await mkdir(join(folder, "bin"));
    await symlink(program, join(folder, "bin", "pintle"));
    const shown = [...new Set(text.match(/127\.0\.0\.1:\d+/g))];
    const ports = await freePorts(shown.length);
    for (const [at, address] of shown.entries()) places.set(address, `127.0.0.1:${ports[at]}`);
    places.set("/var/lib/", `${folder}/`);
    shell = new Shell(folder);
  });
  after(async () => {
    await shell?.stopAll();
    await rm(folder, { recursive: true, force: true });
  });

  // Each goes on from where the one before it ended.
  for (const { title, commands } of sections(text)) {
    it(title, async () => {
      assert.ok(commands.length > 0);
      for (const command of commands) await shell.run(placed(command));
    });
  }
});
