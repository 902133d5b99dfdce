import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that goes with its owner, or with the process where the owner is forgotten. */
export interface OwnFolder {
  readonly path: string;
  remove(): Promise<void>;
}

export async function ownFolder(): Promise<OwnFolder> {
  const path = await mkdtemp(join(tmpdir(), "pintle-cluster-"));
  const removeNow = () => rmSync(path, { recursive: true, force: true });
  process.once("exit", removeNow);
  return {
    path,
    remove: async () => {
      process.off("exit", removeNow);
      removeNow();
    },
  };
}
