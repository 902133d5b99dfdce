import { writeFile } from "node:fs/promises";
import { ipRangeText, parseAddress } from "../../base/ip-range.ts";
import { hardwareAddressFor } from "../../base/ipv4.ts";
import type { AddressPool } from "./address-pool.ts";
import { forwardIpv6 } from "./forward-ipv6.ts";
import { ipFamilies } from "./ip-family.ts";
import { ipBatch, runProgram } from "./programs.ts";

export const bridgeName = "pintle-pods";

/** The bridge's own link, with the gateway of each family's pods. Answers its hardware address. */
export async function makeBridge(pools: readonly AddressPool[]): Promise<string> {
  const links = JSON.parse(await runProgram("ip", ["-json", "addr", "show"])) as {
    ifname?: string;
    address?: string;
    addr_info?: { local?: string; scope?: string }[];
  }[];
  const bridge = links.find((link) => link.ifname === bridgeName);
  if (bridge === undefined) await ipBatch([`link add ${bridgeName} type bridge`]);
  const gateways = pools.map(({ gateway }) => gateway);
  // One of its own: left alone, a bridge takes the lowest of its ports', and pods know another as ports come and go.
  const hardwareAddress = bridge?.address ?? hardwareAddressFor(gateways[0] ?? "");
  const has = (bridge?.addr_info ?? []).flatMap(({ local = "", scope }) => (scope === "link" ? [] : [local]));
  const isOf6 = pools.some(({ range }) => range.family === 6);
  if (isOf6) {
    await forwardIpv6();
    // Nobody else is there to have the same; or neighbours could not be asked for until that was found out.
    await writeFile(`/proc/sys/net/ipv6/conf/${bridgeName}/accept_dad`, "0");
  }
  await ipBatch([
    ...has
      .filter((address) => !gateways.includes(address))
      .map((one) => `addr del ${whole(one)} dev ${bridgeName}`),
    ...gateways
      .filter((one) => !has.includes(one))
      .map((one) => `addr add ${whole(one)} dev ${bridgeName}${atOnce(one)}`),
    `link set ${bridgeName} address ${hardwareAddress} up`,
    ...pools.map(({ range, gateway }) => {
      const scope = range.family === 4 ? " scope link" : "";
      return `route replace ${ipRangeText(range)} dev ${bridgeName}${scope} src ${gateway}`;
    }),
  ]);
  await writeFile("/proc/sys/net/ipv4/ip_forward", "1");
  // Pods reach their neighbours through us on purpose; do not tell them of a shorter way.
  await writeFile(`/proc/sys/net/ipv4/conf/${bridgeName}/send_redirects`, "0");
  await writeFile("/proc/sys/net/ipv4/conf/all/send_redirects", "0");
  return hardwareAddress;
}

/** Adds an address to the bridge, which loses it when the next agent makes sure of the bridge. */
export async function takeBridgeAddress(address: string): Promise<void> {
  await ipBatch([`addr replace ${whole(address)} dev ${bridgeName}${atOnce(address)}`]);
}

/** `10.1.2.3/32`, `fd00::3/128` */
export function whole(address: string): string {
  return `${address}/${ipFamilies[parseAddress(address)?.family ?? 4].wholeBits}`;
}

/** Nobody else can have it: it is good before anybody was asked. */
export function atOnce(address: string): string {
  return address.includes(":") ? " nodad" : "";
}
