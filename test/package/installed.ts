import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { succeed } from "./programs.ts";

export const root = join(import.meta.dirname, "../..");
const examples = join(root, "examples/testing");
const quietly = ["--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"];
/** Outside CI a registry that does not answer is found out soon. */
const patience = process.env.CI ? [] : ["--fetch-retries=0", "--fetch-timeout=20000"];

/** The package as `npm pack` gives it, in folders outside of the repository. */
export interface Installed {
  /** All of them. */
  readonly folder: string;
  /** The projects of examples/testing, with their runners and the package. */
  readonly examples: string;
  readonly projects: readonly string[];
  /** The package in them. */
  readonly packed: string;
  readonly packedBytes: number;
  remove(): Promise<void>;
}

/** No registry answers, and npm has not kept what is needed. */
export class NoRegistryError extends Error {}

/** Packs and installs. Rejects with NoRegistryError where this machine cannot. */
export async function install(): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), "pintle-package-"));
  try {
    const { filename, size } = await pack(folder);
    const projects = join(folder, "examples");
    await cp(examples, projects, { recursive: true, filter: (path) => !path.includes("node_modules") });
    await rename(join(folder, filename), join(projects, "pintle.tgz"));
    await fromRegistry(["npm", "ci", ...quietly, ...patience], projects);
    const entries = await readdir(projects, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory() && entry.name !== "node_modules");
    return {
      folder,
      examples: projects,
      projects: names.map(({ name }) => name).sort(),
      packed: join(projects, "node_modules/pintle"),
      packedBytes: size,
      remove: () => rm(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Packs into a folder, as `npm ci && npm pack` in a clone would. */
export async function pack(folder: string): Promise<{ readonly filename: string; readonly size: number }> {
  await succeed(["npm", "run", "-s", "build:types"], { cwd: root });
  const words = ["npm", "pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const { stdout } = await succeed(words, { cwd: root });
  const [packed] = JSON.parse(stdout) as [{ filename: string; size: number }];
  return packed;
}

/** Of each line that Node's users are told to stay on, and the oldest that `engines` names. */
const releases: Readonly<Record<string, string>> = {
  "20": "20.20.2",
  "22": "22.23.5",
  "24": "24.22.3",
  oldest: "20.10.0",
};

/** The folder of a program `node` of this line, from the registry. */
export async function nodeFolder(line: string, { folder }: Installed): Promise<string> {
  const release = releases[line];
  if (release === undefined) throw new Error(`no release of Node ${line} is known`);
  const place = join(folder, `node-${line}`);
  await mkdir(place);
  await writeFile(join(place, "package.json"), "{}");
  const name = `node-${process.platform}-${process.arch}`;
  await fromRegistry(["npm", "install", "--no-save", ...quietly, ...patience, `${name}@${release}`], place);
  const bin = join(place, "node_modules", name, "bin");
  const { stdout } = await succeed([join(bin, "node"), "--version"], { cwd: place });
  if (stdout.trim() !== `v${release}`) throw new Error(`Node ${release} says that it is ${stdout}`);
  return bin;
}

async function fromRegistry(words: readonly string[], cwd: string): Promise<void> {
  try {
    await succeed(words, { cwd, limitMs: 300_000 });
  } catch (error) {
    const isAway = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ENOTCACHED/.test(String(error));
    throw isAway ? new NoRegistryError("the registry of npm does not answer", { cause: error }) : error;
  }
}

export async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, "utf8"));
}
