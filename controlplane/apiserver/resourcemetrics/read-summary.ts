import type { CpuStats, MemoryStats } from "../../../client/rules/stats-summary.ts";
import { statsTimes } from "../../../client/rules/stats-summary.ts";
import { isObject, type JsonObject, listOf, objectOf, stringOf } from "../json.ts";

/** What was used in a span of time: of CPU on average, of memory at its end. */
export interface Usage {
  readonly nanoCores: number;
  readonly workingSetBytes: number;
  /** Wall time of the end, and the length. */
  readonly atMs: number;
  readonly windowMs: number;
}

/** What a node says of itself and of the pods on it. */
export interface NodeUsage {
  /** Absent: it was not measured twice yet. */
  readonly node: Usage | undefined;
  /** By pod uid. */
  readonly pods: ReadonlyMap<string, PodUsage>;
}

/** By container; absent where one was not measured twice yet. */
export type PodUsage = ReadonlyMap<string, Usage | undefined>;

/** Reads what a node's agent (or a kubelet) answers at /stats/summary. It may be anything: what is no measurement is none.
 *  Pure. Throws an Error where the text is no summary, or that of another node. */
export function readSummary(text: string, nodeName: string): NodeUsage {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error("the answer is no JSON");
  }
  const { node, pods } = objectOf(parsed);
  if (!isObject(node)) throw new Error("the answer is no summary");
  const name = stringOf(node.nodeName);
  if (name !== nodeName) throw new Error(`the answer is that of node ${JSON.stringify(name)}`);
  return { node: usageOf(node), pods: new Map(listOf(pods).filter(isObject).map(podEntry)) };
}

function podEntry({ podRef, containers }: JsonObject): readonly [string, PodUsage] {
  const measured = listOf(containers).filter(isObject);
  return [
    stringOf(objectOf(podRef).uid),
    new Map(measured.map((container) => [stringOf(container.name), usageOf(container)])),
  ];
}

function usageOf({ cpu, memory }: JsonObject): Usage | undefined {
  const { time, usageNanoCores, usageWindowMs } = objectOf(cpu) as Partial<CpuStats>;
  const { workingSetBytes } = objectOf(memory) as Partial<MemoryStats>;
  const atMs = Date.parse(String(time));
  // A kubelet does not say how long it measured.
  const windowMs = usageWindowMs ?? statsTimes.sampleMs;
  if (!isAmount(usageNanoCores) || !isAmount(workingSetBytes) || !isAmount(windowMs)) return undefined;
  return Number.isNaN(atMs) ? undefined : { nanoCores: usageNanoCores, workingSetBytes, atMs, windowMs };
}

const isAmount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
