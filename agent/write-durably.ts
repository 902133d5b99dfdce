import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Whole or not at all, also where the machine loses power. */
export async function writeDurably(file: string, text: string): Promise<void> {
  const next = await open(`${file}.new`, "w", 0o600);
  try {
    await next.writeFile(text);
    await next.sync();
  } finally {
    await next.close();
  }
  await rename(`${file}.new`, file);
  const folder = await open(dirname(file), "r");
  await folder.sync().finally(() => folder.close());
}
