import { closeSync, constants, fstatSync, openSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BlockFile } from "./blocks.ts";
import { gzipBlocks, readGzip } from "./gzip-blocks.ts";
import { compressedName } from "./log-names.ts";
import { plainBlocks, readPlain } from "./plain-blocks.ts";
import { recordFormats } from "./record.ts";
import type { LogFile, LogSource } from "./sources.ts";

/** Opens a file of a log, under whichever name it has by now. Undefined: it is gone.
 *  @param elsewhere Folders that it may have been moved to. */
export function openBlocks(
  file: LogFile,
  format: LogSource["format"],
  elsewhere: readonly string[],
): BlockFile | undefined {
  const same = openFile(file, elsewhere);
  const fd = same ?? openCompressed(file, elsewhere);
  if (fd === undefined) return undefined;
  try {
    const { size } = fstatSync(fd);
    const isCompressed = file.isCompressed || same === undefined;
    const blocks = isCompressed
      ? gzipBlocks(fd, size)
      : plainBlocks(fd, size, recordFormats[format], file.modifiedMs * 1000);
    const read = isCompressed ? readGzip : readPlain;
    return { blocks, read: (block) => read(fd, block), close: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The file itself, whatever it is called by now. */
export function openFile(file: LogFile, elsewhere: readonly string[]): number | undefined {
  const direct = openIf(file.path, file.ino);
  if (direct !== undefined) return direct;
  for (const folder of [dirname(file.path), ...elsewhere])
    for (const name of namesIn(folder)) {
      // The inode of a file that is gone may be another's by now, as that of what was compressed.
      if (name.endsWith(".gz") !== file.isCompressed) continue;
      const fd = openIf(join(folder, name), file.ino);
      if (fd !== undefined) return fd;
    }
  return undefined;
}

/** What became of it when it was kept. */
function openCompressed(file: LogFile, elsewhere: readonly string[]): number | undefined {
  const name = compressedName(file);
  if (name === undefined) return undefined;
  for (const folder of [dirname(file.path), ...elsewhere]) {
    const fd = openIf(join(folder, name));
    if (fd !== undefined) return fd;
  }
  return undefined;
}

/** Never through a link, nor what is no file. */
function openIf(path: string, ino?: number): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  const about = fstatSync(fd);
  if (about.isFile() && (ino === undefined || about.ino === ino)) return fd;
  closeSync(fd);
  return undefined;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
