import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";
import type { Pod } from "../../client/types.ts";
import { placeStaticPod, type ReadManifest } from "./static-pod.ts";

export const manifestLimits = { fileBytesMax: 10 * 1024 * 1024, filesMax: 1_000 } as const;

/** What a file asks for, or why it asks for nothing. */
export type Manifest =
  | { readonly file: string; readonly pod: Pod }
  | { readonly file: string; readonly problem: string };

export interface ManifestReader {
  readonly nodeName: string;
  readonly read: ReadManifest;
}

/** What the file says, or those in the folder do that do not begin with a dot, in the order of their names; nothing where the path
 *  is not there. Folders within are passed over. */
export async function readManifests(path: string, reader: ManifestReader): Promise<readonly Manifest[]> {
  const found = await ifPresent(stat(path));
  if (found === undefined) return [];
  const files = found.isDirectory()
    ? (await readdir(path)).filter((name) => !name.startsWith(".")).sort()
    : [undefined];
  const manifests: Manifest[] = [];
  const names = new Map<string, string>();
  for (const name of files) {
    const file = name === undefined ? path : join(path, name);
    if (manifests.length === manifestLimits.filesMax) {
      manifests.push({ file, problem: `more than ${manifestLimits.filesMax} files are not read` });
      break;
    }
    const manifest = await readManifest(file, reader);
    if (manifest === undefined) continue;
    manifests.push("pod" in manifest ? unlessTaken(manifest, names) : manifest);
  }
  return manifests;
}

/** The first file of a name has it. */
function unlessTaken(manifest: Manifest & { readonly pod: Pod }, names: Map<string, string>): Manifest {
  const { file, pod } = manifest;
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  const other = names.get(name);
  if (other !== undefined) return { file, problem: `pod ${name} is that of ${other} already` };
  names.set(name, file);
  return manifest;
}

async function readManifest(file: string, { nodeName, read }: ManifestReader): Promise<Manifest | undefined> {
  try {
    const text = await textOf(file);
    if (text === undefined) return undefined;
    return { file, pod: read(text, (pod) => placeStaticPod(pod, { nodeName, file })) };
  } catch (error) {
    return { file, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Undefined where it is a folder, or gone by now. */
async function textOf(file: string): Promise<string | undefined> {
  // First, as opening a pipe may wait for somebody to write.
  const kind = await ifPresent(stat(file));
  if (kind === undefined || kind.isDirectory()) return undefined;
  if (!kind.isFile()) throw new Error("it is not a regular file");
  if (kind.size > manifestLimits.fileBytesMax)
    throw new Error(`it is larger than ${manifestLimits.fileBytesMax} bytes`);
  const handle = await ifPresent(open(file, "r"));
  if (handle === undefined) return undefined;
  try {
    const bytes = Buffer.alloc(kind.size);
    const { bytesRead } = await handle.read(bytes, 0, kind.size, 0);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}
