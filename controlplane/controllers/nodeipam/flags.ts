import { type IpRange, ipRangeText, parseIpRange } from "../../../base/ip-range.ts";
import type { FlagTable, FlagValues } from "../../../base/os/flags.ts";
import type { ClusterRange } from "./node-ranges.ts";

/** kube-controller-manager's names and defaults. */
export const nodeIpamFlags = {
  "allocate-node-cidrs": {
    kind: "boolean",
    default: false,
    help: "give every node its range of pod addresses",
  },
  "cidr-allocator-type": {
    kind: "string",
    default: "RangeAllocator",
    value: "TYPE",
    help: "who cuts the ranges: RangeAllocator, as there is no cloud that could",
  },
  "cluster-cidr": {
    kind: "list",
    default: [],
    value: "CIDRS",
    help: "the range that nodes' ranges are cut from; one of each family for both",
  },
  "node-cidr-mask-size": {
    kind: "integer",
    value: "BITS",
    help: "size of a node's range where the cluster has one family; 24, or 64 for IPv6",
  },
  "node-cidr-mask-size-ipv4": { kind: "integer", value: "BITS", help: "the same for IPv4; 24 by default" },
  "node-cidr-mask-size-ipv6": { kind: "integer", value: "BITS", help: "the same for IPv6; 64 by default" },
  "service-cluster-ip-range": {
    kind: "list",
    default: [],
    value: "CIDRS",
    help: "services' addresses, which no node's range may touch",
  },
} as const satisfies FlagTable;

export interface NodeCidrs {
  readonly cluster: readonly ClusterRange[];
  readonly services: readonly IpRange[];
}

/** A range may be cut into so many, by bits. */
const cutBitsMax = { 4: 20, 6: 16 } as const;
const maskDefault = { 4: 24, 6: 64 } as const;
/** A smaller one has no address for a pod. */
const maskMax = { 4: 30, 6: 126 } as const;

/** Undefined where nodes' ranges are not ours to give. */
export function nodeCidrsConfig(
  flags: FlagValues<typeof nodeIpamFlags>,
  problems: string[],
): NodeCidrs | undefined {
  if (!flags["allocate-node-cidrs"]) return undefined;
  const allocator = flags["cidr-allocator-type"];
  if (allocator !== "RangeAllocator")
    problems.push(`--cidr-allocator-type: ${JSON.stringify(allocator)} is not RangeAllocator`);
  const cluster = readRanges("cluster-cidr", flags["cluster-cidr"], problems);
  const services = readRanges("service-cluster-ip-range", flags["service-cluster-ip-range"], problems);
  if (flags["cluster-cidr"].length === 0) problems.push("--cluster-cidr: needed with --allocate-node-cidrs");
  return { cluster: cluster.flatMap((range) => maskedRange(range, cluster, flags, problems)), services };
}

function readRanges(flag: string, texts: readonly string[], problems: string[]): readonly IpRange[] {
  const ranges = texts.flatMap((text) => {
    const range = parseIpRange(text);
    if (range === undefined)
      problems.push(`--${flag}: ${JSON.stringify(text)} is not a range such as 10.244.0.0/16 or fd00::/48`);
    return range ?? [];
  });
  if (ranges.length > 2) problems.push(`--${flag}: one range of each family at most`);
  const [first, second] = ranges;
  if (first !== undefined && first.family === second?.family)
    problems.push(`--${flag}: two ranges must be of different families`);
  return ranges;
}

function maskedRange(
  range: IpRange,
  all: readonly IpRange[],
  flags: FlagValues<typeof nodeIpamFlags>,
  problems: string[],
): readonly ClusterRange[] {
  const { family, prefixBits } = range;
  const any = flags["node-cidr-mask-size"];
  const own = flags[`node-cidr-mask-size-ipv${family}`];
  const other = flags[`node-cidr-mask-size-ipv${family === 4 ? 6 : 4}`];
  const isFirst = range === all[0];
  if (isFirst && all.length > 1 && any !== undefined)
    problems.push("--node-cidr-mask-size: not allowed with dual-stack clusters");
  if (isFirst && all.length === 1 && any !== undefined && (own ?? other) !== undefined)
    problems.push("--node-cidr-mask-size: not allowed together with those of a family");
  if (isFirst && all.length === 1 && any === undefined && other !== undefined)
    problems.push(
      `--node-cidr-mask-size-ipv${family === 4 ? 6 : 4}: not allowed for a single-stack IPv${family} cluster`,
    );
  const maskSize = any ?? own ?? maskDefault[family];
  const name = any === undefined ? `node-cidr-mask-size-ipv${family}` : "node-cidr-mask-size";
  if (maskSize < prefixBits || maskSize > maskMax[family])
    problems.push(
      `--${name}: ${maskSize} is not between --cluster-cidr's ${prefixBits} and ${maskMax[family]}`,
    );
  else if (maskSize - prefixBits > cutBitsMax[family])
    problems.push(
      `--${name}: ${maskSize} cuts ${ipRangeText(range)} into more than ${2 ** cutBitsMax[family]} ranges; use ${prefixBits + cutBitsMax[family]} at most`,
    );
  else return [{ range, maskSize }];
  return [];
}
