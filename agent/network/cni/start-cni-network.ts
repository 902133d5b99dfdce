import { access, writeFile } from "node:fs/promises";
import type { Os } from "../../../base/os/os.ts";
import { TaskScope } from "../../../base/os/task-scope.ts";
import type { InformerFactory } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import type { NodeNetwork, NodeNetworkConfig } from "../../network-seam.ts";
import { familySides } from "../family-sides.ts";
import { noHostPorts, openHostPorts } from "../host-ports.ts";
import { removeLeftIpv6Tables } from "../left-tables.ts";
import { routeLoopbackTo } from "../loopback-route.ts";
import { openApplier } from "../nft-applier.ts";
import { removeOverlayLink } from "../peers/overlay-link.ts";
import { routeProtocol } from "../peers/route-changes.ts";
import { atOnce, bridgeName, whole } from "../pod-bridge.ts";
import { hasProgram, ipBatch, removeLink, runProgram } from "../programs.ts";
import { CniNetwork } from "./cni-network.ts";
import { CniPods } from "./cni-pods.ts";

/** Has the cluster's DNS address where the agent has no bridge: nothing is connected to it. */
const addressLink = "pintle-dns";

/** Connects this node's pods by CNI plugins. Routes, network policies and what is masqueraded are the plugins' matter. */
export async function startCniNetwork(
  config: NodeNetworkConfig,
  { os, informers }: { readonly os: Os; readonly informers: InformerFactory },
): Promise<NodeNetwork> {
  if (config.cni === undefined) throw new Error("nobody said where CNI's configuration is");
  const tasks = new TaskScope(os.log);
  const withNft = await hasProgram("nft");
  if (!withNft) os.log.warn("host ports need nftables, where no plugin maps them");
  await removeOwnNetwork(withNft, config.v6 !== undefined);
  if (withNft && config.v6 === undefined) await removeLeftIpv6Tables();
  await passPackets();
  const nodes = informers.informer(resources.nodes);
  const pods = await CniPods.open(config.stateDir, {
    network: new CniNetwork(config.cni),
    hostPorts: withNft
      ? openHostPorts(
          familySides(config).map((side) => ({
            ...side,
            applier: openApplier("pintle-host-ports", side.family),
          })),
          { log: os.log, routeLoopback: routeLoopbackTo },
        )
      : noHostPorts,
    podCidrs: async () => {
      await nodes.synced(tasks.signal);
      const spec = nodes.get({ name: config.nodeName })?.spec;
      const given = spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
      return config.podCidr === "" ? given : [config.podCidr];
    },
    nodeIp: config.nodeIp,
    os,
  });
  return {
    done: tasks.untilStopped(),
    pods,
    hasPodAt: (address) => pods.hasAddress(address),
    async takeAddresses(addresses) {
      await removeLink(addressLink);
      await ipBatch([
        `link add ${addressLink} type bridge`,
        ...addresses.map((address) => `addr add ${whole(address)} dev ${addressLink}${atOnce(address)}`),
        `link set ${addressLink} up`,
      ]);
    },
    stop: () => tasks.stop(),
  };
}

/** What an agent left that connected pods itself: its routes and rules would be in the plugins' way. Plugins' VXLAN may have the
 *  overlay's port, at which only that agent's peers were let in. */
async function removeOwnNetwork(withNft: boolean, hasIpv6: boolean): Promise<void> {
  await removeLink(bridgeName);
  await removeOverlayLink();
  for (const family of ["-4", ...(hasIpv6 ? ["-6"] : [])])
    await runProgram("ip", [family, "route", "flush", "proto", String(routeProtocol)]);
  if (!withNft) return;
  const names = ["pintle-policies", "pintle-overlay"];
  const tables = [
    ...names.flatMap((name) => ["ip", ...(hasIpv6 ? ["ip6"] : [])].map((family) => `${family} ${name}`)),
    "bridge pintle-pods",
  ];
  await runProgram(
    "nft",
    ["-f", "-"],
    tables.map((one) => `add table ${one}\ndelete table ${one}\n`).join(""),
  );
}

/** Packets between pods of one bridge are to meet the Services' rules, too, as kube-proxy asks of the plugins' nodes. */
async function passPackets(): Promise<void> {
  await writeFile("/proc/sys/net/ipv4/ip_forward", "1");
  for (const path of ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"].map(
    (name) => `/proc/sys/net/bridge/${name}`,
  )) {
    const isThere = await access(path).then(
      () => true,
      () => false, // kernels without br_netfilter: plugins other than bridges do without
    );
    if (isThere) await writeFile(path, "1");
  }
}
