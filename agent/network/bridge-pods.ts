import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hardwareAddressFor } from "../../base/ipv4.ts";
import { replaceFile } from "../../base/os/disk.ts";
import type { Os } from "../../base/os/os.ts";
import { unlessFull } from "../../base/os/unless-full.ts";
import { text, utf8 } from "../../base/wire.ts";
import type {
  KnownAttachment,
  NodeNetworkConfig,
  PodAddress,
  PodAttachment,
  PodNetwork,
} from "../network-seam.ts";
import { AddressPool, parseRange } from "./address-pool.ts";
import type { HostPorts } from "./host-ports.ts";
import type { PodIsolation } from "./policies/pod-isolation.ts";
import { ipBatch, runProgram } from "./programs.ts";

/** Pods on a bridge, each with a veth pair. A pod knows only its own address and a route to the gateway: all its traffic,
 *  even to a neighbour on the same bridge, is routed through the node, so that address translation sees both directions
 *  of a Service's connections. */
export const bridgeName = "pintle-pods";

export interface BridgeParts {
  readonly hostPorts: HostPorts;
  readonly isolation: PodIsolation;
  /** Keeps pods from sending past the node, given the bridge's hardware address. */
  readonly fence: (hardwareAddress: string) => Promise<void>;
}

export async function openBridgePods(
  config: NodeNetworkConfig,
  os: Os,
  { hostPorts, isolation, fence }: BridgeParts,
): Promise<PodNetwork> {
  const path = join(config.stateDir, "addresses.json");
  const pool = new AddressPool(parseRange(config.podCidr), await savedAddresses(path, config.podCidr));
  await fence(await makeBridge(pool));
  let saving: Promise<void> = Promise.resolve();
  const save = () => {
    // One write after the other, whatever became of the one before; each writes what is true when its turn comes.
    const write = () =>
      replaceFile(
        os.disk,
        path,
        utf8(JSON.stringify({ podCidr: config.podCidr, addresses: pool.entries() })),
      );
    saving = saving.then(write, write);
    return saving;
  };

  async function attach(pod: PodAttachment): Promise<PodAddress> {
    if (pod.netnsPath === undefined)
      throw new Error(`pod ${pod.namespace}/${pod.name} has no network namespace to connect`);
    const podIp = pool.acquire(pod.sandboxId);
    const gateway = pool.gateway;
    try {
      await save();
      await isolation.admit(pod, podIp);
      const outside = linkName(pod.sandboxId);
      await ipBatch([
        `link add ${outside} type veth peer name eth0 netns ${pod.netnsPath}`,
        `link set ${outside} master ${bridgeName} up`,
        // Where the kernel filters bridged packets too, a pod that meets itself goes back out of the port it came in by.
        `link set ${outside} type bridge_slave hairpin on`,
      ]);
      await ipBatch(
        [
          "link set lo up",
          `addr add ${podIp}/32 dev eth0`,
          "link set eth0 up",
          `route add ${gateway} dev eth0 scope link`,
          `route add default via ${gateway} dev eth0`,
        ],
        pod.netnsPath,
      );
      await hostPorts.set(pod.sandboxId, podIp, pod.hostPorts);
    } catch (error) {
      await detach(pod);
      throw new Error(`cannot connect pod ${pod.namespace}/${pod.name}`, { cause: error });
    }
    return { podIp, gateway };
  }

  async function detach(pod: Pick<PodAttachment, "sandboxId">): Promise<void> {
    await hostPorts.remove(pod.sandboxId);
    await removeLink(linkName(pod.sandboxId));
    isolation.release(pod.sandboxId);
    pool.release(pod.sandboxId);
    await unlessFull(save()); // then the next agent finds that nobody has the address
  }

  return {
    async attach(pod) {
      const known = pool.entries().find(([owner]) => owner === pod.sandboxId);
      if (known !== undefined && (await podLinks()).has(linkName(pod.sandboxId)))
        return { podIp: known[1], gateway: pool.gateway };
      return await attach(pod);
    },
    detach,
    async restore(known: readonly KnownAttachment[]) {
      const links = await podLinks();
      const lost = known.filter(
        (pod) => !links.has(linkName(pod.sandboxId)) || pool.acquire(pod.sandboxId) !== pod.podIp,
      );
      const kept = new Set(known.filter((pod) => !lost.includes(pod)).map((pod) => pod.sandboxId));
      for (const [owner] of pool.entries()) if (!kept.has(owner)) pool.release(owner);
      const keptLinks = new Set([...kept].map(linkName));
      for (const link of links) if (!keptLinks.has(link)) await removeLink(link);
      for (const pod of known) {
        if (!kept.has(pod.sandboxId)) continue;
        try {
          await hostPorts.set(pod.sandboxId, pod.podIp, pod.hostPorts);
        } catch (error) {
          // One pod's ports must not keep the node from starting: that pod is made anew, and refused by name.
          os.log.warn("cannot restore a pod's host ports", {
            namespace: pod.namespace,
            pod: pod.name,
            error,
          });
          await removeLink(linkName(pod.sandboxId));
          pool.release(pod.sandboxId);
          lost.push(pod);
        }
      }
      await unlessFull(save());
      isolation.restored(known.filter((pod) => !lost.includes(pod)));
      return lost.map((pod) => pod.sandboxId);
    },
  };
}

