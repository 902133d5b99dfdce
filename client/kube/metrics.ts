import { type Meter, MetricsRegistry } from "../../base/os/metrics.ts";

const registries = new WeakMap<Metrics, MetricsRegistry>();

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
