import { type Labels, matchesLabels, type Selector } from "../../../../base/label-selector.ts";
import { amountCode, amountTable, notMeasured } from "./amount-code.ts";
import type { Round } from "./read-metrics.ts";
import { type Amounts, type Series, type Shown, seriesShownMost } from "./series.ts";

export const memoryLimits = {
  spanMs: 2 * 3_600_000,
  /** Rounds that are kept: two hours of one every 15 seconds. */
  columns: 480,
  /** Nodes and containers together: 32 MB with all rounds. */
  seriesMost: 16_384,
  /** A pod with longer labels is not found by them. */
  labelsTextMost: 4_096,
  /** Differing labels that are kept, as text and as object. */
  labelSetsBytesMost: 8 * 1024 * 1024,
} as const;

/** What one series takes: two amounts of two bytes a round. */
export const seriesBytes = 2 * 2 * memoryLimits.columns;

interface Pod {
  readonly containers: Map<string, Ring>;
  labels: Labels;
}

/** CPU and memory of one node or container, by round. */
class Ring {
  readonly #codes = new Uint16Array(2 * memoryLimits.columns);
  /** The last round in which it was there. */
  lastRound = 0;

  set(round: number, { cpu, memory }: Amounts): void {
    const at = 2 * (round % memoryLimits.columns);
    this.#codes[at] = amountCode(cpu);
    this.#codes[at + 1] = amountCode(memory);
    this.lastRound = round;
  }

  clear(round: number): void {
    this.#codes.fill(notMeasured, 2 * (round % memoryLimits.columns), 2 * (round % memoryLimits.columns) + 2);
  }

