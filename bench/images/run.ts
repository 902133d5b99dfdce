import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createGzip } from "node:zlib";
import { flagHelp, parseFlags } from "../../base/os/flags.ts";
import { writeClusterState } from "../../cli/up/cluster-state.ts";
import { clusterLayout } from "../../cli/up/layout.ts";
import { asCommand } from "../as-command.ts";

const flags = {
  archive: {
    kind: "string",
    help: "an image's archive; by default one is made of this machine's own files",
    value: "FILE",
  },
  megabytes: { kind: "integer", default: 200, help: "of files in the image that is made" },
  nodes: { kind: "integer", default: 2, help: "that the image is imported into" },
  rounds: { kind: "integer", default: 3, help: "each into new nodes" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

const layersMade = 3;

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  if (given.help) return say(`npm run bench:images -- [flags]\n${flagHelp(flags)}`);
  const dir = await mkdtemp(join(tmpdir(), "pintle-bench-images-"));
  try {
    const archive = given.archive ?? (await madeArchive(dir, given.megabytes * 1e6));
    say(`${archive}: ${megabytes((await stat(archive)).size)} MB packed, into ${given.nodes} nodes`);
    for (let round = 1; round <= given.rounds; round++) {
      const folder = join(dir, `cluster-${round}`);
      const layout = clusterLayout(folder);
      await mkdir(folder);
      const plan = { replicas: 1, nodes: given.nodes, runtime: "oci", networkSlot: 0, ports: {} } as const;
      writeClusterState(layout, { version: 1, plan, supervisorPid: null, components: [] });
      const took = await timed(["bin/pintle", "image", "import", archive, "--data-dir", folder]);
      say(`round ${round}: ${took.seconds.toFixed(2)} s, of CPU ${took.cpuSeconds.toFixed(2)} s`);
    }
  } finally {
    // Not before: ext4 looks long for an inode that was not freed a moment ago.
    await rm(dir, { recursive: true, force: true });
  }
}

/** As `docker save` writes it, with layers packed with gzip. */
async function madeArchive(dir: string, bytesWanted: number): Promise<string> {
  const folder = join(dir, "image");
  await mkdir(folder);
  const files = await filesOf("/usr", bytesWanted);
  const contents: string[] = [];
  const each = Math.ceil(files.length / layersMade);
  for (let at = 0; at < layersMade; at++) {
    const tar = join(dir, "layer.tar");
    const list = join(dir, "list");
    await writeFile(list, files.slice(at * each, (at + 1) * each).join("\0"));
    await timed(["tar", "-C", "/", "--null", "--no-recursion", "-T", list, "-cf", tar]);
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(tar)) hash.update(chunk as Buffer);
    contents.push(`sha256:${hash.digest("hex")}`);
    await writeFile(join(folder, `${at}.tar`), createReadStream(tar).pipe(createGzip()));
  }
  const config = { config: { Cmd: ["/bin/sh"] }, rootfs: { type: "layers", diff_ids: contents } };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const Layers = contents.map((_, at) => `${at}.tar`);
  const manifest = [{ Config: "config.json", RepoTags: ["bench:1"], Layers }];
  await writeFile(join(folder, "manifest.json"), JSON.stringify(manifest));
  const archive = join(dir, "image.tar");
  await timed(["tar", "-C", folder, "-cf", archive, "."]);
  return archive;
}

/** Paths of regular files, in an order without meaning that is the same each time, until they hold so many bytes. */
async function filesOf(root: string, bytesWanted: number): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const order = (path: string) => createHash("md5").update(path).digest("hex");
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, order: order(path) }))
    .sort((a, b) => (a.order < b.order ? -1 : 1));
  const chosen: string[] = [];
  let bytes = 0;
  for (const { path } of paths) {
    if (bytes >= bytesWanted) break;
    bytes += (await stat(path)).size;
    chosen.push(path.slice(1));
  }
  return chosen;
}

/** bash tells what a process took of the CPU, which Node does not. */
async function timed(command: readonly string[]) {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@" >/dev/null';
  const child = spawn("bash", ["-c", script, "bash", ...command], { stdio: ["ignore", "inherit", "pipe"] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${said}`);
  const [seconds = 0, user = 0, system = 0] = (said.trim().split("\n").at(-1) ?? "").split(" ").map(Number);
  return { seconds, cpuSeconds: user + system };
}

const megabytes = (bytes: number): number => Math.round(bytes / 1e6);

await asCommand(main);
