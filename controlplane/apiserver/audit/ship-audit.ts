import { readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { ifPresent } from "../../../base/os/if-present.ts";
import type { Os, Running } from "../../../base/os/os.ts";
import type { ShippingConfig } from "../../../shipping/config/read-config.ts";
import { auditLines } from "../../../shipping/lines/audit-lines.ts";
import { startShipping } from "../../../shipping/start-shipping.ts";
import type { LogFiles } from "../../../shipping/tail/file-reader.ts";
import { tailedFiles } from "../../../shipping/tail/tailed-files.ts";

export interface AuditShipping {
  readonly config: ShippingConfig;
  /** Where the server's own events are written. */
  readonly path: string;
  /** Where they wait. */
  readonly folder: string;
}

/** Ships this server's audit log, over all files that it went through. */
export function shipAudit({ config, path, folder }: AuditShipping, os: Os): Promise<Running> {
  const list = async () => [await auditFiles(path)];
  return startShipping(
    {
      ...{ config, folder, component: "apiserver" },
      sources: ["audit"],
      formats: [auditLines],
      open: (about) => tailedFiles({ clock: os.clock, log: os.log, list }, about),
    },
    os,
  );
}

/** Those that gave way are called NAME-TIME.EXT (`log-file.ts`), and sort as their times do. */
async function auditFiles(path: string): Promise<LogFiles> {
  const folder = dirname(path);
  const extension = extname(path);
  const stem = basename(path, extension);
  const isAside = (name: string) =>
    name.startsWith(`${stem}-`) &&
    name.endsWith(extension) &&
    /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/.test(
      name.slice(stem.length + 1, name.length - extension.length),
    );
  const names = ((await ifPresent(readdir(folder))) ?? []).filter(isAside).sort();
  const files: { path: string; inode: number; sizeBytes: number }[] = [];
  for (const name of [...names, basename(path)]) {
    const about = await ifPresent(stat(join(folder, name)));
    if (about?.isFile()) files.push({ path: join(folder, name), inode: about.ino, sizeBytes: about.size });
  }
  return {
    stream: { source: "audit", key: `audit/${path}`, component: stem, path },
    format: auditLines,
    files,
  };
}
