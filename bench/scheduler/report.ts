import { cpus } from "node:os";
import type { ApiFigures } from "./measure-api.ts";
import type { CycleFigures } from "./measure-cycles.ts";
import type { Workload } from "./workloads.ts";

export interface Row {
  readonly workload: Workload;
  readonly nodes: number;
  readonly pods: number;
  readonly cycle: CycleFigures;
  readonly api: ApiFigures | undefined;
}

/** A cycle must not take longer, of 99 in 100. */
const cycleMostMs = 20;

/** Measured rows to a report in Markdown. */
export function markdown(rows: readonly Row[]): string {
  const lines = rows.map(({ workload, nodes, pods, cycle, api }) => {
    const { target } = workload;
    const met = api === undefined || target === undefined ? "–" : api.perSecond >= target ? "met" : "missed";
    const cells = [
      String(nodes),
      workload.name,
      String(pods),
      whole(cycle.perSecond),
      cycle.p50Ms.toFixed(2),
      `${cycle.p99Ms.toFixed(2)}${cycle.p99Ms > cycleMostMs ? " (missed)" : ""}`,
      api === undefined ? "–" : whole(api.perSecond),
      api === undefined ? "–" : `${api.scheduled}`,
      target === undefined ? "–" : `${target}: ${met}`,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    "# The scheduler",
    "",
    "The workloads of Kubernetes' scheduler_perf. *Decisions*: the cycle alone (filter, score, assume), one pod after the other, in",
    "memory. *Over the API*: an API server with its store, and a scheduler, a process each, on this machine",
    `(${cpus().length} cores); the pods wait already, and pods a second are from the first binding seen to the last. Nodes are objects and`,
    "nothing more.",
    `A cycle is to take less than ${cycleMostMs} ms, of 99 in 100. Preemption and required anti-affinity are measured with half as many`,
    "pods as there are nodes.",
    "",
    "| nodes | workload | pods | decisions/s | cycle p50, ms | p99, ms | over the API, pods/s | of them placed | target, pods/s |",
    "|---|---|---|---|---|---|---|---|---|",
    ...lines,
    "",
    "`npm run bench:scheduler` writes this file.",
    "",
  ].join("\n");
}

const whole = (value: number): string => Math.round(value).toLocaleString("en");
