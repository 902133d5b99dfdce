import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";
import { isQuantity, parseQuantity } from "../../base/quantity.ts";
import { amountText } from "../../base/quantity-text.ts";

/** The huge pages of one size. */
export interface HugePages {
  readonly pageBytes: number;
  readonly count: number;
}

/** How much of the huge pages of one size something may have. */
export interface HugePageLimit {
  readonly pageBytes: number;
  readonly bytesMost: number;
}

const prefix = "hugepages-";
const nano = 1_000_000_000n;

export const isHugePages = (resource: string): boolean => resource.startsWith(prefix);

/** Bytes by powers of 1024, as Kubernetes writes them: `2Mi`. Pure. */
export const binaryText = (bytes: number): string =>
  amountText({ nanos: BigInt(bytes) * nano, notation: "binary" });

/** The resource that pages of this size are: `hugepages-2Mi`. Pure. */
export const hugePagesName = (pageBytes: number): string => `${prefix}${binaryText(pageBytes)}`;

/** The size of the pages that a resource is; undefined for any other resource. Pure. */
export function pageBytesOf(resource: string): number | undefined {
  const text = resource.slice(prefix.length);
  return isHugePages(resource) && isQuantity(text) ? parseQuantity(text) : undefined;
}

/** A size of pages as control groups name it: `2MB`. Pure. */
export function pageSizeOfGroups(pageBytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB", "PB"];
  const power = Math.min(Math.floor(Math.log2(pageBytes) / 10), units.length - 1);
  return `${pageBytes / 1024 ** power}${units[power]}`;
}

/** What of amounts by resource are huge pages. Pure. */
export const hugePagesAmong = (amounts: Readonly<Record<string, number>>): readonly HugePageLimit[] =>
  Object.entries(amounts).flatMap(([name, bytesMost]) => {
    const pageBytes = pageBytesOf(name);
    return pageBytes === undefined ? [] : [{ pageBytes, bytesMost }];
  });

/** The limit of every size: nothing of those not asked for. Pure. */
export const hugePageLimits = (
  pageSizes: readonly number[],
  asked: readonly HugePageLimit[] = [],
): readonly HugePageLimit[] =>
  pageSizes.map(
    (size) => asked.find(({ pageBytes }) => pageBytes === size) ?? { pageBytes: size, bytesMost: 0 },
  );

/** The amounts of a machine's huge pages, by resource. Pure. */
export const hugePageBytes = (pools: readonly HugePages[]): Readonly<Record<string, number>> =>
  Object.fromEntries(pools.map(({ pageBytes, count }) => [hugePagesName(pageBytes), pageBytes * count]));

/** The huge pages of every size that the kernel knows, the smallest first: of the machine, or out of a NUMA node's folder. */
export async function readHugePages(folder = "/sys/kernel/mm/hugepages"): Promise<readonly HugePages[]> {
  const names = (await ifPresent(readdir(folder))) ?? []; // kernels without huge pages have none
  const pools: HugePages[] = [];
  for (const name of names) {
    const kilobytes = /^hugepages-(\d{1,12})kB$/.exec(name)?.[1];
    if (kilobytes === undefined) continue;
    const count = Number(await readFile(join(folder, name, "nr_hugepages"), "utf8"));
    pools.push({ pageBytes: Number(kilobytes) * 1024, count });
  }
  return pools.sort((a, b) => a.pageBytes - b.pageBytes);
}
