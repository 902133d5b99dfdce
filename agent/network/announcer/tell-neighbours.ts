import { packageFile } from "../../package-file.ts";
import { runProgram } from "../programs.ts";

/** A link of this node. */
export interface Link {
  readonly name: string;
  readonly index: number;
  readonly hardwareAddress: string;
}

/** The link that has this address; undefined: none that has neighbours. */
export async function linkWith(address: string): Promise<Link | undefined> {
  const links = JSON.parse(await runProgram("ip", ["-json", "addr", "show"])) as {
    ifname?: string;
    ifindex?: number;
    link_type?: string;
    address?: string;
    addr_info?: { local?: string }[];
  }[];
  const link = links.find(
    ({ link_type, addr_info }) => link_type === "ether" && addr_info?.some(({ local }) => local === address),
  );
  if (link === undefined) return undefined;
  return { name: link.ifname ?? "", index: link.ifindex ?? 0, hardwareAddress: link.address ?? "" };
}

/** Tells the link's neighbours that this node answers at an address, by ARP or NDP. */
export async function announce(link: Link, address: string): Promise<void> {
  const file = address.includes(":") ? "neighbour-advertisement.pl" : "gratuitous-arp.pl";
  const program = packageFile(`agent/network/announcer/${file}`);
  if (program === undefined) throw new Error(`agent/network/announcer/${file} is missing`);
  await runProgram("perl", [program, `${link.index}`, link.hardwareAddress, address]);
}
