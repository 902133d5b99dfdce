import type { ServerResponse } from "node:http";
import type { Runtime } from "../runtime/seam.ts";
import { type FolderUse, readFolderUse } from "./machine-use.ts";
import { resourceMetricsText } from "./resource-metrics.ts";
import type { StatsSampler } from "./sampler.ts";
import { summaryOf } from "./summary.ts";
import type { VolumeSampler } from "./volume-sampler.ts";

/** What the node's statistics are answered from. */
export interface NodeStats {
  readonly nodeName: string;
  readonly rootDir: string;
  readonly bootMs: number;
  readonly sampler: StatsSampler;
  readonly volumes: Pick<VolumeSampler, "current">;
}

export const isStatsPath = (path: string): boolean =>
  ["/stats/summary", "/stats/summary/", "/metrics/resource"].includes(path);

/** /stats/summary and /metrics/resource. */
export async function serveStats(
  answer: ServerResponse,
  url: URL,
  runtime: Pick<Runtime, "listPodSandboxes">,
  { nodeName, rootDir, bootMs, sampler, volumes }: NodeStats,
): Promise<void> {
  const sample = await sampler.current();
  const input = { nodeName, bootMs, sample, sandboxes: runtime.listPodSandboxes() };
  if (url.pathname === "/metrics/resource") {
    answer.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    answer.end(resourceMetricsText(summaryOf(input)));
    return;
  }
  const only = ["true", "1"].includes(url.searchParams.get("only_cpu_and_memory") ?? "");
  const disk: FolderUse | undefined = only ? undefined : await readFolderUse(rootDir);
  answer.writeHead(200, { "content-type": "application/json" });
  const more = disk === undefined ? {} : { disk, volumes: volumes.current() };
  answer.end(JSON.stringify(summaryOf({ ...input, ...more }), undefined, 1));
}
