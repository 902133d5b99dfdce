import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { makeFolder } from "../../../base/os/make-folder.ts";

export const digestOf = (bytes: Buffer) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

export function layerTar(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const archive = pack();
  for (const [name, text] of Object.entries(files)) archive.entry({ name, mtime: new Date(0) }, text);
  archive.finalize();
  return buffer(archive);
}

/** What `docker save` writes, as a folder: an image of a layer for each list of files. Answers the image's id. */
export async function dockerFolder(
  folder: string,
  name: string,
  layers: readonly Readonly<Record<string, string>>[],
): Promise<string> {
  await makeFolder(folder);
  const packed = await Promise.all(layers.map(layerTar));
  const config = Buffer.from(
    JSON.stringify({
      config: { Cmd: ["/run"] },
      rootfs: { type: "layers", diff_ids: packed.map(digestOf) },
    }),
  );
  await writeFile(join(folder, "config.json"), config);
  for (const [at, bytes] of packed.entries()) await writeFile(join(folder, `${at}.tar`), bytes);
  const Layers = packed.map((_, at) => `${at}.tar`);
  await writeFile(
    join(folder, "manifest.json"),
    JSON.stringify([{ Config: "config.json", RepoTags: [name], Layers }]),
  );
  return digestOf(config);
}
