import { stat } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import type { Os } from "../../../base/os/os.ts";
import {
  type KnownAttachment,
  networkNotReady,
  type PodAddress,
  type PodAttachment,
  type PodNetwork,
} from "../../network-seam.ts";
import type { HostPorts } from "../host-ports.ts";
import {
  type AttachmentRecord,
  AttachmentRecords,
  type NetnsId,
  sandboxIdPattern,
} from "./attachment-records.ts";
import { capabilityArgs, podArgs } from "./capability-args.ts";
import { type CniNetwork, type Connection, NetworkNotReady } from "./cni-network.ts";
import { isAtLeast } from "./cni-versions.ts";
import { addressesOf, type GivenAddress } from "./plugin-answer.ts";

/** The one interface that pods have. */
const ifName = "eth0";

/** Of an earlier agent's sandboxes: a process each. */
const restoredAtOnce = 4;

export interface CniPodsDeps {
  readonly network: CniNetwork;
  /** For networks whose plugins map no ports. */
  readonly hostPorts: HostPorts;
  /** The node's own ranges of pod addresses, as far as it has any, for plugins that ask for them. */
  readonly podCidrs: () => Promise<readonly string[]>;
  /** By its family a pod's first address is chosen. */
  readonly nodeIp: string;
  readonly os: Pick<Os, "disk" | "log">;
}

/** Pods on a network of CNI plugins. What is asked of one sandbox is done one after the other. */
export class CniPods implements PodNetwork {
  readonly #deps: CniPodsDeps;
  readonly #records: AttachmentRecords;
  readonly #busy = new Map<string, Promise<unknown>>();

  private constructor(deps: CniPodsDeps, records: AttachmentRecords) {
    this.#deps = deps;
    this.#records = records;
  }

  static async open(stateDir: string, deps: CniPodsDeps): Promise<CniPods> {
    return new CniPods(deps, await AttachmentRecords.open(join(stateDir, "cni"), deps.os));
  }

  /** Whether a pod that is connected has this address. */
  hasAddress(address: string): boolean {
    return this.#records.all().some((record) => record.addresses.some((one) => one.address === address));
  }

  secondIpOf(sandboxId: string): string | undefined {
    const record = this.#records.get(sandboxId);
    return record === undefined || record.addresses.length === 0 ? undefined : podAddress(record).secondIp;
  }

  attach(pod: PodAttachment): Promise<PodAddress> {
    return this.#inTurn(pod.sandboxId, () => this.#attach(pod));
  }

