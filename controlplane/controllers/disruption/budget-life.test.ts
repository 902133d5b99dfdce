import assert from "node:assert/strict";
import fc from "fast-check";
import type { Pod, PodDisruptionBudget } from "../../../client/types.ts";
import { spent } from "../../apiserver/handlers/eviction-budget.ts";
import { isReady } from "../pod-state.ts";
import { meta, now, nowMs, pod } from "../testing/objects.ts";
import { planBudget } from "./plan-budget.ts";

const bounds = fc.oneof(
  fc.record({ minAvailable: fc.oneof(fc.nat(5), fc.constantFrom("30%", "50%", "100%")) }),
  fc.record({ maxUnavailable: fc.oneof(fc.nat(5), fc.constantFrom("30%", "50%")) }),
);
/** `see`: the controller's cache shows what is so now; `count`: it counts what its cache shows. */
const happening = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ what: "see" as const, at: 0 }) },
  { weight: 3, arbitrary: fc.constant({ what: "count" as const, at: 0 }) },
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constantFrom("evict" as const, "delete" as const, "gone" as const, "ready" as const),
      at: fc.nat(5),
    }),
  },
);

/** Pods of one budget; who evicts asks its status, and the pod is deleted some time after. */
class World {
  pods: readonly Pod[];
  #seen: readonly Pod[];
  readonly #evicted = new Set<string>();
  readonly #wanted: number;
  #budget: PodDisruptionBudget;
  #made = 0;

  constructor(wanted: number, spec: PodDisruptionBudget["spec"]) {
    this.#wanted = wanted;
    this.pods = Array.from({ length: wanted }, () => this.#make(true));
    this.#seen = this.pods;
    this.#budget = { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: meta("web"), spec };
  }

  /** Ready, and nobody has leave to end them. */
  get healthy(): number {
    return this.pods.filter(
      (one) =>
        isReady(one) && one.metadata.deletionTimestamp === undefined && !this.#evicted.has(one.metadata.name),
    ).length;
  }

  happen(what: "see" | "count" | "evict" | "delete" | "gone" | "ready", at: number): void {
    const one = this.pods[at];
    if (what === "see") this.#seen = this.pods;
    else if (what === "count") this.#count();
    else if (one === undefined) return;
    else if (what === "evict") this.#evict(one);
    else if (what === "delete" && this.#evicted.has(one.metadata.name))
      this.#put(one, { ...one, metadata: { ...one.metadata, deletionTimestamp: now } });
    else if (what === "gone" && one.metadata.deletionTimestamp !== undefined)
      this.#put(one, this.#make(false));
    // What goes does not come back.
    else if (what === "ready" && !isReady(one) && one.metadata.deletionTimestamp === undefined)
      this.#put(one, pod(one.metadata.name, { readyFor: 5 }));
  }

  #count(): void {
    const { status } = planBudget({ budget: this.#budget, pods: this.#seen, scale: this.#wanted, nowMs });
    this.#budget = { ...this.#budget, status };
  }

  #evict({ metadata: { name } }: Pod): void {
    if (this.#evicted.has(name)) return;
    // The controller forgets the eviction of a pod that it does not see yet, as in Kubernetes.
    if (!this.#seen.some((one) => one.metadata.name === name)) return;
    try {
      this.#budget = { ...this.#budget, status: spent(this.#budget, name, now) };
    } catch {
      return; // refused
    }
    this.#evicted.add(name);
    const { desiredHealthy = 0 } = this.#budget.status ?? {};
    assert.ok(this.healthy >= desiredHealthy, `${this.healthy} are left of ${desiredHealthy}`);
  }

  #make(isReadyAtOnce: boolean): Pod {
    return pod(`p${this.#made++}`, isReadyAtOnce ? { readyFor: 5 } : {});
  }

  #put(one: Pod, next: Pod | undefined): void {
    this.pods = this.pods.flatMap((other) => (other === one ? (next ?? []) : other));
  }
}

describe("controlplane/controllers/disruption: any life of a budget", () => {
  it("is never violated by an eviction, whoever asks when and however late the controller sees what came of it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 6 }),
        bounds,
        fc.array(happening, { minLength: 40, maxLength: 80 }),
        (wanted, spec, life) => {
          const world = new World(wanted, { selector: {}, ...spec });
          for (const { what, at } of life) world.happen(what, at);
        },
      ),
      { numRuns: 500 },
    );
  });
});
