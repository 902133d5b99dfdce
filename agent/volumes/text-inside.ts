import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { describeError } from "../../base/os/log.ts";
import { ConfigError } from "../sync/environment.ts";
import { openInside } from "./open-inside.ts";

const bytesMost = 1024 * 1024;

/** The text of a regular file in a folder that containers may write to. Rejects with ConfigError where there is none, it is
 *  larger than a megabyte, or its path leads out of the folder. */
export async function textInside(folder: string, path: string): Promise<string> {
  const refused = (why: string) => new ConfigError(`couldn't parse env file: ${path} ${why}`);
  const found = await openInside(folder, path, false).catch((error: unknown) => {
    if (error instanceof ConfigError) throw refused(`cannot be opened: ${describeError(error)}`);
    throw error;
  });
  try {
    const about = await found.stat();
    // A pipe would keep the agent waiting for whoever is to write into it.
    if (!about.isFile()) throw refused("is not a file");
    if (about.size > bytesMost) throw refused("is larger than 1 MiB");
    const opened = await open(`/proc/self/fd/${found.fd}`, constants.O_RDONLY);
    try {
      const { buffer, bytesRead } = await opened.read(Buffer.alloc(about.size), 0, about.size, 0);
      return buffer.toString("utf8", 0, bytesRead);
    } finally {
      await opened.close();
    }
  } finally {
    await found.close();
  }
}
