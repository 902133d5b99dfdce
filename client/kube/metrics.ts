import { type Meter, MetricsRegistry } from "../../base/os/metrics.ts";

const registries = new WeakMap<Metrics, MetricsRegistry>();

/** What `Metrics.counter` counts. */
export interface Count<L extends string = never> {
  /** One more, or as many as said; with a value for each label that the counter has. Throws for less than 0. */
  add(by?: number, ...labels: [L] extends [never] ? [] : [Readonly<Record<L, string>>]): void;
}

/** What a program's clients, queues and candidates count, in Prometheus' format, under Kubernetes' names:
 *
 *      const metrics = new Metrics();
 *      const api = connectCluster({ metrics });
 *      createServer(async (_, answer) => answer.end(await metrics.text())).listen(8080);
 */
export class Metrics {
  constructor(
    options: {
      /** The process' own figures, too: CPU, memory, open files. */
      readonly process?: boolean;
    } = {},
  ) {
    const registry = new MetricsRegistry();
    if (options.process) registry.addProcessMetrics();
    registries.set(this, registry);
  }

  /** A figure of the program's own that only grows. Its name ends in `_total`; a name that is taken is refused.
   *
   *      const failed = metrics.counter("backups_failed_total", "Backups that failed, by why.", ["why"]);
   *      failed.add(1, { why: "timeout" });
   *
   *  @param labels What it is counted by; the values of each should be few. */
  counter<L extends string = never>(name: string, help: string, labels: readonly L[] = []): Count<L> {
    const counted = registryOf(this).counter(name, help, labels);
    return {
      add: (by = 1, ...[values]) =>
        values === undefined ? counted.inc(by) : counted.inc({ ...(values as Record<L, string>) }, by),
    };
  }

  /** A figure of the program's own that is read whenever somebody looks. */
  gauge(name: string, help: string, read: () => number): void {
    registryOf(this).observed(name, help, read);
  }

  /** Everything counted so far, as Prometheus reads it. */
  text(): Promise<string> {
    return registryOf(this).text();
  }

  /** Of `text()`. */
  get contentType(): string {
    return registryOf(this).contentType;
  }
}

export function meterOf(metrics: Metrics): Meter {
  return registryOf(metrics);
}

function registryOf(metrics: Metrics): MetricsRegistry {
  const registry = registries.get(metrics);
  if (registry === undefined) throw new TypeError("these are no Metrics");
  return registry;
}
