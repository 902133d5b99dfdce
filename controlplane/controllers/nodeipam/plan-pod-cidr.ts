import { type Ipv4Range, overlap, parseIpv4Range, subranges } from "../../../base/ipv4.ts";

/** The first range of `maskSize` in `cluster` that touches none of those taken; undefined when all are. Pure. */
export function planPodCidr(
  cluster: Ipv4Range,
  maskSize: number,
  taken: readonly string[],
): string | undefined {
  const ranges = taken.flatMap((text) => parseIpv4Range(text) ?? []);
  const exact = new Set(ranges.map(({ text }) => text));
  const odd = ranges.filter((range) => range.prefixBits !== maskSize);
  for (const range of subranges(cluster, maskSize)) {
    if (!exact.has(range.text) && !odd.some((one) => overlap(one, range))) return range.text;
  }
  return undefined;
}
