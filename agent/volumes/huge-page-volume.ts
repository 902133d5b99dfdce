import { readAmount } from "../../base/quantity-text.ts";
import { podRequests } from "../../client/rules/pod-requests.ts";
import type { PodSpec } from "../../client/types.ts";
import { hugePagesName, isHugePages, pageBytesOf } from "../memory/huge-pages.ts";
import { ConfigError } from "../sync/environment.ts";

const anySize = "HugePages";

/** Whether an empty folder is to lie in huge pages: of the size that its pod asks for, or of one that it names (`HugePages-2Mi`).
 *  Pure. */
export const isHugePageMedium = (medium: string): boolean =>
  medium === anySize || mediumPageBytes(medium) !== undefined;

const mediumPageBytes = (medium: string): number | undefined =>
  medium.startsWith(`${anySize}-`) ? pageBytesOf(medium.replace(anySize, "hugepages")) : undefined;

/** How an empty folder in huge pages is mounted: with pages of one size, and with as many as its pod asks for, or its own limit
 *  where that is less. Throws ConfigError where the pod asks for none of that size, or for several sizes and the medium names
 *  none. Pure. */
export function hugePageMountOptions(
  spec: PodSpec,
  medium: string,
  sizeLimit: string | undefined,
): { readonly pageBytes: number; readonly bytesMost: number } {
  const lists = [spec, ...spec.containers, ...(spec.initContainers ?? [])].map(({ resources }) => resources);
  const asked = lists.flatMap((resources) => Object.keys(resources?.requests ?? {}).filter(isHugePages));
  const sizes = new Set(asked.flatMap((name) => pageBytesOf(name) ?? []));
  const own = mediumPageBytes(medium);
  if (own === undefined && sizes.size > 1)
    throw new ConfigError(`medium: ${medium} can't be used if container requests multiple huge page sizes`);
  const pageBytes = own ?? [...sizes][0];
  if (pageBytes === undefined || !sizes.has(pageBytes))
    throw new ConfigError(
      `medium ${medium}: hugePages storage requested, but there is no resource request for huge pages`,
    );
  const requested = podRequests(spec)[hugePagesName(pageBytes)] ?? 0;
  const limit = sizeLimit === undefined ? 0 : Number(readAmount(sizeLimit).nanos / 1_000_000_000n);
  return { pageBytes, bytesMost: limit > 0 ? Math.min(limit, requested) : requested };
}