  detach({ sandboxId }: Pick<PodAttachment, "sandboxId">): Promise<void> {
    return this.#inTurn(sandboxId, async () => {
      const record = this.#records.get(sandboxId);
      if (record !== undefined) await this.#undo(record);
    });
  }

  async restore(known: readonly KnownAttachment[]): Promise<readonly string[]> {
    const { network, hostPorts, os } = this.#deps;
    const claimed = new Map(known.map((pod) => [pod.sandboxId, pod]));
    const unknown = known.filter(({ sandboxId }) => this.#records.get(sandboxId) === undefined);
    const lost = new Set(unknown.map(({ sandboxId }) => sandboxId));
    const records = [...this.#records.all()];
    const workers = Array.from({ length: restoredAtOnce }, async () => {
      for (let record = records.pop(); record !== undefined; record = records.pop()) {
        const pod = claimed.get(record.sandboxId);
        if (!(await this.#keeps(record, pod))) lost.add(record.sandboxId);
      }
    });
    await Promise.all(workers);
    await hostPorts.restored();
    const valid = this.#records.all().map(({ sandboxId }) => ({ containerId: sandboxId, ifName }));
    await network.gc(valid).catch((error: unknown) => {
      // Before a network is installed there is nothing to remove.
      if (!(error instanceof NetworkNotReady))
        os.log.warn("plugins cannot remove what is left over", { error });
    });
    return known.map(({ sandboxId }) => sandboxId).filter((sandboxId) => lost.has(sandboxId));
  }

  /** Whether a sandbox of before is taken over; what is not is undone. */
  async #keeps(record: AttachmentRecord, pod: KnownAttachment | undefined): Promise<boolean> {
    const { network, hostPorts, os } = this.#deps;
    try {
      if (pod === undefined) throw new Error("nobody claims it");
      if (record.result === undefined) throw new Error("it was not made to its end");
      if ((await this.#netnsPathOf(record)) === "") throw new Error("its network namespace is gone");
      for (const [, fault] of await network.check(record, record.checkedBy ?? [])) throw fault;
      if (!mapsPorts(record))
        await hostPorts.set(pod.sandboxId, [pod.podIp, pod.secondIp ?? []].flat(), pod.hostPorts);
      return true;
    } catch (error) {
      if (pod !== undefined)
        os.log.warn("a pod's network cannot go on", { namespace: pod.namespace, pod: pod.name, error });
    }
    await this.#undo(record).catch((error: unknown) =>
      os.log.warn("cannot undo a sandbox's network; the next agent tries", {
        sandbox: record.sandboxId,
        error,
      }),
    );
    return false;
  }

  async #attach(pod: PodAttachment): Promise<PodAddress> {
    const { sandboxId, netnsPath } = pod;
    if (netnsPath === undefined)
      throw new Error(`pod ${pod.namespace}/${pod.name} has no network namespace to connect`);
    if (!sandboxIdPattern.test(sandboxId))
      throw new Error(`${JSON.stringify(sandboxId)} is no id of a sandbox`);
    const known = this.#records.get(sandboxId);
    if (known !== undefined) {
      if (known.result !== undefined && (await this.#netnsPathOf(known)) === netnsPath)
        return podAddress(known);
      await this.#undo(known);
    }
    const connection = await this.#connectionFor(pod, netnsPath);
    const begun = { ...connection, addresses: [] };
    await this.#records.put(begun);
    try {
      const result = await this.#deps.network.add(connection);
      const given = addressesOf(`network ${connection.network}`, result, ifName);
      const made = { ...connection, result, addresses: inOrder(given, this.#deps.nodeIp) };
      await this.#records.put({ ...made, checkedBy: await this.#checkedBy(made) });
      const address = podAddress(made);
      const podIps = [address.podIp, address.secondIp ?? []].flat();
      if (!mapsPorts(made)) await this.#deps.hostPorts.set(sandboxId, podIps, pod.hostPorts);
      return address;
    } catch (error) {
      const what = `cannot connect pod ${pod.namespace}/${pod.name}`;
      const left = this.#records.get(sandboxId) ?? begun;
      await this.#undo(left).catch((cause: unknown) =>
        this.#deps.os.log.warn(`${what}, nor undo it`, { error: cause }),
      );
      throw new Error(what, { cause: error });
    }
  }

  /** Who finds what was just made well: some plugins' CHECK takes what they made themselves for broken. */
  async #checkedBy(record: AttachmentRecord): Promise<readonly number[]> {
    if (record.disableCheck || !isAtLeast(record.cniVersion, "0.4.0")) return [];
    const { network, os } = this.#deps;
    const all = record.plugins.map((_, place) => place);
    const faults = await network.check(record, all);
    for (const [, error] of faults)
      os.log.debug("a plugin takes what was just made for broken", { network: record.network, error });
    return all.filter((place) => !faults.has(place));
  }

  async #connectionFor(pod: PodAttachment, netnsPath: string): Promise<Connection> {
    const { network, podCidrs } = this.#deps;
    const { list, version } = await network.usable().catch((error: unknown) => {
      throw error instanceof NetworkNotReady ? new Error(`${networkNotReady}: ${error.message}`) : error;
    });
    return {
      sandboxId: pod.sandboxId,
      ifName,
      network: list.name,
      cniVersion: version,
      disableCheck: list.disableCheck,
      plugins: list.plugins,
      args: podArgs(pod),
      capabilityArgs: capabilityArgs(pod, await podCidrs()),
      netns: await netnsIdOf(netnsPath),
    };
  }

  /** Nothing stays that is known; what plugins cannot undo now is kept, and tried again. */
  async #undo(record: AttachmentRecord): Promise<void> {
    await this.#deps.hostPorts.remove(record.sandboxId);
    await this.#deps.network.del(record, await this.#netnsPathOf(record));
    await this.#records.remove(record.sandboxId);
  }

  /** Empty where another namespace, or none, has this path now: plugins must not touch that. */
  async #netnsPathOf({ netns }: AttachmentRecord): Promise<string> {
    try {
      const now = await netnsIdOf(netns.path);
      return now.inode === netns.inode && now.device === netns.device ? netns.path : "";
    } catch (error) {
      if (
        error instanceof Error &&
        "code" in error &&
        ["ENOENT", "ENOTDIR", "ESRCH", "EACCES"].includes(String(error.code))
      )
        return "";
      throw error;
    }
  }

  #inTurn<T>(sandboxId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(sandboxId) ?? Promise.resolve();
    const done = before.then(work, work);
    const settled = done.then(
      () => undefined,
      () => undefined, // its caller hears of it
    );
    this.#busy.set(sandboxId, settled);
    void settled.then(() => {
      if (this.#busy.get(sandboxId) === settled) this.#busy.delete(sandboxId);
    });
    return done;
  }
}

async function netnsIdOf(path: string): Promise<NetnsId> {
  const { dev, ino } = await stat(path);
  return { path, device: dev, inode: ino };
}

const mapsPorts = ({ plugins }: Pick<AttachmentRecord, "plugins">): boolean =>
  plugins.some(({ capabilities }) => capabilities.includes("portMappings"));

/** Those of the node's own family first, otherwise as the plugin has them. */
function inOrder(given: readonly GivenAddress[], nodeIp: string): readonly GivenAddress[] {
  const isV6 = isIPv6(nodeIp);
  const isFirst = ({ address }: GivenAddress) => address.includes(":") === isV6;
  return [...given.filter(isFirst), ...given.filter((one) => !isFirst(one))];
}

function podAddress({ network, addresses }: Pick<AttachmentRecord, "network" | "addresses">): PodAddress {
  const [first] = addresses;
  if (first === undefined) throw new Error(`network ${network} gave ${ifName} no address`);
  // One of each family, as pods have them.
  const other = addresses.find(({ address }) => address.includes(":") !== first.address.includes(":"));
  return {
    podIp: first.address,
    gateway: first.gateway,
    ...(other !== undefined && { secondIp: other.address }),
  };
}
