import { MetricsRegistry } from "../../base/os/metrics.ts";

/** A member's metrics, of which those that are read when somebody looks can be read one at a time. */
export class SimMetrics extends MetricsRegistry {
  readonly #readers = new Map<string, () => number>();

  override observed(name: string, help: string, read: () => number): void {
    super.observed(name, help, read);
    this.#readers.set(name, read);
  }

  /** Undefined for one that does not exist. */
  read(name: string): number | undefined {
    return this.#readers.get(name)?.();
  }
}
