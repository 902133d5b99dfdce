import assert from "node:assert/strict";
import type { Pod } from "../../../client/types.ts";
import { ago, nowMs, pod } from "../testing/objects.ts";
import { type PodMetric, utilizationProposal } from "./plan-replicas.ts";

/** What Kubernetes computes from the same: what the target asks for, what it gets, pods' requests and use of CPU (the first so
 *  many are measured), the share wanted and in use; then by pod ready (T, F), started just now or long ago (h, c), its phase
 *  (R, P, F), and whether it is being deleted (t, f). */
const cases = `
scale up | 3 | 5 | 1000,1000,1000 | 300,500,700 | 30 | 50 |  |  |  | 
scale up unready less scale | 3 | 4 | 1000,1000,1000 | 300,500,700 | 30 | 60 | FTT |  |  | 
scale up hot cpu less scale | 3 | 4 | 1000,1000,1000 | 300,500,700 | 30 | 60 |  | hcc |  | 
scale up unready no scale | 3 | 3 | 1000,1000,1000 | 400,500,700 | 30 | 40 | TFF |  |  | 
scale hot cpu no scale | 3 | 3 | 1000,1000,1000 | 400,500,700 | 30 | 40 | TFF | chh |  | 
scale up ignores failed pods | 2 | 4 | 1000,1000,1000,1000 | 500,700 | 30 | 60 | TTFF |  | RRFF | 
scale up ignores deletion pods | 2 | 4 | 1000,1000,1000,1000 | 500,700 | 30 | 60 | TTFF |  | RRRR | fftt
scale down | 5 | 3 | 1000,1000,1000,1000,1000 | 100,300,500,250,250 | 50 | 28 |  |  |  | 
scale down exclude unready pods | 5 | 2 | 1000,1000,1000,1000,1000 | 100,300,500,250,250 | 50 | 30 | TTTFF |  |  | 
scale down exclude unscheduled pods | 5 | 1 | 1000,1000,1000,1000,1000 | 100 | 50 | 10 | TFFFF |  | RPPPP | 
scale down ignore hot cpu pods | 5 | 2 | 1000,1000,1000,1000,1000 | 100,300,500,250,250 | 50 | 30 |  | ccchh |  | 
scale down ignores failed pods | 5 | 3 | 1000,1000,1000,1000,1000,1000,1000 | 100,300,500,250,250 | 50 | 28 | TTTTTFF |  | RRRRRFF | 
scale down ignores deletion pods | 5 | 3 | 1000,1000,1000,1000,1000,1000,1000 | 100,300,500,250,250 | 50 | 28 | TTTTTFF |  | RRRRRRR | ffffftt
tolerance | 3 | 3 | 900,1000,1100 | 1010,1030,1020 | 100 | 102 |  |  |  | 
superfluous metrics | 4 | 24 | 1000,1000,1000,1000 | 4000,9500,3000,7000,3200,2000 | 100 | 587 |  |  |  | 
missing metrics | 4 | 3 | 1000,1000,1000,1000 | 400,95 | 100 | 24 |  |  |  | 
missing metrics no change eq | 2 | 2 | 1000,1000 | 1000 | 100 | 100 |  |  |  | 
missing metrics no change gt | 2 | 2 | 1000,1000 | 1900 | 100 | 190 |  |  |  | 
missing metrics no change lt | 2 | 2 | 1000,1000 | 600 | 100 | 60 |  |  |  | 
missing metrics unready change | 3 | 3 | 1000,1000,1000 | 100,450 | 50 | 45 | FTT |  |  | 
missing metrics hot cpu no change | 3 | 3 | 1000,1000,1000 | 100,450 | 50 | 45 |  | hcc |  | 
missing metrics unready scale up | 3 | 4 | 1000,1000,1000 | 100,2000 | 50 | 200 | FTT |  |  | 
missing metrics hot cpu scale up | 3 | 4 | 1000,1000,1000 | 100,2000 | 50 | 200 | FTT | hcc |  | 
missing metrics unready scale down | 4 | 3 | 1000,1000,1000,1000 | 100,100,100 | 50 | 10 | FTTT |  |  | 
missing metrics scale down target over100 | 4 | 2 | 1000,1000,2000,2000 | 200,100,100 | 300 | 6 | FTTT |  |  | 
during rolling update with max surge | 2 | 2 | 1000,1000,1000 | 100,100 | 50 | 10 |  |  | RRR | 
`;

const letters = (text = "") => [...text.trim()];
const numbers = (text = "") => (text.trim() === "" ? [] : text.split(",").map(Number));

describe("how many replicas CPU calls for, as Kubernetes computes it", () => {
  for (const line of cases.trim().split("\n")) {
    const [name = "", current, wanted, requests, use, target, share, ready, started, phases, deleted] =
      line.split("|");
    it(name.trim(), () => {
      const [replicas, expected] = [Number(current), Number(wanted)];
      const count = Math.max(replicas, letters(phases).length);
      const pods = Array.from({ length: count }, (_, index) =>
        podOf(index, {
          request: numbers(requests)[index],
          ready: letters(ready)[index] !== "F",
          isNew: letters(started)[index] === "h",
          phase: { P: "Pending", F: "Failed" }[letters(phases)[index] ?? ""] ?? "Running",
          isDeleted: letters(deleted)[index] === "t",
        }),
      );
      const metrics = new Map(
        numbers(use).map((milli, index): [string, PodMetric] => [
          `p${index}`,
          { milli: BigInt(milli) * 2n, timestampMs: 0, windowMs: 60_000 },
        ]),
      );
      const rules = { cpuInitializationMs: 120_000, initialReadinessMs: 10_000, nowMs };
      const tolerances = { down: 0.1, up: 0.1 };
      const plan = utilizationProposal(
        { replicas, presentReplicas: replicas, pods, tolerances, rules },
        metrics,
        { resource: "cpu", percent: Number(target) },
      );
      assert.deepEqual([plan.replicas, plan.utilization], [expected, Number(share)]);
    });
  }
});

interface Shape {
  readonly request: number | undefined;
  readonly ready: boolean;
  readonly isNew: boolean;
  readonly phase: string;
  readonly isDeleted: boolean;
}

/** Two containers, each of which requests as much; its readiness never changed. */
function podOf(index: number, { request, ready, isNew, phase, isDeleted }: Shape): Pod {
  const resources = { ...(request !== undefined && { requests: { cpu: `${request}m` } }) };
  const made = pod(`p${index}`, {
    phase,
    spec: {
      containers: [
        { name: "a", resources },
        { name: "b", resources },
      ],
    },
    ...(isDeleted && { meta: { deletionTimestamp: ago(1) } }),
  });
  const longAgo = "1970-01-01T00:00:00Z";
  return {
    ...made,
    status: {
      ...made.status,
      startTime: isNew ? ago(0) : longAgo,
      conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: longAgo }],
    },
  };
}
