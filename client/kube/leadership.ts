import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { defaultElectionTimes, type ElectionTimes } from "../election.ts";
import { type ElectionDeps, LeaderElector, type Term } from "../leader-election.ts";
import { loopMetrics } from "../loop-metrics.ts";
import type { KubeClient } from "./kube-client.ts";
import { type Metrics, meterOf } from "./metrics.ts";

export interface LeaderElectionOptions {
  /** The Lease's name. */
  readonly name: string;
  /** The client's namespace by default. */
  readonly namespace?: string;
  /** Unique among the replicas; the host's name and a random part by default. */
  readonly identity?: string;
  /** 15 s, 10 s and 2 s by default, as Kubernetes' components have them. */
  readonly times?: ElectionTimes;
}

/** A candidate for the Lease; `onStartedLeading` is its work, `onRenewed` is told until when it leads. */
export function candidateFor(
  { name, namespace, identity, times = defaultElectionTimes }: LeaderElectionOptions,
  work: {
    readonly onStartedLeading: (signal: AbortSignal, term: Term) => Promise<void>;
    readonly onRenewed?: (untilMs: number) => void;
  },
  api: KubeClient,
  metrics?: Metrics,
): LeaderElector {
  const { clock, random, log } = api.deps;
  const counted = metrics && loopMetrics(meterOf(metrics));
  const deps: ElectionDeps = { client: api.rest, clock, random, log, ...(counted && { metrics: counted }) };
  return new LeaderElector(
    {
      name,
      namespace: namespace ?? api.namespace,
      identity: identity ?? `${hostname()}_${randomUUID()}`,
      times,
      ...work,
    },
    deps,
  );
}

/** Of all replicas that call this with one name, one works at a time: `work` runs while this one leads – its signal aborts when
 *  that is over, and it must end soon then –, and again when it leads again. What it writes through `leaders` is not done once
 *  another may lead, on API servers that heed the header `Pintle-Held-Lease` even if it arrives later. Resolves when the signal
 *  aborted, with the Lease given up. Rejects when the work does. */
export function runAsLeader(
  api: KubeClient,
  election: LeaderElectionOptions,
  work: (signal: AbortSignal, leaders: KubeClient) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const onStartedLeading = (leading: AbortSignal, term: Term) => work(leading, api.inTerm(term));
  return candidateFor(election, { onStartedLeading }, api).run(signal);
}
