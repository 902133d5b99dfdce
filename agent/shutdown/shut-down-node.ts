import type { Os } from "../../base/os/os.ts";
import type { TaskScope } from "../../base/os/task-scope.ts";
import type { NodePods } from "../static/node-pods.ts";
import type { PodWorkers } from "../sync/pod-workers.ts";
import { endPods } from "./end-pods.ts";
import { shutdownEnd } from "./shutdown-end.ts";
import type { ShutdownPeriod } from "./shutdown-rounds.ts";

export interface ShutdownParts {
  readonly os: Pick<Os, "clock" | "log">;
  readonly tasks: TaskScope;
  /** Says in the API that the node is not ready. */
  readonly sendStatus: () => Promise<void>;
  readonly pods: Pick<NodePods, "list">;
  readonly workers: Pick<PodWorkers, "evict" | "ended">;
}

/** Tells the cluster that the node goes down, without waiting for it to hear, and ends the node's pods. */
export async function shutDownNode(
  periods: readonly ShutdownPeriod[],
  { os, tasks, sendStatus, pods, workers }: ShutdownParts,
): Promise<void> {
  tasks.run("shutdown status", () =>
    sendStatus().catch((error: unknown) =>
      os.log.warn("cannot say that the node is shutting down", { error }),
    ),
  );
  await endPods(periods, {
    ...os,
    pods: () => pods.list(),
    end: ({ metadata: { uid } }, graceSeconds, signal) => {
      workers.evict(uid, { ...shutdownEnd, graceSeconds, disrupts: true });
      return workers.ended(uid, signal);
    },
  });
}
