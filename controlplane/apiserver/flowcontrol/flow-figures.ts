import type { Buckets, Counting, Standing } from "../../../base/os/tally.ts";
import type { FlowMetrics } from "./flow-metrics.ts";

export interface FlowLabels {
  readonly priority_level: string;
  readonly flow_schema: string;
}

/** The figures of one schema's requests, looked up once. None appears before there is something to count. */
export class FlowFigures {
  readonly #metrics: FlowMetrics;
  readonly #labels: FlowLabels;
  #dispatched: Counting | undefined;
  #executing: Standing | undefined;
  #executingSeats: Standing | undefined;
  #estimatedSeats: Buckets | undefined;
  #watchCount: Buckets | undefined;
  #regularSeconds: Buckets | undefined;

  constructor(metrics: FlowMetrics, labels: FlowLabels) {
    this.#metrics = metrics;
    this.#labels = labels;
  }

  get dispatched(): Counting {
    this.#dispatched ??= this.#metrics.dispatched.of(this.#labels);
    return this.#dispatched;
  }
  get executing(): Standing {
    this.#executing ??= this.#metrics.executing.of(this.#labels);
    return this.#executing;
  }
  get executingSeats(): Standing {
    this.#executingSeats ??= this.#metrics.executingSeats.of(this.#labels);
    return this.#executingSeats;
  }
  get estimatedSeats(): Buckets {
    this.#estimatedSeats ??= this.#metrics.estimatedSeats.of(this.#labels);
    return this.#estimatedSeats;
  }
  get watchCount(): Buckets {
    this.#watchCount ??= this.#metrics.watchCount.of(this.#labels);
    return this.#watchCount;
  }
  get queueLength(): Buckets {
    return this.#metrics.queueLength.of(this.#labels);
  }
  get waiting(): Standing {
    return this.#metrics.waiting.of(this.#labels);
  }
  get waitingSeats(): Standing {
    return this.#metrics.waitingSeats.of(this.#labels);
  }

  executionSeconds(type: "regular" | "watch"): Buckets {
    if (type === "watch") return this.#metrics.executionSeconds.of({ ...this.#labels, type });
    this.#regularSeconds ??= this.#metrics.executionSeconds.of({ ...this.#labels, type });
    return this.#regularSeconds;
  }
  waitSeconds(executes: boolean): Buckets {
    return this.#metrics.waitSeconds.of({ ...this.#labels, execute: String(executes) });
  }
  rejected(reason: string): Counting {
    return this.#metrics.rejected.of({ ...this.#labels, reason });
  }
}
