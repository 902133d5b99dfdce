import { type Ipv4Range, ipv4Text } from "../../base/ipv4.ts";

const tenth = 10;

/** Where a cluster's DNS is by convention: at the tenth address of its Services; undefined where there are fewer. API servers
 *  keep the Service there, and nodes answer there. Pure. */
export function clusterDnsAddress(services: Ipv4Range): string | undefined {
  // The last address of a range is nobody's.
  return services.size > tenth + 1 ? ipv4Text(services.first + tenth) : undefined;
}
