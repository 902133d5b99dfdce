import type { ServerResponse } from "node:http";
import type { Pod } from "../../client/types.ts";
import { isOnDisk } from "../eviction/local-storage.ts";
import { processNumbers } from "../eviction/observe-node.ts";
import type { ProbeCounts } from "../probes/probe-counts.ts";
import type { Runtime } from "../runtime/seam.ts";
import type { Cadvisor } from "./cadvisor/serve-cadvisor.ts";
import type { ContainerDisks } from "./container-disks.ts";
import { readFolderUse } from "./machine-use.ts";
import { resourceMetricsText } from "./resource-metrics.ts";
import type { StatsSampler } from "./sampler.ts";
import { summaryOf } from "./summary.ts";
import type { VolumeSampler } from "./volume-sampler.ts";

/** What the node's statistics are answered from. */
export interface NodeStats {
  readonly nodeName: string;
  readonly rootDir: string;
  /** On the disk that images are on. */
  readonly imageDir: () => Promise<string>;
  /** What containers write to their own roots is where images are, in place of `rootDir`. */
  readonly layersWithImages: boolean;
  readonly bootMs: number;
  readonly sampler: StatsSampler;
  readonly volumes: Pick<VolumeSampler, "current">;
  readonly containers: Pick<ContainerDisks, "current">;
  readonly pods: () => readonly Pod[];
  readonly cadvisor: Pick<Cadvisor, "text">;
  readonly probes: Pick<ProbeCounts, "text">;
}

const plainText = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };

export const isStatsPath = (path: string): boolean =>
  path in texts || ["/stats/summary", "/stats/summary/", "/metrics/resource"].includes(path);

/** What is read anew for each that asks. */
const texts: Readonly<Record<string, (stats: NodeStats) => string | Promise<string>>> = {
  "/metrics/cadvisor": ({ cadvisor }) => cadvisor.text(),
  "/metrics/probes": ({ probes, pods }) => {
    const byUid = pods().map(
      ({ metadata: { uid, namespace = "", name } }) => [uid, { namespace, name }] as const,
    );
    return probes.text(new Map(byUid));
  },
};

/** /stats/summary, /metrics/resource, /metrics/cadvisor and /metrics/probes. */
export async function serveStats(
  answer: ServerResponse,
  url: URL,
  runtime: Pick<Runtime, "listPodSandboxes">,
  stats: NodeStats,
): Promise<void> {
  const plain = texts[url.pathname];
  if (plain !== undefined) {
    const text = await plain(stats);
    answer.writeHead(200, plainText).end(text);
    return;
  }
  const { nodeName, bootMs, sampler } = stats;
  const sample = await sampler.current();
  const input = { nodeName, bootMs, sample, sandboxes: runtime.listPodSandboxes() };
  if (url.pathname === "/metrics/resource") {
    answer.writeHead(200, plainText);
    answer.end(resourceMetricsText(summaryOf(input)));
    return;
  }
  const only = ["true", "1"].includes(url.searchParams.get("only_cpu_and_memory") ?? "");
  const more = only ? {} : { ...(await readNode(stats)), ...ofPods(stats) };
  answer.writeHead(200, { "content-type": "application/json" });
  answer.end(JSON.stringify(summaryOf({ ...input, ...more }), undefined, 1));
}

function ofPods({ volumes, containers, pods }: NodeStats) {
  const own = new Set(
    pods().flatMap(({ metadata, spec }) =>
      (spec.volumes ?? []).filter(isOnDisk).map(({ name }) => `${metadata.uid} ${name}`),
    ),
  );
  const isOwn = (podUid: string, volume: string) => own.has(`${podUid} ${volume}`);
  return { volumes: volumes.current(), containers: containers.current(), isOwn };
}

async function readNode({ rootDir, imageDir, layersWithImages }: NodeStats) {
  const [pods, images] = [await readFolderUse(rootDir), await readFolderUse(await imageDir())];
  const { capacity: most, available } = await processNumbers();
  const disks = { pods, images, layers: layersWithImages ? images : pods };
  return { disks, processes: { most, used: most - available } };
}
