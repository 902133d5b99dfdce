import { type IpRange, ipRangeSize, nthAddress } from "../../base/ip-range.ts";

const tenth = 10;

/** Where a cluster's DNS is by convention: at the tenth address of its Services; undefined where there are fewer. API servers
 *  keep the Service there, and nodes answer there. Pure. */
export function clusterDnsAddress(services: IpRange): string | undefined {
  // The last address of a range is nobody's.
  return ipRangeSize(services) > tenth + 1 ? nthAddress(services, tenth) : undefined;
}
