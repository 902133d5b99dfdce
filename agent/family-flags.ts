import { isIP } from "node:net";
import { canonicalAddress, ipRangeText, parseAddress, parseIpRange } from "../base/ip-range.ts";

/** What is said of a node's network by flags, in one family. */
export interface FamilyFlags {
  readonly nodeIp: string | undefined;
  readonly podCidr: string | undefined;
  readonly clusterCidr: string | undefined;
  readonly serviceCidr: string | undefined;
}

interface Given {
  readonly "node-ip": string | undefined;
  readonly "pod-cidr": string | undefined;
  readonly "cluster-cidr": string | undefined;
  readonly "service-cluster-ip-range": string | undefined;
}

/** Reads flags that take one value of IPv4 or, with a comma, one of each family, IPv4 first. Pure.
 *  @returns `v6` where any of them has a second value. */
export function familyFlags(
  given: Given,
  problems: string[],
): { readonly v4: FamilyFlags; readonly v6: FamilyFlags | undefined } {
  const of = (flag: keyof Given) => readBoth(flag, given[flag], problems);
  const [node, pod, cluster, service] = [
    of("node-ip"),
    of("pod-cidr"),
    of("cluster-cidr"),
    of("service-cluster-ip-range"),
  ];
  const side = (at: 0 | 1): FamilyFlags => ({
    nodeIp: node[at],
    podCidr: pod[at],
    clusterCidr: cluster[at],
    serviceCidr: service[at],
  });
  const hasSecond = [node, pod, cluster, service].some(([, second]) => second !== undefined);
  return { v4: side(0), v6: hasSecond ? side(1) : undefined };
}

function readBoth(
  flag: keyof Given,
  text: string | undefined,
  problems: string[],
): readonly [string | undefined, string | undefined] {
  if (text === undefined) return [undefined, undefined];
  const isAddress = flag === "node-ip";
  const [first = "", second, ...more] = text.split(",");
  const refuse = (value: string, why: string) =>
    void problems.push(`--${flag}: ${JSON.stringify(value)} ${why}`);
  const [one, other] = [first, second].map((value) =>
    value === undefined ? undefined : read(value, isAddress),
  );
  if (one === undefined) refuse(first, isAddress ? "is not an IP address" : "is not a range of addresses");
  else if (one.family === 6 && !(isAddress && second === undefined))
    refuse(first, "is of IPv6: IPv4 comes first, and is not done without");
  if (second !== undefined && other?.family !== 6)
    refuse(second, isAddress ? "is not a second address, of IPv6" : "is not a second range, of IPv6");
  if (more.length > 0) refuse(text, "is more than one of each family");
  return [one?.text, other?.text];
}

function read(
  value: string,
  isAddress: boolean,
): { readonly family: 4 | 6; readonly text: string } | undefined {
  if (isAddress) {
    const address = parseAddress(value);
    return address && { family: address.family, text: canonicalAddress(value) ?? "" };
  }
  const range = parseIpRange(value);
  return range && { family: range.family, text: ipRangeText(range) };
}

/** Where a node answers for Ingresses. */
export interface IngressPlace {
  readonly address: string;
  /** Of the other family, where there is one. */
  readonly alsoAt: readonly string[];
  readonly http: number;
  readonly https: number;
}

/** One address, or one of each family. */
export const areOfFamilies = (addresses: readonly string[]): boolean =>
  addresses.every(
    (address, at) =>
      isIP(address) !== 0 && addresses.findIndex((other) => isIP(other) === isIP(address)) === at,
  );
