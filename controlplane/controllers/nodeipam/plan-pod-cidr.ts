import { cidrText, type Ipv4Cidr, overlap, parseIpv4Cidr, subranges } from "./cidr.ts";

/** The first range of `maskSize` in `cluster` that touches none of those taken; undefined when all are. Pure. */
export function planPodCidr(
  cluster: Ipv4Cidr,
  maskSize: number,
  taken: readonly string[],
): string | undefined {
  const ranges = taken.flatMap((text) => parseIpv4Cidr(text) ?? []);
  const exact = new Set(ranges.map(cidrText));
  const odd = ranges.filter((range) => range.maskSize !== maskSize);
  for (const range of subranges(cluster, maskSize)) {
    const text = cidrText(range);
    if (!exact.has(text) && !odd.some((one) => overlap(one, range))) return text;
  }
  return undefined;
}
