import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { openFiles, openFilesMax } from "./open-files.ts";
import { ownWallMs } from "./own-timers.ts";
import { processLimit, procText } from "./proc.ts";
import { Buckets, bucketLines, Counting, counterLines, Standing, TallyFamily } from "./tally.ts";

/** One registry per process; each subsystem declares its metrics beside its code with a `Meter`. */
export interface Meter {
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  gauge<L extends string = never>(name: string, help: string, labels?: readonly L[]): Gauge<L>;
  /** A gauge whose value is read when somebody looks. */
  observed(name: string, help: string, read: () => number): void;
  /** The same with labels: one value for each. Those that are not named any more are gone. */
  observedBy<L extends string>(
    name: string,
    help: string,
    labels: readonly L[],
    read: () => Iterable<readonly [Readonly<Record<L, string>>, number]>,
  ): void;
  /** A counter whose value is read when somebody looks. */
  counted(name: string, help: string, read: () => number): void;
  /** Counters for hot paths (`tally.ts`). */
  tally<L extends string>(name: string, help: string): TallyFamily<L, Counting>;
  /** Gauges for hot paths. */
  standing<L extends string>(name: string, help: string): TallyFamily<L, Standing>;
  /** Histograms for hot paths; `bounds` in rising order. */
  buckets<L extends string>(name: string, help: string, bounds: readonly number[]): TallyFamily<L, Buckets>;
  histogram<L extends string = never>(
    name: string,
    help: string,
    options?: { labels?: readonly L[]; buckets?: readonly number[] },
  ): Histogram<L>;
}

export class MetricsRegistry implements Meter {
  readonly #registry = new Registry();
  readonly #tallies: { text(): string; reset(): void }[] = [];

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

  observedBy<L extends string>(
    name: string,
    help: string,
    labels: readonly L[],
    read: () => Iterable<readonly [Readonly<Record<L, string>>, number]>,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [values, value] of read()) this.set({ ...values }, value);
      },
    });
  }

  counted(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  tally<L extends string>(name: string, help: string): TallyFamily<L, Counting> {
    return this.#added(new TallyFamily({ name, help, type: "counter" }, () => new Counting(), counterLines));
  }

  standing<L extends string>(name: string, help: string): TallyFamily<L, Standing> {
    return this.#added(new TallyFamily({ name, help, type: "gauge" }, () => new Standing(), counterLines));
  }
  buckets<L extends string>(name: string, help: string, bounds: readonly number[]): TallyFamily<L, Buckets> {
    return this.#added(
      new TallyFamily({ name, help, type: "histogram" }, () => new Buckets(bounds), bucketLines),
    );
  }

  #added<T extends { text(): string; reset(): void }>(family: T): T {
    this.#tallies.push(family);
    return family;
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

  /** Adds the process' own figures, read only when somebody looks. (The library's own set keeps a 10 ms timer running to
   *  measure event loop lag, which an idle process would pay for all day.) */
  addProcessMetrics(): void {
    const startedSeconds = ownWallMs() / 1000 - process.uptime();
    const cpuSeconds = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
    this.counted("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", cpuSeconds);
    this.observed("process_resident_memory_bytes", "Resident memory size in bytes.", () =>
      process.memoryUsage.rss(),
    );
    this.observed("process_virtual_memory_bytes", "Virtual memory size in bytes.", virtualBytes);
    this.observed(
      "process_start_time_seconds",
      "Start time of the process since unix epoch in seconds.",
      () => startedSeconds,
    );
    this.observed(
      "process_virtual_memory_max_bytes",
      "Maximum amount of virtual memory available in bytes.",
      () => processLimit("Max address space"),
    );
    this.counted(
      "process_network_receive_bytes_total",
      "Number of bytes received by the process over the network.",
      () => networkOctets("InOctets"),
    );
    this.counted(
      "process_network_transmit_bytes_total",
      "Number of bytes sent by the process over the network.",
      () => networkOctets("OutOctets"),
    );
    this.observed("process_open_fds", "Number of open file descriptors.", openFiles);
    this.observed("process_max_fds", "Maximum number of open file descriptors.", openFilesMax);
    this.observed("nodejs_heap_size_used_bytes", "Heap in use.", () => process.memoryUsage().heapUsed);
    this.observed(
      "nodejs_external_memory_bytes",
      "Memory of buffers and native objects.",
      () => process.memoryUsage().external,
    );
  }

  /** Counting begins anew, as for a process just started. What tells how things are keeps its values. */
  reset(): void {
    for (const tally of this.#tallies) tally.reset();
    for (const metric of this.#registry.getMetricsAsArray())
      if (metric instanceof Counter || metric instanceof Histogram) metric.reset();
  }

  /** The Prometheus text exposition of everything registered. */
  async text(): Promise<string> {
    const tallies = this.#tallies.map((family) => `\n${family.text()}`);
    return (await this.#registry.metrics()) + tallies.join("");
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}

/** The first number of /proc/self/statm counts pages of 4 KiB. */
function virtualBytes(): number {
  const pages = Number(procText("/proc/self/statm").split(" ")[0] || Number.NaN);
  return pages * 4096;
}

/** What Prometheus' libraries tell of a process' traffic: that of its network namespace, which the kernel counts. */
function networkOctets(name: string): number {
  const [names = [], values = []] = procText("/proc/self/net/netstat")
    .split("\n")
    .filter((line) => line.startsWith("IpExt: "))
    .map((line) => line.split(" "));
  return Number(values[names.indexOf(name)] ?? Number.NaN);
}

/** `count` bucket bounds from `start`, each `factor` times the one before. */
export function exponentialBuckets(start: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start * factor ** i);
}
