import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";

const beginningBytes = 1024;
const newline = 0x0a;

/** What tells a file from every other, whatever its name is: stream, inode, and how it begins. Undefined until its first line
 *  is whole, or long enough.
 *  @param isFinal Nothing more will be written to it. */
export async function fileIdentity(
  handle: FileHandle,
  about: { readonly key: string; readonly inode: number; readonly isFinal: boolean },
): Promise<string | undefined> {
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(beginningBytes), 0, beginningBytes, 0);
  const bytes = buffer.subarray(0, bytesRead);
  const end = bytes.indexOf(newline) + 1;
  if (end === 0 && bytesRead < beginningBytes && !(about.isFinal && bytesRead > 0)) return undefined;
  const hash = createHash("sha256").update(`${about.key}\n${about.inode}\n`);
  return hash
    .update(end === 0 ? bytes : bytes.subarray(0, end))
    .digest("base64url")
    .slice(0, 22);
}
