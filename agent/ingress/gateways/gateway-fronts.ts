import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { ApiClient } from "../../../client/api.ts";
import type { EventRecorder } from "../../../client/events.ts";
import {
  type GatewayPorts,
  gatewayPortsAnnotations,
  gatewayPortsText,
  nodeAddresses,
} from "../../../client/gateway/gateway-class.ts";
import type { Informer } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import { answersIngresses } from "../../../client/rules/ingress-class.ts";
import type { Node } from "../../../client/types.ts";
import type { Serving } from "../serving.ts";
import { TouchedLoop } from "../touched-loop.ts";
import type { GatewayPort } from "./gateway-plan.ts";

export interface GatewayFrontsParts {
  readonly nodeName: string;
  readonly serving: Pick<Serving, "open" | "shut">;
  /** What is to be open; undefined while that is not known. */
  readonly wanted: () => readonly GatewayPort[] | undefined;
  /** Not to be opened yet; `touch` is called when it is. */
  readonly isWaiting: (entry: string) => boolean;
  readonly nodes: Informer<Node>;
  readonly client: Pick<ApiClient, "patch">;
  readonly events: Pick<EventRecorder, "record">;
  readonly clock: Clock;
  readonly log: Log;
}

interface Open {
  readonly port: GatewayPort;
  /** Of the node. */
  readonly at: number;
}

/** Keeps a port of the node open for each port of a Gateway, whichever is free, and says on the Node which. */
export class GatewayFronts {
  readonly #parts: GatewayFrontsParts;
  #open = new Map<string, Open>();
  readonly #troubled = new Map<string, string>();
  readonly #loop = new TouchedLoop();

  constructor(parts: GatewayFrontsParts) {
    this.#parts = parts;
  }

  touch = (): void => this.#loop.touch();

  /** The ports were closed, not by us. */
  broken(): void {
    this.#open = new Map();
    this.touch();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { nodes, nodeName, clock, log } = this.#parts;
    const onNode = ({ metadata }: Node) => metadata.name === nodeName && this.touch();
    const off = nodes.subscribe({ onAdd: onNode, onUpdate: onNode, onDelete: onNode });
    const onError = (error: unknown) =>
      log.warn("cannot say where the node answers for Gateways; trying again", { error });
    try {
      await this.#loop.run({ clock, keep: () => this.#keep(signal), onError }, signal);
    } finally {
      off();
    }
  }

  /** False: something is to be tried again. */
  async #keep(signal: AbortSignal): Promise<boolean> {
    const { nodes, nodeName, client } = this.#parts;
    const node = nodes.getByKey(nodeName);
    const all = this.#parts.wanted();
    const [address, ...alsoAt] = node === undefined ? [] : nodeAddresses(node);
    if (node === undefined || address === undefined || all === undefined) return true;
    const wanted = new Map((answersIngresses(node) ? all : []).map((port) => [port.entry, port]));
    await this.#shutOthers(wanted);
    const areOpen = await this.#openAll([...wanted.values()], { node, address, alsoAt });
    const annotations = gatewayPortsAnnotations(this.#portsOfGateways());
    const [text = null] = Object.values(annotations);
    if ((gatewayPortsText(node.metadata.annotations) || null) !== text)
      await client.patch(
        resources.nodes,
        { name: nodeName },
        { metadata: { annotations } },
        { type: "merge", signal },
      );
    return areOpen;
  }

  async #shutOthers(wanted: ReadonlyMap<string, GatewayPort>): Promise<void> {
    for (const [entry, { port }] of [...this.#open])
      if (wanted.get(entry)?.isTls !== port.isTls) {
        this.#open.delete(entry);
        await this.#parts.serving.shut(entry);
      }
  }

  async #openAll(
    wanted: readonly GatewayPort[],
    {
      node,
      address,
      alsoAt,
    }: { readonly node: Node; readonly address: string; readonly alsoAt: readonly string[] },
  ): Promise<boolean> {
    const { serving, events, log, isWaiting } = this.#parts;
    for (const port of wanted) {
      const { entry, isTls } = port;
      if (this.#open.has(entry) || isWaiting(entry)) continue;
      const kind = isTls ? "https" : "http";
      const opened = await serving.open({ entry, address, alsoAt, [kind]: 0, reachedBy: port.port });
      const at = opened[kind];
      if (typeof at === "number") {
        this.#open.set(entry, { port, at });
        this.#troubled.delete(entry);
        log.info("the node answers for a Gateway", { gateway: port.gateway, port: port.port, at });
        continue;
      }
      const message = `cannot listen on ${[address, ...alsoAt].join(" and ")} for port ${port.port} of Gateway ${port.gateway} (${at})`;
      if (this.#troubled.get(entry) === message) continue;
      this.#troubled.set(entry, message);
      log.warn("a port for a Gateway cannot be had; trying again", { why: message });
      events.record(node, { type: "Warning", reason: "GatewayPortNotOpen", message });
    }
    return wanted.every(({ entry }) => this.#open.has(entry) || isWaiting(entry));
  }

  #portsOfGateways(): GatewayPorts {
    const made: Record<string, Record<string, number>> = {};
    const inOrder = [...this.#open.values()].sort((a, b) => (a.port.entry < b.port.entry ? -1 : 1));
    for (const { port, at } of inOrder)
      made[port.gateway] = { ...made[port.gateway], [String(port.port)]: at };
    return made;
  }
}
