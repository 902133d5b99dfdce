import type { ApiClient } from "../../client/api.ts";
import { isAlreadyExists, isConflict, isNotFound, orAbsent } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { CSINode, Draft, Node } from "../../client/types.ts";
import type { NodeFacts } from "./driver-facts.ts";

type Driver = CSINode["spec"]["drivers"][number];
type Client = Pick<ApiClient, "get" | "create" | "update" | "patch" | "delete">;

const triesMost = 5;

/** What a node's CSINode says of a driver. Pure. */
function driverEntry(name: string, { nodeId, volumesMost, topology }: NodeFacts): Driver {
  return {
    name,
    nodeID: nodeId,
    topologyKeys: Object.keys(topology).sort(),
    ...(volumesMost !== undefined && { allocatable: { count: volumesMost } }),
  };
}

/** Tells the cluster which CSI drivers this node has: by its CSINode, and by labels from where their volumes are reached. */
export class CsiNodeObject {
  readonly #client: Client;
  readonly #nodeName: string;
  /** One write after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(client: Client, nodeName: string) {
    this.#client = client;
    this.#nodeName = nodeName;
  }

  /** Rejects where a label of the driver's topology has another value by now. */
  put(name: string, facts: NodeFacts, signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      await this.#label(facts, signal);
      await this.#change(signal, (drivers) => [
        ...drivers.filter((one) => one.name !== name),
        driverEntry(name, facts),
      ]);
    });
  }

  remove(name: string, signal: AbortSignal): Promise<void> {
    return this.#inTurn(() => this.#change(signal, (drivers) => drivers.filter((one) => one.name !== name)));
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const before = this.#last;
    const mine = before.then(work);
    this.#last = mine.catch(() => undefined); // whoever asked for it hears it
    await mine;
  }

  async #label({ topology }: NodeFacts, signal: AbortSignal): Promise<void> {
    const keys = Object.keys(topology);
    if (keys.length === 0) return;
    const name = this.#nodeName;
    const { labels = {} } = (await this.#client.get(resources.nodes, { name }, { signal })).metadata;
    for (const key of keys)
      if (labels[key] !== undefined && labels[key] !== topology[key])
        throw new Error(
          `detected topology value collision: driver reported "${key}":"${topology[key]}" but existing label is "${key}":"${labels[key]}"`,
        );
    if (keys.every((key) => labels[key] !== undefined)) return;
    await this.#client.patch(
      resources.nodes,
      { name },
      { metadata: { labels: topology } },
      { type: "merge", signal },
    );
  }

  async #change(signal: AbortSignal, next: (drivers: readonly Driver[]) => readonly Driver[]): Promise<void> {
    for (let tries = 1; ; tries++)
      try {
        await this.#changeOnce(signal, next);
        return;
      } catch (error) {
        const isRaced = isConflict(error) || isAlreadyExists(error) || isNotFound(error);
        if (!isRaced || tries === triesMost) throw error;
      }
  }

  async #changeOnce(
    signal: AbortSignal,
    next: (drivers: readonly Driver[]) => readonly Driver[],
  ): Promise<void> {
    const client = this.#client;
    const name = this.#nodeName;
    const found = await orAbsent(client.get(resources.csinodes, { name }, { signal }));
    const before = found?.spec.drivers ?? [];
    const drivers = [...next(before)];
    if (found !== undefined && JSON.stringify(before) === JSON.stringify(drivers)) return;
    if (found === undefined && drivers.length === 0) return;
    const node = await client.get(resources.nodes, { name }, { signal });
    const { uid } = node.metadata;
    // One of an earlier Node of this name goes with that, as soon as garbage is collected.
    if (found !== undefined && !isOwnedBy(found, node)) {
      const preconditions = { uid: found.metadata.uid };
      await orAbsent(client.delete(resources.csinodes, { name }, { preconditions, signal }));
    }
    if (found !== undefined && isOwnedBy(found, node)) {
      await client.update(resources.csinodes, { ...found, spec: { ...found.spec, drivers } }, { signal });
      return;
    }
    const ownerReferences = [{ apiVersion: "v1", kind: "Node", name, uid }];
    const made = { metadata: { name, ownerReferences }, spec: { drivers } } as Draft<CSINode>;
    await client.create(resources.csinodes, made, { signal });
  }
}

const isOwnedBy = ({ metadata }: CSINode, node: Node): boolean =>
  (metadata.ownerReferences ?? []).some(({ kind, uid }) => kind === "Node" && uid === node.metadata.uid);
