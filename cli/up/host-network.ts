import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { forwardIpv6 } from "../../agent/network/forward-ipv6.ts";
import { hardwareAddressFor } from "../../base/ipv4.ts";
import { giveInput } from "../../base/os/give-input.ts";
import { OperatorError } from "../command.ts";
import type { ClusterPlan } from "./cluster-state.ts";
import { addressing, type NodeSpec } from "./topology.ts";

/** The network of a local cluster on this host: a bridge without any physical port, and per node a network namespace that
 *  hangs on it, so that every node has an address, routing and packet filter of its own, as separate machines would. */
export interface HostNetwork {
  /** Lets the host reach pods: each node's ranges through the node. */
  routePods(
    nodes: readonly { readonly addresses: readonly string[]; readonly podRanges: readonly string[] }[],
  ): Promise<void>;
  remove(): Promise<void>;
}

const run = promisify(execFile);

/** Who has it connects to nobody from there. */
const notFrom = ["nodad", "preferred_lft", "0"] as const;

/** `folder` is the cluster's: the bridge bears it, so that others know whose it was. */
export async function createHostNetwork(plan: ClusterPlan, folder: string): Promise<HostNetwork> {
  const net = addressing(plan);
  const bridge = bridgeOf(plan.networkSlot);
  await removeNetwork(plan.networkSlot);
  try {
    // One of its own: left alone, a bridge takes the lowest of its ports', and nodes know another as ports come and go.
    const hardwareAddress = hardwareAddressFor(net.bridgeAddress ?? "");
    await ip("link", "add", bridge, "address", hardwareAddress, "type", "bridge");
    if (Buffer.byteLength(folder) <= aliasBytesMax) await ip("link", "set", bridge, "alias", folder);
    await ip("addr", "add", `${net.bridgeAddress}/24`, "dev", bridge);
    await ip("addr", "add", `${net.ingressBridgeAddress}/24`, "dev", bridge);
    await ip("addr", "add", `${net.balancerBridgeAddress}/24`, "dev", bridge);
    if (net.bridgeAddress6 !== undefined)
      await ip("addr", "add", `${net.bridgeAddress6}/64`, "dev", bridge, "nodad");
    if (net.ingressBridgeAddress6 !== undefined)
      await ip("addr", "add", `${net.ingressBridgeAddress6}/64`, "dev", bridge, ...notFrom);
    await ip("link", "set", bridge, "up");
    await Promise.all(net.nodes.map((node, i) => joinNode(plan, node, i + 1)));
    await masquerade(plan);
  } catch (error) {
    await removeNetwork(plan.networkSlot);
    throw new OperatorError(
      `cannot make the nodes' network (${bridge}): ${error instanceof Error ? error.message.trim() : error}; use --runtime process to do without`,
    );
  }
  return {
    async routePods(nodes) {
      for (const { addresses, podRanges } of nodes)
        for (const range of podRanges) {
          const via = addresses.find((address) => address.includes(":") === range.includes(":"));
          if (via !== undefined) await ip("route", "replace", range, "via", via, "dev", bridge);
        }
    },
    remove: () => removeNetwork(plan.networkSlot),
  };
}

/** Hangs one more node on the bridge, in a network namespace of its own.
 *  @param number Which no other node of the network has or had. */
export async function joinNode(plan: ClusterPlan, node: NodeSpec, number: number): Promise<void> {
  const net = addressing(plan);
  const bridge = bridgeOf(plan.networkSlot);
  const namespace = node.networkNamespace ?? "";
  const outside = endOf(bridge, number);
  await ip("netns", "add", namespace);
  await ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", namespace);
  await ip("link", "set", outside, "master", bridge, "up");
  await ip("-n", namespace, "link", "set", "lo", "up");
  await ip("-n", namespace, "addr", "add", `${node.address}/24`, "dev", "eth0");
  await ip("-n", namespace, "addr", "add", `${node.ingressAddress}/24`, "dev", "eth0");
  if (node.address6 !== undefined)
    await ip("-n", namespace, "addr", "add", `${node.address6}/64`, "dev", "eth0", "nodad");
  if (node.ingressAddress6 !== undefined)
    await ip("-n", namespace, "addr", "add", `${node.ingressAddress6}/64`, "dev", "eth0", ...notFrom);
  await ip("-n", namespace, "link", "set", "eth0", "up");
  await ip("-n", namespace, "route", "add", "default", "via", net.bridgeAddress ?? "");
  if (net.bridgeAddress6 !== undefined)
    await ip("-n", namespace, "route", "add", "::/0", "via", net.bridgeAddress6);
  await run("nsenter", [`--net=/run/netns/${namespace}`, "sysctl", "-qw", "net.ipv4.ip_forward=1"]);
}