  addTo(sums: Sums, firstRound: number): void {
    const amounts = amountTable();
    for (let at = 0; at < sums.cpu.length; at++) {
      const from = 2 * ((firstRound + at) % memoryLimits.columns);
      const [cpu, memory] = [this.#codes[from] ?? notMeasured, this.#codes[from + 1] ?? notMeasured];
      if (cpu === notMeasured || memory === notMeasured) continue;
      sums.isMeasured[at] = 1;
      sums.cpu[at] = (sums.cpu[at] ?? 0) + (amounts[cpu] ?? 0);
      sums.memory[at] = (sums.memory[at] ?? 0) + (amounts[memory] ?? 0);
    }
  }

  memoryIn(round: number): number {
    return amountTable()[this.#codes[2 * (round % memoryLimits.columns) + 1] ?? notMeasured] ?? 0;
  }
}

interface Sums {
  readonly cpu: Float64Array;
  readonly memory: Float64Array;
  readonly isMeasured: Uint8Array;
}

/** What nodes and containers used in the last two hours, in rings of one fixed length that share their times. What is kept is
 *  bounded by the number of series; what comes beyond it is not kept, and `isFull` says so. Pure but for what it holds. */
export class UsageMemory {
  readonly #times = new Float64Array(memoryLimits.columns);
  readonly #nodes = new Map<string, Ring>();
  readonly #namespaces = new Map<string, Map<string, Pod>>();
  /** Labels by their text, shared by all pods that have the same. */
  readonly #labelSets = new Map<string, Labels>();
  #labelSetsBytes = 0;
  #rounds = 0;
  #series = 0;
  #isFull = false;

  /** Whether the last round had more than is kept. */
  get isFull(): boolean {
    return this.#isFull;
  }

  get seriesCount(): number {
    return this.#series;
  }

  /** Takes what was measured now. What is absent of a round leaves a gap. */
  take(wallMs: number, { nodes, pods }: Round): void {
    // A clock that was set back begins anew: times must rise.
    if (this.#rounds > 0 && wallMs <= this.#timeOf(this.#rounds - 1)) this.#forgetAll();
    const round = this.#rounds++;
    this.#times[round % memoryLimits.columns] = wallMs;
    this.#begin(round, wallMs);
    this.#isFull = false;
    for (const node of nodes) this.#ring(this.#nodes, node.name)?.set(round, node);
    for (const { namespace, name, labels, containers } of pods) {
      const pod = this.#pod(namespace, name);
      pod.labels = this.#shared(labels);
      for (const container of containers) this.#ring(pod.containers, container.name)?.set(round, container);
      if (pod.containers.size === 0) this.#namespaces.get(namespace)?.delete(name);
    }
  }

  node(name: string, sinceMs: number): Shown {
    const ring = this.#nodes.get(name);
    return this.#shown(ring === undefined ? [] : [[name, [ring]]], sinceMs);
  }

  nodes(sinceMs: number): Shown {
    return this.#shown(eachAlone(this.#nodes), sinceMs);
  }

  /** A pod's containers. */
  pod(namespace: string, name: string, sinceMs: number): Shown {
    return this.#shown(eachAlone(this.#namespaces.get(namespace)?.get(name)?.containers ?? []), sinceMs);
  }

  /** The pods of a namespace that have such labels, those of the last two hours that are gone included. */
  pods(namespace: string, selector: Selector, sinceMs: number): Shown {
    const groups: Group[] = [];
    for (const [name, { labels, containers }] of this.#namespaces.get(namespace) ?? [])
      if (matchesLabels(selector, labels)) groups.push([name, [...containers.values()]]);
    return this.#shown(groups, sinceMs);
  }

  #shown(groups: readonly Group[], sinceMs: number): Shown {
    let first = Math.max(0, this.#rounds - memoryLimits.columns);
    while (first < this.#rounds && this.#timeOf(first) < sinceMs) first++;
    const length = this.#rounds - first;
    const measured = groups.filter(([, rings]) => rings.some(({ lastRound }) => lastRound >= first));
    const all = sumsOf(length);
    for (const [, rings] of measured) for (const ring of rings) ring.addTo(all, first);
    const weights = new Map(
      measured.map((group) => [
        group,
        group[1].reduce((sum, ring) => sum + ring.memoryIn(ring.lastRound), 0),
      ]),
    );
    const largest = [...measured]
      .sort((a, b) => (weights.get(b) ?? 0) - (weights.get(a) ?? 0))
      .slice(0, seriesShownMost);
    return {
      times: Array.from({ length }, (_, at) => Math.round(this.#timeOf(first + at) / 1000)),
      series: largest.sort(byName).map(([name, rings]) => {
        const sums = sumsOf(length);
        for (const ring of rings) ring.addTo(sums, first);
        return seriesOf(name, sums);
      }),
      total: seriesOf("", all),
      count: measured.length,
    };
  }

  /** Makes room for a round: what a ring holds of the one that it takes the place of goes, and so do series without anything. */
  #begin(round: number, wallMs: number): void {
    let oldest = Math.max(0, round - memoryLimits.columns + 1);
    while (oldest < round && this.#timeOf(oldest) < wallMs - memoryLimits.spanMs) oldest++;
    const tidy = (rings: Map<string, Ring>) => {
      for (const [name, ring] of rings) {
        if (ring.lastRound < oldest) {
          rings.delete(name);
          this.#series--;
        } else ring.clear(round);
      }
    };
    tidy(this.#nodes);
    for (const [namespace, pods] of this.#namespaces) {
      for (const [name, { containers }] of pods) {
        tidy(containers);
        if (containers.size === 0) pods.delete(name);
      }
      if (pods.size === 0) this.#namespaces.delete(namespace);
    }
    if (this.#labelSetsBytes > memoryLimits.labelSetsBytesMost) {
      this.#labelSets.clear();
      this.#labelSetsBytes = 0;
    }
  }

  #ring(rings: Map<string, Ring>, name: string): Ring | undefined {
    let ring = rings.get(name);
    if (ring === undefined && this.#series < memoryLimits.seriesMost) {
      ring = new Ring();
      rings.set(name, ring);
      this.#series++;
    }
    if (ring === undefined) this.#isFull = true;
    return ring;
  }

  #pod(namespace: string, name: string): Pod {
    let pods = this.#namespaces.get(namespace);
    if (pods === undefined) {
      pods = new Map();
      this.#namespaces.set(namespace, pods);
    }
    let pod = pods.get(name);
    if (pod === undefined) {
      pod = { containers: new Map(), labels: noLabels };
      pods.set(name, pod);
    }
    return pod;
  }

  #shared(labels: Labels): Labels {
    const text = JSON.stringify(labels);
    if (text.length > memoryLimits.labelsTextMost) return noLabels;
    const known = this.#labelSets.get(text);
    if (known !== undefined) return known;
    this.#labelSets.set(text, labels);
    this.#labelSetsBytes += 4 * text.length;
    return labels;
  }

  #forgetAll(): void {
    this.#nodes.clear();
    this.#namespaces.clear();
    this.#rounds = 0;
    this.#series = 0;
  }

  #timeOf(round: number): number {
    return this.#times[round % memoryLimits.columns] ?? 0;
  }
}

const noLabels: Labels = {};

type Group = readonly [name: string, rings: readonly Ring[]];

const eachAlone = (rings: Iterable<readonly [string, Ring]>): readonly Group[] =>
  [...rings].map(([name, ring]) => [name, [ring]]);

const byName = ([a]: Group, [b]: Group): number => (a < b ? -1 : 1);

const sumsOf = (length: number): Sums => ({
  cpu: new Float64Array(length),
  memory: new Float64Array(length),
  isMeasured: new Uint8Array(length),
});

function seriesOf(name: string, { cpu, memory, isMeasured }: Sums): Series {
  const told = (amounts: Float64Array) =>
    Array.from(amounts, (amount, at) => (isMeasured[at] ? Number(amount.toPrecision(5)) : null));
  return { name, cpu: told(cpu), memory: told(memory).map((one) => one && Math.round(one)) };
}
