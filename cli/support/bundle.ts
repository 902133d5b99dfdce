import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { pack } from "tar-stream";

/** A file of a bundle. */
export interface BundleFile {
  /** Below the bundle's own folder. */
  readonly path: string;
  readonly text: string;
}

export const bundleLimits = { fileBytes: 32 * 2 ** 20, allBytes: 512 * 2 ** 20 } as const;

/** Writes files as they come into a .tar.gz that only we may read; what is beyond a bound is cut, and says so. Resolves with how
 *  many there are.
 *  @param at When all of them were written, as the archive says it. */
export async function writeBundle(
  path: string,
  {
    folder,
    files,
    at,
  }: { readonly folder: string; readonly files: AsyncIterable<BundleFile>; readonly at: Date },
): Promise<{ readonly files: number; readonly bytes: number }> {
  const file = await open(path, "wx", 0o600);
  const archive = pack();
  const written = pipeline(archive, createGzip(), file.createWriteStream());
  written.catch(() => undefined); // told by the wait below, also where it fails before that
  let count = 0;
  let bytes = 0;
  try {
    for await (const { path: name, text } of files) {
      const whole = Buffer.from(text);
      const room = Math.min(bundleLimits.fileBytes, bundleLimits.allBytes - bytes);
      const content =
        whole.length <= room
          ? whole
          : Buffer.concat([whole.subarray(0, Math.max(0, room)), Buffer.from("\n(cut here)\n")]);
      await new Promise<void>((resolve, reject) => {
        archive.entry({ name: `${folder}/${name}`, mode: 0o600, mtime: at }, content, (error) =>
          error ? reject(error) : resolve(),
        );
      });
      count++;
      bytes += content.length;
    }
  } catch (error) {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
    await written.catch(() => undefined); // told by what is thrown here
    throw error;
  }
  archive.finalize();
  await written;
  return { files: count, bytes };
}
