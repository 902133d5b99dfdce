import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";
import { type HugePages, readHugePages } from "./huge-pages.ts";

/** What of a machine's memory is at one NUMA node. */
export interface MemoryNode {
  readonly numa: number;
  /** Huge pages are a part of it. */
  readonly memoryBytes: number;
  readonly hugePages: readonly HugePages[];
}

/** The NUMA nodes among `numas`, in order, out of `/sys/devices/system/node`; a kernel without NUMA has one, with all memory. */
export async function readMemoryNodes(
  numas: ReadonlySet<number>,
  machine: { readonly memoryBytes: number; readonly hugePages: readonly HugePages[] },
  folder = "/sys/devices/system/node",
): Promise<readonly MemoryNode[]> {
  const names = (await ifPresent(readdir(folder))) ?? [];
  const found = names.flatMap((name) => /^node(\d{1,4})$/.exec(name)?.[1] ?? []).map(Number);
  if (found.length === 0) return [{ numa: 0, ...machine }];
  const own = found.filter((numa) => numas.has(numa)).sort((a, b) => a - b);
  return Promise.all(
    own.map(async (numa) => {
      const meminfo = await readFile(join(folder, `node${numa}`, "meminfo"), "utf8");
      const kilobytes = /^Node \d+ MemTotal:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? "0";
      const hugePages = await readHugePages(join(folder, `node${numa}`, "hugepages"));
      return { numa, memoryBytes: Number(kilobytes) * 1024, hugePages };
    }),
  );
}
