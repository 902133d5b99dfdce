import { effect, signal } from "@preact/signals";
import { type KubeObject, ObjectFeed } from "../api/object-feed.ts";
import { call, fieldManager, Refusal } from "../api/session.ts";
import { type DrainStep, drainSummary, podKey, stepAfter } from "../model/drain-plan.ts";
import { to } from "../route.ts";
import { onOtherPerson, setUnfinished } from "../unfinished.ts";

/** Drains that were begun on this page, by their nodes: they go on whichever view is looked at. */
export const drains = signal<ReadonlyMap<string, DrainRun>>(new Map());
onOtherPerson(() => {
  for (const run of drains.value.values()) run.stop();
  drains.value = new Map();
});

export interface DrainOrder {
  readonly node: string;
  readonly pods: readonly KubeObject[];
  /** Undefined: as long as each pod asks for. */
  readonly gracePeriodSeconds: number | undefined;
}

export function beginDrain(order: DrainOrder): void {
  drains.value.get(order.node)?.stop();
  drains.value = new Map(drains.value).set(order.node, new DrainRun(order));
}

/** A node's drain: cordoned, then its pods evicted side by side, each asked for again while a budget holds it. */
export class DrainRun {
  readonly state = signal<"running" | "stopped" | "over">("running");
  readonly why = signal("");
  readonly steps = signal<ReadonlyMap<string, DrainStep>>(new Map());
  readonly pods: ReadonlyMap<string, KubeObject>;
  readonly #order: DrainOrder;
  readonly #abort = new AbortController();
  readonly #feed: ObjectFeed;
  readonly #unwatch: () => void;

  constructor(order: DrainOrder) {
    this.#order = order;
    this.pods = new Map(order.pods.map((pod) => [podKey(pod), pod]));
    this.steps.value = new Map([...this.pods.keys()].map((key) => [key, { is: "asking" }]));
    this.#feed = new ObjectFeed("/api/v1/pods", { fieldSelector: `spec.nodeName=${order.node}` });
    this.#unwatch = effect(() => {
      void this.#feed.version.value;
      if (this.#feed.state.value.is === "live") this.#look();
    });
    setUnfinished(`drain ${order.node}`, {
      what: `Drain of ${order.node}`,
      href: to(["k", "core", "nodes", "_", order.node], { tab: "drain" }),
    });
    void this.#run();
  }

  /** No more evictions; what is ending ends. The node stays cordoned. */
  stop(): void {
    if (this.state.value === "running") this.#end("stopped");
  }

  #end(state: "stopped" | "over"): void {
    this.state.value = state;
    this.#abort.abort();
    this.#feed.stop();
    this.#unwatch();
    setUnfinished(`drain ${this.#order.node}`, undefined);
  }

  async #run(): Promise<void> {
    try {
      const path = `/api/v1/nodes/${encodeURIComponent(this.#order.node)}`;
      await call(`${path}?fieldManager=${fieldManager}`, {
        method: "PATCH",
        contentType: "application/merge-patch+json",
        body: { spec: { unschedulable: true } },
      });
    } catch (error) {
      this.why.value = `The node could not be cordoned: ${messageOf(error)}`;
      return this.#end("stopped");
    }
    await Promise.all([...this.pods].map(([key, pod]) => this.#evict(key, pod)));
    this.#look();
  }

  async #evict(key: string, pod: KubeObject): Promise<void> {
    const { signal: ended } = this.#abort;
    while (!ended.aborted && this.steps.peek().get(key)?.is !== "gone") {
      const step = await this.#ask(pod);
      if (ended.aborted) return;
      this.#set(key, step);
      if (step.is !== "blocked") return;
      await pause(step.retryMs, ended);
    }
  }

  async #ask({ metadata: { namespace = "", name, uid } }: KubeObject): Promise<DrainStep> {
    const { gracePeriodSeconds } = this.#order;
    const deleteOptions = {
      preconditions: { uid },
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    };
    try {
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/eviction`;
      const body = {
        apiVersion: "policy/v1",
        kind: "Eviction",
        metadata: { name, namespace },
        deleteOptions,
      };
      await call(path, { method: "POST", body });
      return { is: "ending" };
    } catch (error) {
      return stepAfter(error instanceof Refusal ? error : new Refusal(0, messageOf(error)));
    }
  }

  /** Pods that are not on the node any more are gone, however that came. */
  #look(): void {
    if (this.state.peek() !== "running") return;
    if (this.#feed.state.peek().is === "live")
      for (const [key, pod] of this.pods)
        if (this.#feed.items.get(key)?.metadata.uid !== pod.metadata.uid) this.#set(key, { is: "gone" });
    if (drainSummary(this.steps.peek().values()).isOver) this.#end("over");
  }

  #set(key: string, step: DrainStep): void {
    const before = this.steps.peek().get(key);
    if (before?.is === "gone" || (before?.is === step.is && step.is !== "blocked")) return;
    this.steps.value = new Map(this.steps.peek()).set(key, step);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function pause(ms: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      ended.removeEventListener("abort", done);
      resolve();
    }
    ended.addEventListener("abort", done);
  });
}
