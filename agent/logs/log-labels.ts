import { constants } from "node:fs";
import { type FileHandle, link, open, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";

export type Labels = Readonly<Record<string, string>>;

/** What the API takes of labels is shorter. */
const bytesMost = 256 * 1024;

/** Beside the log of a container's run: `<attempt>.labels.json`. */
export const labelsPath = (folder: string, attempt: number): string => join(folder, `${attempt}.labels.json`);

/** Keeps a pod's labels as they are when the container starts. */
export async function writeLabels(folder: string, attempt: number, labels: Labels): Promise<void> {
  if (Object.keys(labels).length === 0) return;
  const path = labelsPath(folder, attempt);
  await writeFile(`${path}.new`, JSON.stringify(labels), { mode: 0o644 });
  await rename(`${path}.new`, path);
}

/** None where there is no such file, or it is torn. */
export async function readLabels(folder: string, attempt: number): Promise<Labels> {
  const file = await openPlain(labelsPath(folder, attempt));
  if (file === undefined) return {};
  try {
    const about = await file.stat();
    return !about.isFile() || about.size > bytesMost ? {} : labelsOf(await file.readFile("utf8"));
  } finally {
    await file.close();
  }
}

/** Never through a link, and without waiting for whoever writes to a pipe. */
async function openPlain(path: string): Promise<FileHandle | undefined> {
  try {
    return await ifPresent(open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ELOOP") return undefined;
    throw error;
  }
}

/** So that they outlive the folder of a pod that goes. */
export async function keepLabels(from: string, to: string, attempt: number): Promise<void> {
  try {
    await ifPresent(link(labelsPath(from, attempt), labelsPath(to, attempt)));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

function labelsOf(text: string): Labels {
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found !== "object" || found === null || Array.isArray(found)) return {};
    return Object.fromEntries(Object.entries(found).filter(([, value]) => typeof value === "string"));
  } catch {
    return {};
  }
}
