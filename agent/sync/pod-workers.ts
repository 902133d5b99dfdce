import { readdir } from "node:fs/promises";
import { sleep } from "../../base/os/clock.ts";
import type { TaskScope } from "../../base/os/task-scope.ts";
import type { Pod } from "../../client/types.ts";
import { podLogFolders } from "../logs/folders.ts";
import { keepPodLogs } from "../logs/keep-logs.ts";
import { dropDeadLinks } from "../logs/log-links.ts";
import type { NodePods } from "../static/node-pods.ts";
import type { PodStatuses } from "../status/pod-statuses.ts";
import type { Eviction } from "./eviction.ts";
import type { PodContext } from "./pod-context.ts";
import { isTerminal } from "./pod-phase.ts";
import { PodWorker } from "./pod-worker.ts";

const strayRetryMs = 10_000;

/** One worker per pod bound to this node, by uid. */
export class PodWorkers {
  readonly #context: PodContext;
  readonly #statuses: PodStatuses;
  readonly #tasks: TaskScope;
  readonly #workers = new Map<string, PodWorker>();

  constructor(context: PodContext, statuses: PodStatuses, tasks: TaskScope) {
    this.#context = context;
    this.#statuses = statuses;
    this.#tasks = tasks;
  }

  /** Follows the node's pods, which must all be known: only then is it known which containers belong to none. */
  async start(pods: Pick<NodePods, "list" | "subscribe">): Promise<void> {
    const wanted = new Set(pods.list().map(({ metadata }) => metadata.uid));
    await this.#removeStrays(wanted);
    // What runs has its room before anything new is asked for.
    const begun = new Set(this.#context.runtime.listPodSandboxes().map(({ pod }) => pod.uid));
    for (const pod of pods.list())
      if (begun.has(pod.metadata.uid) && !isTerminal(pod.status?.phase)) this.#context.admission?.take(pod);
    this.#context.runtime.subscribe(({ podUid }) => this.wake(podUid));
    pods.subscribe({
      onAdd: (pod) => this.#update(pod),
      onUpdate: (pod) => this.#update(pod),
      onDelete: (pod) => this.#workers.get(pod.metadata.uid)?.update(pod, true),
    });
  }

  wake(podUid: string): void {
    this.#workers.get(podUid)?.wake();
  }

  /** Ends a pod for good, saying why. False when it is gone or ended by itself. */
  evict(podUid: string, eviction: Eviction): boolean {
    return this.#workers.get(podUid)?.evict(eviction) ?? false;
  }

  /** Nothing of the pod runs or takes room any more. */
  isFreed(podUid: string): boolean {
    return this.#workers.get(podUid)?.isFreed ?? true;
  }

  /** Frees what ended pods left: containers with what they wrote and logged. */
  async reclaimEnded(): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.reclaim()));
  }

  /** Resolves once nothing of the pod runs, nor will, and the API knows how it ended. Rejects when the signal aborts. */
  async ended(podUid: string, signal: AbortSignal): Promise<void> {
    await this.#workers.get(podUid)?.ended(signal);
  }

  objectsChanged(podUid: string): void {
    this.#workers.get(podUid)?.objectsChanged();
  }

  podOf(uid: string): Pod | undefined {
    return this.#workers.get(uid)?.pod;
  }

  #update(pod: Pod): void {
    const { uid } = pod.metadata;
    if (isTerminal(pod.status?.phase)) this.#context.admission?.forget(uid);
    const known = this.#workers.get(uid);
    if (known !== undefined) {
      // An ephemeral container may refer to more than the pod did before.
      this.#context.sources.follow(pod);
      known.update(pod);
      return;
    }
    this.#context.sources.follow(pod);
    const worker = new PodWorker(pod, this.#context, this.#statuses);
    this.#workers.set(uid, worker);
    this.#tasks.run(`pod ${pod.metadata.namespace}/${pod.metadata.name}`, async (signal) => {
      await worker.run(signal);
      this.#workers.delete(uid);
      this.#context.sources.forget(uid);
      // Where the agent ends, the pod does not, and keeps what it was given.
      if (signal.aborted) return;
      this.#context.admission?.forget(uid);
      this.#context.ended(uid);
    });
  }

  /** What an earlier agent started for pods that have since been deleted. */
  async #removeStrays(wanted: ReadonlySet<string>): Promise<void> {
    const { runtime, volumes, os, logsDir } = this.#context;
    for (const { id, pod } of runtime.listPodSandboxes()) {
      if (wanted.has(pod.uid)) continue;
      os.log.info("removing a pod that is gone", { pod: `${pod.namespace}/${pod.name}` });
      await runtime.removePodSandbox(id);
    }
    const left = (await volumes.list()).filter((uid) => !wanted.has(uid));
    this.#tasks.run("volumes of pods that are gone", (signal) => this.#removeVolumes(left, signal));
    const logs = await readdir(logsDir).catch(() => []);
    for (const name of logs)
      if (!wanted.has(name.split("_").at(-1) ?? "")) await keepPodLogs(podLogFolders(logsDir), name);
    await dropDeadLinks(logsDir);
  }

  /** Drivers that undo them may come later than this agent, and need not answer: pods that are there do not wait for that. */
  async #removeVolumes(uids: readonly string[], signal: AbortSignal): Promise<void> {
    const { volumes, os } = this.#context;
    const remove = async (uid: string) => {
      for (;;)
        try {
          await volumes.remove(uid);
          return;
        } catch (error) {
          signal.throwIfAborted();
          os.log.warn("cannot remove the volumes of a pod that is gone", { pod: uid, error });
          await sleep(os.clock, strayRetryMs, signal);
        }
    };
    await Promise.all(uids.map(remove));
  }
}
