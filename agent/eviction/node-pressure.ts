import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import { noPressure, type PressureState, planPressure } from "./plan-pressure.ts";
import type { Observations, PressureCondition } from "./signals.ts";
import type { Threshold } from "./thresholds.ts";

export interface PressureRules {
  readonly thresholds: readonly Threshold[];
  /** So long a condition is told after it was last the case (--eviction-pressure-transition-period). */
  readonly transitionMs: number;
  /** The most that a pod gets to end where a threshold had a grace period (--eviction-max-pod-grace-period). */
  readonly podGraceSecondsMost: number;
}

export interface NodePressureDeps {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Log;
  /** The node as it is. */
  readonly observe: (unread: (what: string, error: unknown) => void) => Promise<Observations>;
}

export interface Look {
  readonly due: readonly Threshold[];
  readonly observations: Observations;
}

/** What this node is short of, and has lately been. */
export class NodePressure {
  readonly rules: PressureRules;
  readonly #deps: NodePressureDeps;
  #state: PressureState = noPressure;
  #conditions: readonly PressureCondition[] = [];
  #unread: ReadonlySet<string> = new Set();

  constructor(rules: PressureRules, deps: NodePressureDeps) {
    this.rules = rules;
    this.#deps = deps;
  }

  /** What the node tells of itself, and by which it refuses pods. */
  get conditions(): readonly PressureCondition[] {
    return this.#conditions;
  }

  async observe(): Promise<Observations> {
    const unread = new Set<string>();
    const found = await this.#deps.observe((what, error) => {
      unread.add(what);
      if (!this.#unread.has(what))
        this.#deps.log.warn("cannot read what is left on the node", { what, error });
    });
    this.#unread = unread;
    return found;
  }

  /** Looks at the node, and answers what has to be reclaimed. */
  async look(): Promise<Look> {
    const observations = await this.observe();
    const times = { nowMs: this.#deps.clock.monotonicMs(), transitionMs: this.rules.transitionMs };
    const { state, conditions, due } = planPressure(this.rules.thresholds, observations, this.#state, times);
    if (conditions.join() !== this.#conditions.join())
      this.#deps.log.info("the node's pressure changed", { now: conditions, before: this.#conditions });
    this.#state = state;
    this.#conditions = conditions;
    return { due, observations };
  }
}
