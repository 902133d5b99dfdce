import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** One registry per process; each subsystem declares its metrics beside its code with a `Meter`. */
export interface Meter {
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  gauge<L extends string = never>(name: string, help: string, labels?: readonly L[]): Gauge<L>;
  /** A gauge whose value is read when somebody looks. */
  observed(name: string, help: string, read: () => number): void;
  histogram<L extends string = never>(
    name: string,
    help: string,
    options?: { labels?: readonly L[]; buckets?: readonly number[] },
  ): Histogram<L>;
}

export class MetricsRegistry implements Meter {
  readonly #registry = new Registry();

  counter<L extends string = never>(name: string, help: string, labels: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames: [...labels], registers: [this.#registry] });
  }

  gauge<L extends string = never>(name: string, help: string, labels: readonly L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames: [...labels], registers: [this.#registry] });
  }

  observed(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }

  histogram<L extends string = never>(
    name: string,
    help: string,
    options: { labels?: readonly L[]; buckets?: readonly number[] } = {},
  ): Histogram<L> {
    const labelNames = [...(options.labels ?? [])];
    const buckets = [...(options.buckets ?? exponentialBuckets(0.001, 2, 14))];
    return new Histogram({ name, help, labelNames, buckets, registers: [this.#registry] });
  }

  /** Adds the process' own figures: CPU, memory, open files, event loop lag. */
  addProcessMetrics(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** The Prometheus text exposition of everything registered. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}

/** `count` bucket bounds from `start`, each `factor` times the one before. */
export function exponentialBuckets(start: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start * factor ** i);
}
