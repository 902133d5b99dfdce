import { basename } from "node:path";
import type { LogFile } from "./sources.ts";

/** `<attempt>.log`, and `<attempt>.log.2`, `.1` which it went on from. */
export const liveLogName = /^(\d{1,9})\.log(?:\.([1-9]\d{0,5}))?$/;

/** What is kept: as it was, with its inode in its name, or compressed, with the time of its last line and the inode that it
 *  had: two may end in one millisecond. */
export const keptLogName = /^(\d{1,9})\.log\.(?:i\d{1,20}|\d{1,16}(?:-\d{1,20})?\.gz)$/;

export const keptName = (attempt: number, ino: number): string => `${attempt}.log.i${ino}`;

/** What a container's log is called once it is compressed. Undefined for others' logs, which are not. */
export function compressedName({
  path,
  modifiedMs,
  ino,
}: Pick<LogFile, "path" | "modifiedMs" | "ino">): string | undefined {
  const attempt = /^(\d{1,9})\.log(?:\.i?\d{1,20})?$/.exec(basename(path))?.[1];
  return attempt === undefined ? undefined : `${attempt}.log.${Math.floor(modifiedMs)}-${ino}.gz`;
}
