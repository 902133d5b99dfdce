import { BlockList, isIP } from "node:net";

/** Addresses that mean another machine to everybody: Go's IsGlobalUnicast says no to these. */
const ownToEachHost = new BlockList();
ownToEachHost.addAddress("0.0.0.0");
ownToEachHost.addAddress("255.255.255.255");
ownToEachHost.addSubnet("127.0.0.0", 8);
ownToEachHost.addSubnet("169.254.0.0", 16);
ownToEachHost.addSubnet("224.0.0.0", 4);
ownToEachHost.addAddress("::", "ipv6");
ownToEachHost.addAddress("::1", "ipv6");
ownToEachHost.addSubnet("fe80::", 10, "ipv6");
ownToEachHost.addSubnet("ff00::", 8, "ipv6");

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8);

/** May the API server be sent there? Not to itself, to its own link, or to many at once: who says what address a pod has must
 *  not reach what only the API server can. In a cluster of plain processes pods do have loopback addresses; there their
 *  node says which of them are a pod's. Pure. */
export function isAllowedAddress(address: string, facts: { readonly loopbackEndpoints: boolean }): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  if (!ownToEachHost.check(address, type)) return true;
  return family === 4 && facts.loopbackEndpoints && loopback.check(address, type);
}
