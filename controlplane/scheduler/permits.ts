import { deferred } from "../../base/deferred.ts";
import type { Clock } from "../../base/os/clock.ts";
import type { PermitDesk } from "./cycle/handle.ts";
import type { Plugin } from "./cycle/plugin.ts";
import type { PodInfo } from "./cycle/pod-info.ts";

/** No permit takes longer than this, whatever its plugin says. */
const permitMostMs = 15 * 60_000;

interface Waiting {
  readonly pod: PodInfo;
  readonly node: string;
  /** What ends the wait of each plugin that has not said yes. */
  readonly timers: Map<string, () => void>;
  readonly refusal: ReturnType<typeof deferred<Refused | undefined>>;
}

export interface Refused {
  readonly plugin: string;
  readonly message: string;
}

/** Pods that were given a node but wait until all their plugins agree.
 *  Invariant: a pod is here exactly while a plugin's yes is missing. */
export class Permits implements PermitDesk {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  pods(): Iterable<{ readonly pod: PodInfo; readonly node: string }> {
    return this.#waiting.values();
  }

  /** Asks the plugins. A refusal is answered at once; else what to wait for, undefined for nothing. */
  ask(
    pod: PodInfo,
    node: string,
    plugins: readonly Plugin[],
  ): Refused | { readonly refusal: Promise<Refused | undefined> } | undefined {
    const timeouts = new Map<string, number>();
    for (const { name, permit } of plugins) {
      const answer = permit?.(pod, node);
      if (answer?.outcome === "refused") return { plugin: name, message: answer.message };
      if (answer?.outcome === "waits") timeouts.set(name, Math.min(answer.timeoutMs, permitMostMs));
    }
    if (timeouts.size === 0) return undefined;
    const waiting: Waiting = { pod, node, timers: new Map(), refusal: deferred() };
    this.#waiting.set(pod.key, waiting);
    for (const [plugin, timeoutMs] of timeouts) {
      const late = `rejected due to timeout after waiting ${timeoutMs / 1000}s at plugin ${plugin}`;
      waiting.timers.set(
        plugin,
        this.#clock.after(timeoutMs, () => this.refuse(pod.key, plugin, late)),
      );
    }
    return { refusal: waiting.refusal.promise };
  }

  allow(key: string, plugin: string): void {
    const waiting = this.#waiting.get(key);
    waiting?.timers.get(plugin)?.();
    if (!waiting?.timers.delete(plugin) || waiting.timers.size > 0) return;
    this.#waiting.delete(key);
    waiting.refusal.resolve(undefined);
  }

  refuse(key: string, plugin: string, message: string): boolean {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return false;
    this.#waiting.delete(key);
    for (const cancel of waiting.timers.values()) cancel();
    waiting.refusal.resolve({ plugin, message });
    return true;
  }

  /** Refuses everybody. */
  close(): void {
    for (const key of [...this.#waiting.keys()]) this.refuse(key, "", "the scheduler stops");
  }
}
