import { createHash } from "node:crypto";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { createServer } from "node:net";
import type { Disk } from "../base/os/disk.ts";

/** Keeps a second member off a data directory for as long as this process lives, however it ends. Node cannot lock files,
 *  so the lock is a Unix socket in Linux' abstract namespace, which the kernel takes back with the process; elsewhere
 *  there is none. Rejects when another process holds it. Answers how to release it. */
export async function lockDataDir(dataDir: string, disk: Disk): Promise<() => Promise<void>> {
  await disk.makeFolder(dataDir);
  if (process.platform !== "linux") return async () => undefined;
  const name = createHash("sha256").update(realpathSync(dataDir)).digest("hex");
  const server = createServer((socket) => socket.destroy());
  server.listen(`\0pintle-store-${name}`);
  try {
    await once(server, "listening");
  } catch (cause) {
    const taken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
    if (!taken) throw cause;
    const remedy = "stop that process or choose another directory";
    throw new Error(`--data-dir: ${dataDir} is in use by another member; ${remedy}`, { cause });
  }
  server.unref();
  return async () => {
    server.close();
    await once(server, "close");
  };
}
