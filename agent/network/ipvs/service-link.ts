import { canonicalAddress } from "../../../base/ip-range.ts";
import type { IpFamily } from "../ip-family.ts";
import { atOnce, whole } from "../pod-bridge.ts";
import { ipBatch, removeLink, runProgram } from "../programs.ts";

/** Has Services' addresses, so that packets to them come in to the node, where IPVS takes them. */
export const serviceLinkName = "kube-ipvs0";
/** By which an agent knows its own. */
const alias = "pintle";

/** Throws where the kernel has no such links. */
export async function makeServiceLink(): Promise<void> {
  if ((await shownLinks()).every(({ ifname }) => ifname !== serviceLinkName))
    await ipBatch([`link add ${serviceLinkName} type dummy`]);
  await ipBatch([`link set ${serviceLinkName} alias ${alias} up`]);
}

/** Whether an agent made one here. */
export async function hasServiceLink(): Promise<boolean> {
  const found = (await shownLinks()).find(({ ifname }) => ifname === serviceLinkName);
  return found?.ifalias === alias;
}

export async function removeServiceLink(): Promise<void> {
  await removeLink(serviceLinkName);
}

/** The link's addresses of one family. */
export interface LinkAddresses {
  /** Those that it has, read anew. */
  present(): Promise<ReadonlySet<string>>;
  add(addresses: readonly string[]): Promise<void>;
  remove(addresses: readonly string[]): Promise<void>;
}

export function linkAddresses({ version }: Pick<IpFamily, "version">): LinkAddresses {
  const batch = async (lines: readonly string[]) => void (lines.length > 0 && (await ipBatch(lines)));
  return {
    async present() {
      const args = ["-json", `-${version}`, "addr", "show", "dev", serviceLinkName];
      const links = JSON.parse((await runProgram("ip", args)) || "[]") as {
        addr_info?: { local?: string }[];
      }[];
      const addresses = links.flatMap(({ addr_info = [] }) => addr_info.map(({ local = "" }) => local));
      return new Set(addresses.flatMap((one) => canonicalAddress(one) ?? []));
    },
    add: (addresses) =>
      batch(addresses.map((one) => `addr replace ${whole(one)} dev ${serviceLinkName}${atOnce(one)}`)),
    remove: (addresses) => batch(addresses.map((one) => `addr del ${whole(one)} dev ${serviceLinkName}`)),
  };
}

async function shownLinks(): Promise<readonly { readonly ifname?: string; readonly ifalias?: string }[]> {
  return JSON.parse((await runProgram("ip", ["-json", "link", "show"])) || "[]") as { ifname?: string }[];
}