/** The node's end of a pod's veth pair; interface names have at most 15 characters. */
function linkName(sandboxId: string): string {
  return `pp${createHash("sha256").update(sandboxId).digest("hex").slice(0, 12)}`;
}

async function podLinks(): Promise<Set<string>> {
  const rows = JSON.parse(await runProgram("ip", ["-json", "link", "show", "type", "veth"])) as {
    ifname?: string;
  }[];
  return new Set(rows.map((row) => row.ifname ?? "").filter((name) => /^pp[0-9a-f]{12}$/.test(name)));
}

async function removeLink(name: string): Promise<void> {
  try {
    await runProgram("ip", ["link", "delete", name]);
  } catch (error) {
    // Gone with the pod's namespace already: that is what was wanted.
    if (!(error instanceof Error && /Cannot find device/.test(error.message))) throw error;
  }
}

/** Answers the bridge's hardware address. */
async function makeBridge(pool: AddressPool): Promise<string> {
  const links = JSON.parse(await runProgram("ip", ["-json", "addr", "show"])) as {
    ifname?: string;
    address?: string;
    addr_info?: { local?: string }[];
  }[];
  const bridge = links.find((link) => link.ifname === bridgeName);
  if (bridge === undefined) await ipBatch([`link add ${bridgeName} type bridge`]);
  // One of its own: left alone, a bridge takes the lowest of its ports', and pods know another as ports come and go.
  const hardwareAddress = bridge?.address ?? hardwareAddressFor(pool.gateway);
  const stale = (bridge?.addr_info ?? []).filter(
    (row) => row.local !== pool.gateway && row.local?.includes("."),
  );
  await ipBatch([
    ...stale.map((row) => `addr del ${row.local}/32 dev ${bridgeName}`),
    ...(bridge?.addr_info?.some((row) => row.local === pool.gateway)
      ? []
      : [`addr add ${pool.gateway}/32 dev ${bridgeName}`]),
    `link set ${bridgeName} address ${hardwareAddress} up`,
    `route replace ${pool.range.text} dev ${bridgeName} scope link src ${pool.gateway}`,
  ]);
  await writeFile("/proc/sys/net/ipv4/ip_forward", "1");
  // Pods reach their neighbours through us on purpose; do not tell them of a shorter way.
  await writeFile(`/proc/sys/net/ipv4/conf/${bridgeName}/send_redirects`, "0");
  await writeFile("/proc/sys/net/ipv4/conf/all/send_redirects", "0");
  return hardwareAddress;
}

/** Adds an address to the bridge, which loses it when the next agent makes sure of the bridge. */
export async function takeBridgeAddress(address: string): Promise<void> {
  await ipBatch([`addr replace ${address}/32 dev ${bridgeName}`]);
}

async function savedAddresses(path: string, podCidr: string): Promise<[string, string][]> {
  let content: string;
  try {
    content = text(await readFile(path));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
  const saved = JSON.parse(content) as { podCidr: string; addresses: [string, string][] };
  return saved.podCidr === podCidr ? saved.addresses : [];
}
