import { constants } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describeError } from "../../../base/os/log.ts";
import {
  addedPlugin,
  CniConfigError,
  type NetworkList,
  networkListOf,
  networkOfOne,
  withAdded,
} from "./network-list.ts";

/** The network that this agent is for a container runtime: its file comes before others', and is no network for the agent. */
export const ownNetwork = { name: "pintle-pods", file: "00-pintle-pods.conflist" } as const;

const folderLimits = { files: 256, fileBytes: 1024 * 1024 } as const;

export interface FoundNetwork {
  /** Undefined where no file has one. */
  readonly network: NetworkList | undefined;
  readonly file?: string;
  /** Files that were passed over, and why. */
  readonly faults: readonly string[];
}

/** The network of a folder: the first in the order of the files' names that can be read, as the kubelet chose it. */
export async function readNetwork(confDir: string): Promise<FoundNetwork> {
  const faults: string[] = [];
  for (const file of await filesIn(confDir, [".conf", ".conflist", ".json"])) {
    if (file === ownNetwork.file) continue;
    try {
      const text = await readBounded(join(confDir, file));
      if (!file.endsWith(".conflist")) return { network: networkOfOne(text), file, faults };
      const list = networkListOf(text);
      // A folder beside the file that has the network's name may hold further plugins.
      const added = list.loadOnlyInlinedPlugins ? [] : await addedPlugins(join(confDir, list.name));
      return { network: withAdded(list, added), file, faults };
    } catch (error) {
      if (!(error instanceof CniConfigError)) throw error;
      faults.push(`${file}: ${error.message}`);
    }
  }
  return { network: undefined, faults };
}

async function addedPlugins(folder: string) {
  const added = [];
  for (const file of await filesIn(folder, [".conf"]))
    added.push(addedPlugin(await readBounded(join(folder, file))));
  return added;
}

async function filesIn(folder: string, endings: readonly string[]): Promise<readonly string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return [];
    throw error;
  });
  const wanted = names.filter((name) => endings.some((ending) => name.endsWith(ending)));
  return wanted.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).slice(0, folderLimits.files);
}

/** Regular files only: nothing else ends. */
async function readBounded(path: string): Promise<string> {
  const failed = (error: unknown): never => {
    throw new CniConfigError(`cannot be read: ${describeError(error)}`);
  };
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(failed);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new CniConfigError("is no file");
    if (found.size > folderLimits.fileBytes)
      throw new CniConfigError(`is larger than ${folderLimits.fileBytes} bytes`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(found.size), 0, found.size, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}
