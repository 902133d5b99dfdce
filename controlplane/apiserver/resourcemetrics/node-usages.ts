import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { KubeObject, Node } from "../../../client/types.ts";
import { agentAddress } from "../reach/node-address.ts";
import type { NodeUsage } from "./read-summary.ts";

/** How many nodes are asked at the same time, whoever wants to know: most of an answer's time is the agent's. */
export const askedAtOnceMax = 100;
/** So long an answer is everybody's. Agents measure every ten seconds. */
export const sharedMs = 5_000;
/** So long it is everybody's that there was none: an agent that has just begun answers soon. */
export const failureSharedMs = 1_000;

export interface NodeUsagesDeps {
  /** Fails with an Error that says why there is no answer. */
  readonly ask: (node: KubeObject) => Promise<NodeUsage>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Known {
  readonly answer: Promise<NodeUsage | undefined>;
  /** Infinite while it is under way. */
  untilMs: number;
}

/** What nodes say of their use, asked when somebody wants to know: nobody asks, nothing runs and nothing is kept.
 *  Invariants: no node is asked twice within `sharedMs` (`failureSharedMs` where it did not answer), nor more than
 *  `askedAtOnceMax` nodes at once. */
export class NodeUsages {
  readonly #deps: NodeUsagesDeps;
  readonly #known = new Map<string, Known>();
  readonly #waiting: (() => void)[] = [];
  #asked = 0;
  #cancelForgetting: (() => void) | undefined;

  constructor(deps: NodeUsagesDeps) {
    this.#deps = deps;
  }

  /** By node name; those that do not answer are left out. Rejects with the signal's reason. */
  async of(nodes: readonly KubeObject[], signal: AbortSignal): Promise<ReadonlyMap<string, NodeUsage>> {
    const found = new Map<string, NodeUsage>();
    const left = nodes.filter(isReachable);
    const worker = async () => {
      for (let node = left.pop(); node !== undefined; node = left.pop()) {
        signal.throwIfAborted();
        const usage = await this.#answer(node);
        if (usage !== undefined) found.set(node.metadata.name, usage);
      }
    };
    await Promise.all(Array.from({ length: Math.min(askedAtOnceMax, left.length) }, worker));
    return found;
  }

  close(): void {
    this.#cancelForgetting?.();
  }

  #answer(node: KubeObject): Promise<NodeUsage | undefined> {
    const { clock } = this.#deps;
    const { name } = node.metadata;
    const before = this.#known.get(name);
    if (before !== undefined && before.untilMs > clock.monotonicMs()) return before.answer;
    const known: Known = {
      untilMs: Number.POSITIVE_INFINITY,
      answer: this.#ask(node).then((usage) => {
        known.untilMs = clock.monotonicMs() + (usage === undefined ? failureSharedMs : sharedMs);
        this.#cancelForgetting ??= clock.after(sharedMs, () => this.#forget());
        return usage;
      }),
    };
    this.#known.set(name, known);
    return known.answer;
  }

  #forget(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const [name, { untilMs }] of this.#known) if (untilMs <= nowMs) this.#known.delete(name);
    const isEmpty = this.#known.size === 0;
    this.#cancelForgetting = isEmpty ? undefined : this.#deps.clock.after(sharedMs, () => this.#forget());
  }

  async #ask(node: KubeObject): Promise<NodeUsage | undefined> {
    while (this.#asked >= askedAtOnceMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#asked += 1;
    try {
      return await this.#deps.ask(node);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#deps.log.warn("a node does not say what it uses", { node: node.metadata.name, why });
      return undefined;
    } finally {
      this.#asked -= 1;
      this.#waiting.shift()?.();
    }
  }
}

/** Nothing listens on simulated nodes, which have no address; of one that is Unknown nobody has heard for a while. */
function isReachable(node: KubeObject): boolean {
  const { status } = node as unknown as Node;
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return ready?.status !== "Unknown" && agentAddress(node) !== undefined;
}
