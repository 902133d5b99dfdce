import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { ApiClient } from "../../client/api.ts";
import type { EventRecorder } from "../../client/events.ts";
import type { Informer } from "../../client/informer.ts";
import { resources } from "../../client/resources.ts";
import {
  answersIngresses,
  frontAnnotations,
  frontOf,
  type IngressFront,
  isOwnClass,
} from "../../client/rules/ingress-class.ts";
import type { IngressClass, Node } from "../../client/types.ts";
import type { FrontPorts, OpenedPorts, Serving } from "./serving.ts";
import { TouchedLoop } from "./touched-loop.ts";

export interface NodeFrontParts {
  readonly nodeName: string;
  readonly ports: FrontPorts;
  readonly serving: Pick<Serving, "open" | "shut">;
  /** Resolves once requests may come. */
  readonly prepare: (signal: AbortSignal) => Promise<void>;
  readonly nodes: Informer<Node>;
  readonly classes: Informer<IngressClass>;
  readonly client: Pick<ApiClient, "patch">;
  readonly events: Pick<EventRecorder, "record">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Keeps the node's ports for Ingresses open while there is a class of ours, and says on the Node where they are. */
export class NodeFront {
  readonly #parts: NodeFrontParts;
  #opened: OpenedPorts | undefined;
  #said = "";
  readonly #loop = new TouchedLoop();

  constructor(parts: NodeFrontParts) {
    this.#parts = parts;
  }

  touch = (): void => this.#loop.touch();

  /** The ports were closed, not by us. */
  broken(): void {
    this.#opened = undefined;
    this.touch();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { nodes, classes, clock, log, nodeName } = this.#parts;
    const onNode = (node: Node) => node.metadata.name === nodeName && this.touch();
    const handler = { onAdd: this.touch, onUpdate: this.touch, onDelete: this.touch };
    const off = [
      classes.subscribe(handler),
      nodes.subscribe({ onAdd: onNode, onUpdate: onNode, onDelete: onNode }),
    ];
    const onError = (error: unknown) =>
      log.warn("cannot say where the node answers for Ingresses; trying again", { error });
    try {
      await this.#loop.run({ clock, keep: () => this.#keep(signal), onError }, signal);
    } finally {
      for (const one of off) one();
    }
  }

  /** False: something is to be tried again. */
  async #keep(signal: AbortSignal): Promise<boolean> {
    const { nodes, classes, client, nodeName, ports, serving, log } = this.#parts;
    const node = nodes.getByKey(nodeName);
    if (node === undefined) return true;
    const isWanted = classes.list().some(isOwnClass) && answersIngresses(node);
    if (isWanted) {
      if (this.#opened === undefined) await this.#parts.prepare(signal);
      this.#opened = await serving.open(ports);
      this.#sayTrouble(node, this.#opened);
    } else if (this.#opened !== undefined) {
      await serving.shut();
      this.#opened = undefined;
      log.info("the node answers for no Ingress any more");
    }
    const front = isWanted && this.#opened ? frontFrom(this.#addresses, this.#opened) : undefined;
    if (JSON.stringify(frontOf(node)) !== JSON.stringify(front)) {
      const annotations = frontAnnotations(front);
      await client.patch(
        resources.nodes,
        { name: nodeName },
        { metadata: { annotations } },
        { type: "merge", signal },
      );
      if (front !== undefined) log.info("the node answers for Ingresses", { ...front });
    }
    return !isWanted || (typeof this.#opened?.http === "number" && typeof this.#opened.https === "number");
  }

  get #addresses(): readonly string[] {
    const { address, alsoAt = [] } = this.#parts.ports;
    return [address, ...alsoAt];
  }

  #sayTrouble(node: Node, opened: OpenedPorts): void {
    const { ports, events, log } = this.#parts;
    const trouble = (["http", "https"] as const).flatMap((kind) =>
      typeof opened[kind] === "string"
        ? [
            `cannot listen on ${this.#addresses.join(" and ")} at ${ports[kind]} (${opened[kind]}): choose another with --ingress-${kind}-port`,
          ]
        : [],
    );
    const message = trouble.join("; ");
    if (message === this.#said) return;
    this.#said = message;
    if (message === "") return;
    log.warn("a port for Ingresses cannot be had; trying again", { why: message });
    events.record(node, { type: "Warning", reason: "IngressPortNotOpen", message });
  }
}

function frontFrom(addresses: readonly string[], { http, https }: OpenedPorts): IngressFront | undefined {
  const open = [http, https].filter((port): port is number => typeof port === "number");
  return open.length === 0 ? undefined : { addresses, ports: open };
}
