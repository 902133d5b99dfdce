import { Buckets, bucketLines } from "../../base/os/tally.ts";
import type { ProbeKind } from "./probe-standing.ts";

/** How one probe of a container went. */
export interface ProbeOutcome {
  readonly podUid: string;
  readonly container: string;
  readonly kind: ProbeKind;
  readonly result: "successful" | "failed" | "unknown";
  readonly seconds: number;
}

interface Counted {
  readonly podUid: string;
  readonly container: string;
  readonly kind: ProbeKind;
  readonly results: Map<ProbeOutcome["result"], number>;
  readonly durations: Buckets;
}

/** Prometheus' own usual bounds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const totalName = "prober_probe_total";
const durationName = "prober_probe_duration_seconds";
const heads = {
  total: `# HELP ${totalName} [BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.\n# TYPE ${totalName} counter\n`,
  duration: `# HELP ${durationName} [ALPHA] Duration in seconds for a probe response.\n# TYPE ${durationName} histogram\n`,
};

/** What the kubelet tells at /metrics/probes: how often each container was probed, with which result. */
export class ProbeCounts {
  readonly #byProbe = new Map<string, Counted>();

  count({ podUid, container, kind, result, seconds }: ProbeOutcome): void {
    const key = `${podUid} ${container} ${kind}`;
    let one = this.#byProbe.get(key);
    if (one === undefined) {
      one = { podUid, container, kind, results: new Map(), durations: new Buckets(bounds) };
      this.#byProbe.set(key, one);
    }
    one.results.set(result, (one.results.get(result) ?? 0) + 1);
    one.durations.observe(seconds);
  }

  /** Of these pods, by their uids; the others are forgotten. */
  text(pods: ReadonlyMap<string, { readonly namespace: string; readonly name: string }>): string {
    let [totals, durations] = ["", ""];
    for (const [key, { podUid, container, kind, results, durations: took }] of this.#byProbe) {
      const pod = pods.get(podUid);
      if (pod === undefined) {
        this.#byProbe.delete(key);
        continue;
      }
      const type = `probe_type="${kind[0]?.toUpperCase()}${kind.slice(1)}"`;
      const labels = `container="${container}",namespace="${pod.namespace}",pod="${pod.name}"`;
      for (const [result, count] of results)
        totals += `${totalName}{${labels},pod_uid="${podUid}",${type},result="${result}"} ${count}\n`;
      durations += bucketLines(durationName, `${labels},${type}`, took);
    }
    return totals === "" ? "" : heads.total + totals + heads.duration + durations;
  }
}
