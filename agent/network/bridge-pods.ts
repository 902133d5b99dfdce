import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
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
import { atOnce, bridgeName, makeBridge, whole } from "./pod-bridge.ts";
import type { PodIsolation } from "./policies/pod-isolation.ts";
import { ipBatch, removeLink, runProgram } from "./programs.ts";

export interface BridgeParts {
  readonly hostPorts: HostPorts;
  readonly isolation: PodIsolation;
  /** Keeps pods from sending past the node, given the bridge's hardware address. */
  readonly fence: (hardwareAddress: string) => Promise<void>;
}

/** Pods on a bridge, each with a veth pair. A pod knows only its own addresses and a route to the gateway: all its traffic,
 *  even to a neighbour on the same bridge, is routed through the node, so that address translation sees both directions
 *  of a Service's connections. */
export async function openBridgePods(
  config: NodeNetworkConfig,
  os: Os,
  { hostPorts, isolation, fence }: BridgeParts,
): Promise<PodNetwork> {
  const path = join(config.stateDir, "addresses.json");
  const saved = await savedAddresses(path);
  const ranges = [config.podCidr, config.v6?.podCidr ?? ""].filter((range) => range !== "");
  const pools = ranges.map((range) => new AddressPool(parseRange(range), saved(range)));
  const [pool, pool6] = pools;
  if (pool === undefined) throw new Error("this node has no range of pods");
  const hardwareAddress = await makeBridge(pools);
  await fence(hardwareAddress);
  const addressesOf = (sandboxId: string): PodAddress => {
    const secondIp = pool6?.addressOf(sandboxId);
    return {
      podIp: pool.addressOf(sandboxId) ?? "",
      gateway: pool.gateway,
      ...(secondIp !== undefined && { secondIp }),
    };
  };
  const release = (sandboxId: string) => {
    for (const one of pools) one.release(sandboxId);
  };
  let saving: Promise<void> = Promise.resolve();
  const save = () => {
    // One write after the other, whatever became of the one before; each writes what is true when its turn comes.
    const write = () =>
      replaceFile(
        os.disk,
        path,
        utf8(
          JSON.stringify({
            podCidr: config.podCidr,
            addresses: pool.entries(),
            ...(pool6 !== undefined && {
              second: { podCidr: config.v6?.podCidr, addresses: pool6.entries() },
            }),
          }),
        ),
      );
    saving = saving.then(write, write);
    return saving;
  };

  async function attach(pod: PodAttachment): Promise<PodAddress> {
    if (pod.netnsPath === undefined)
      throw new Error(`pod ${pod.namespace}/${pod.name} has no network namespace to connect`);
    try {
      for (const one of pools) one.acquire(pod.sandboxId);
      const address = addressesOf(pod.sandboxId);
      await save();
      await isolation.admit(pod, address);
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
          `addr add ${whole(address.podIp)} dev eth0`,
          "link set eth0 up",
          `route add ${address.gateway} dev eth0 scope link`,
          `route add default via ${address.gateway} dev eth0`,
          ...(address.secondIp === undefined || pool6 === undefined
            ? []
            : [
                `addr add ${whole(address.secondIp)} dev eth0${atOnce(address.secondIp)}`,
                `route add ${whole(pool6.gateway)} dev eth0`,
                // It need ask nobody, and so has no cause to send to more than the gateway.
                `neigh replace ${pool6.gateway} lladdr ${hardwareAddress} dev eth0 nud permanent`,
                `route add ::/0 via ${pool6.gateway} dev eth0`,
              ]),
        ],
        pod.netnsPath,
      );
      await hostPorts.set(pod.sandboxId, ipsOf(address), pod.hostPorts);
      return address;
    } catch (error) {
      await detach(pod);
      throw new Error(`cannot connect pod ${pod.namespace}/${pod.name}`, { cause: error });
    }
  }

  async function detach(pod: Pick<PodAttachment, "sandboxId">): Promise<void> {
    await hostPorts.remove(pod.sandboxId);
    await removeLink(linkName(pod.sandboxId));
    isolation.release(pod.sandboxId);
    release(pod.sandboxId);
    await unlessFull(save()); // then the next agent finds that nobody has the address
  }

  return {
    async attach(pod) {
      const isKnown = pool.addressOf(pod.sandboxId) !== undefined;
      if (isKnown && (await podLinks()).has(linkName(pod.sandboxId))) return addressesOf(pod.sandboxId);
      return await attach(pod);
    },
    detach,
    secondIpOf: (sandboxId) => pool6?.addressOf(sandboxId),
    async restore(known: readonly KnownAttachment[]) {
      const links = await podLinks();
      const keepsAddresses = ({ sandboxId, podIp, secondIp }: KnownAttachment) =>
        pool.acquire(sandboxId) === podIp &&
        // One from before the node had a second range goes on without.
        (secondIp === undefined || pool6?.acquire(sandboxId) === secondIp);
      const lost = known.filter((pod) => !links.has(linkName(pod.sandboxId)) || !keepsAddresses(pod));
      const kept = new Set(known.filter((pod) => !lost.includes(pod)).map((pod) => pod.sandboxId));
      for (const one of pools) for (const [owner] of one.entries()) if (!kept.has(owner)) one.release(owner);
      const keptLinks = new Set([...kept].map(linkName));
      for (const link of links) if (!keptLinks.has(link)) await removeLink(link);
      for (const pod of known) {
        if (!kept.has(pod.sandboxId)) continue;
        try {
          await hostPorts.set(pod.sandboxId, ipsOf(pod), pod.hostPorts);
        } catch (error) {
          // One pod's ports must not keep the node from starting: that pod is made anew, and refused by name.
          os.log.warn("cannot restore a pod's host ports", {
            namespace: pod.namespace,
            pod: pod.name,
            error,
          });
          await removeLink(linkName(pod.sandboxId));
          release(pod.sandboxId);
          lost.push(pod);
        }
      }
      await hostPorts.restored();
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

const ipsOf = ({ podIp, secondIp }: PodAddress): readonly string[] => [podIp, secondIp ?? []].flat();

/** By their range: those of another are nobody's any more. */
async function savedAddresses(path: string): Promise<(podCidr: string) => [string, string][]> {
  let content: string;
  try {
    content = text(await readFile(path));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return () => [];
    throw error;
  }
  type Saved = { podCidr: string; addresses: [string, string][] };
  const { second, ...first } = JSON.parse(content) as Saved & { second?: Saved };
  return (podCidr) =>
    [first, second ?? []].flat().find((saved) => saved.podCidr === podCidr)?.addresses ?? [];
}
