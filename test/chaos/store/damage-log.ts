import { closeSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../../base/assert.ts";
import { below, type Random } from "../../../base/os/random.ts";

/** Turns over one bit of what a log holds, in its place, which a full disk takes too; answers where. */
export function damageLog(folder: string, random: Random): string {
  const name = must(
    readdirSync(folder).find((file) => file.endsWith(".wal")),
    "a log has a segment",
  );
  const path = join(folder, name);
  const bytes = readFileSync(path);
  const at = below(random, bytes.findLastIndex((byte) => byte !== 0) + 1);
  const turned = (bytes[at] as number) ^ (1 << below(random, 8));
  const file = openSync(path, "r+");
  try {
    writeSync(file, Uint8Array.of(turned), 0, 1, at);
  } finally {
    closeSync(file);
  }
  return `${name} at byte ${at}`;
}