/** Takes a node off again; the host's routes to its pods go, too. */
export async function dropNode(plan: ClusterPlan, node: NodeSpec, number: number): Promise<void> {
  const { networkNamespace = "" } = node;
  await ignoreMissing(ip("netns", "delete", networkNamespace));
  await ignoreMissing(ip("link", "delete", endOf(bridgeOf(plan.networkSlot), number)));
  await ignoreMissing(ip("route", "flush", "via", node.address));
}

/** Pods and nodes reach the outside through the host's address, where the host has nftables. */
async function masquerade(plan: ClusterPlan): Promise<void> {
  const bridge = bridgeOf(plan.networkSlot);
  const [nodes, pods] = [200, 220].map((base) => base + plan.networkSlot);
  const table = (family: string, ...ranges: readonly string[]) => [
    `table ${family} ${bridge} {`,
    " chain postrouting {",
    "  type nat hook postrouting priority srcnat;",
    `  ${family} saddr { ${ranges.join(", ")} } oifname != "${bridge}" masquerade`,
    " }",
    "}",
  ];
  const rules = [
    ...table("ip", `10.${nodes}.0.0/24`, `10.${pods}.0.0/16`),
    ...(plan.dualStack ? table("ip6", `fd00:10:${nodes}::/64`, `fd00:10:${pods}::/56`) : []),
  ].join("\n");
  const child = run("nft", ["-f", "-"]);
  giveInput(child.child, rules);
  try {
    await child;
    await writeFile("/proc/sys/net/ipv4/ip_forward", "1");
    if (plan.dualStack) await forwardIpv6();
  } catch (error) {
    // Without nftables the cluster works within itself; pods only lack the way out.
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}

/** Removes all that is named after the slot, whoever made it; absent parts are fine. */
export async function removeNetwork(slot: number): Promise<void> {
  for (const namespace of await namespacesOf(slot)) await ip("netns", "delete", namespace);
  // A namespace's end of a pair goes with the namespace, some time after; the host's end goes now.
  const bridge = bridgeOf(slot);
  const links = (await ip("-o", "link", "show")).match(new RegExp(`\\b${bridge}n\\d+(?=[@:])`, "g")) ?? [];
  for (const link of new Set(links)) await ignoreMissing(ip("link", "delete", link));
  await ignoreMissing(ip("link", "delete", bridge));
  for (const family of ["ip", "ip6"]) await ignoreMissing(run("nft", ["delete", "table", family, bridge]));
}

/** Whether a process runs in one of the slot's namespaces. */
export async function isNetworkUsed(slot: number): Promise<boolean> {
  for (const namespace of await namespacesOf(slot))
    if ((await ip("netns", "pids", namespace)).trim() !== "") return true;
  return false;
}

/** The folder of the cluster whose bridge is there; undefined where there is none, or none that bears a folder. */
export async function folderOfNetwork(slot: number): Promise<string | undefined> {
  const links: readonly { readonly ifname: string; readonly ifalias?: string }[] = JSON.parse(
    await ip("-j", "link", "show", "type", "bridge"),
  );
  return links.find(({ ifname }) => ifname === bridgeOf(slot))?.ifalias;
}

async function namespacesOf(slot: number): Promise<readonly string[]> {
  const present = (await ip("netns", "list")).split("\n").map((line) => line.split(" ")[0] ?? "");
  return present.filter((name) => name.startsWith(`${bridgeOf(slot)}-`));
}

/** The bridge's name, and that of the host's table for it. */
const bridgeOf = (slot: number): string => `pintle${slot}`;

/** The host's end of a node's pair. */
const endOf = (bridge: string, number: number): string => `${bridge}n${number}`;

/** The kernel's, without the byte that ends it. */
const aliasBytesMax = 255;

async function ip(...args: string[]): Promise<string> {
  return (await run("ip", args)).stdout;
}

async function ignoreMissing(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (!/Cannot find device|No such file or directory|ENOENT|does not exist/.test(text)) throw error;
  }
}
