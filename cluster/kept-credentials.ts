import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ifPresent } from "../base/os/if-present.ts";
import { makeFolder } from "../base/os/make-folder.ts";
import type { ClusterCredentials } from "./credentials.ts";

/** Those of a folder, made where it has none yet. Rejects where what is there are none. */
export async function keptCredentials(
  folder: string,
  make: () => Promise<ClusterCredentials>,
): Promise<ClusterCredentials> {
  const path = join(folder, "credentials.json");
  const kept = await ifPresent(readFile(path, "utf8"));
  if (kept !== undefined) return credentialsIn(kept, path);
  const made = await make();
  await makeFolder(folder, 0o700);
  // Whoever stops in the middle leaves none, not a part of them.
  await writeFile(`${path}.tmp`, JSON.stringify(made), { mode: 0o600 });
  await rename(`${path}.tmp`, path);
  return made;
}

function credentialsIn(text: string, path: string): ClusterCredentials {
  const read = parsed(text) as Partial<Record<string, Partial<Record<string, unknown>>>> | null | undefined;
  const parts = [
    ...[read?.authority, read?.server].flatMap((one) => [one?.certificatePem, one?.privateKeyPem]),
    ...[read?.accountKey?.privatePem, read?.accountKey?.publicPem],
  ];
  if (parts.every((one) => typeof one === "string" && one.startsWith("-----BEGIN ")))
    return read as unknown as ClusterCredentials;
  throw new Error(`${path} holds no credentials of a cluster: without the file new ones are made`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // told with what else is wrong
  }
}
