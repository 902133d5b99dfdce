import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Random } from "../../base/os/random.ts";
import { runController, type SyncResult } from "../controller-loop.ts";
import type { EventRecorder } from "../events.ts";
import type { Informer } from "../informer.ts";
import type { Kind } from "../kube/define-kind.ts";
import type { KubeClient } from "../kube/kube-client.ts";
import { type LoopMetrics, queueObserver } from "../loop-metrics.ts";
import { keyOf, keyOfRef, refOfKey, type Stored } from "../object-cache.ts";
import { apiVersionOf } from "../resources.ts";
import { WorkQueue } from "../work-queue.ts";
import { reconcileContext } from "./context.ts";
import { type Controller, nameOf } from "./controller.ts";
import { addFinalizer, hasFinalizer, removeFinalizer } from "./finalizers.ts";

export interface ControllerParts {
  readonly api: KubeClient;
  readonly cached: <K extends Stored>(kind: Kind<K>, scope?: Controller<K>["scope"]) => Informer<K>;
  readonly recorder: EventRecorder;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: LoopMetrics | undefined;
  readonly onReconciled: ((reconciled: Reconciled) => void) | undefined;
}

/** What became of one call of `reconcile`, `finalize` or `gone`. */
export interface Reconciled {
  readonly controller: string;
  /** `namespace/name`, or `name`. */
  readonly key: string;
  readonly outcome: "done" | "again later" | "failed";
  readonly tookMs: number;
  readonly error?: unknown;
}

/** Every cache that a controller reads, by kind. */
export function startCaches<T extends Stored>(
  { kind, scope, owns = [], watches = [] }: Controller<T>,
  cached: ControllerParts["cached"],
): void {
  cached(kind, scope);
  for (const owned of owns) cached(owned);
  for (const watched of watches) cached(watched.kind, watched.scope);
}

/** Works until `stopping` aborts, and then as long as what is under way takes or `signal` allows. The caches have synced. */
export async function runOne<T extends Stored>(
  controller: Controller<T>,
  parts: ControllerParts,
  { stopping, signal }: { readonly stopping: AbortSignal; readonly signal: AbortSignal },
): Promise<void> {
  const { clock, random, metrics, log } = parts;
  const name = nameOf(controller);
  const queue = new WorkQueue({ clock, random }, metrics && { observer: queueObserver(metrics, name) });
  const leave = feed(controller, parts, queue);
  const sync = (key: string) => timed(name, key, parts, () => syncKey(controller, key, parts, signal));
  try {
    const loop = { name, workers: controller.concurrency ?? 1, queue, sync, log, clock };
    await runController({ ...loop, ...(metrics && { metrics }) }, stopping);
  } finally {
    leave();
  }
}

/** Event -> key -> queue. The returned function ends it. */
function feed<T extends Stored>(
  { kind, scope, owns = [], watches = [], when = () => true }: Controller<T>,
  { cached }: ControllerParts,
  queue: WorkQueue,
): () => void {
  const objects = cached(kind, scope);
  const add = (object: Stored) => queue.add(keyOf(object));
  const left = [
    objects.subscribe({
      onAdd: add,
      onUpdate: (next, previous) => when(next, previous) && add(next),
      onDelete: add,
    }),
  ];
  const addOwner = ({ metadata }: Stored) => {
    const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
    if (owner === undefined || owner.kind !== kind.kind || groupOf(owner.apiVersion) !== kind.group) return;
    queue.add(keyOfRef({ name: owner.name, namespace: kind.namespaced ? metadata.namespace : undefined }));
  };
  for (const owned of owns) left.push(cached(owned).subscribe(onBoth(addOwner)));
  for (const { kind: other, scope: where, refsOf } of watches) {
    const addAll = (object: Stored) => {
      for (const ref of refsOf(object)) queue.add(keyOfRef(ref));
    };
    left.push(cached(other, where).subscribe(onBoth(addAll)));
  }
  return () => {
    for (const leave of left) leave();
  };
}

/** An object that changed may have been another's before. */
function onBoth(add: (object: Stored) => void) {
  return {
    onAdd: add,
    onDelete: add,
    onUpdate: (next: Stored, previous: Stored) => {
      add(previous);
      add(next);
    },
  };
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}

async function timed(
  controller: string,
  key: string,
  { clock, onReconciled }: ControllerParts,
  work: () => Promise<SyncResult>,
): Promise<SyncResult> {
  const startedMs = clock.monotonicMs();
  const tell = (outcome: Reconciled["outcome"], failure?: { readonly error: unknown }) =>
    onReconciled?.({ controller, key, outcome, tookMs: clock.monotonicMs() - startedMs, ...failure });
  try {
    const result = await work();
    tell(result?.requeueAfterMs === undefined ? "done" : "again later");
    return result;
  } catch (error) {
    tell("failed", { error });
    throw error;
  }
}

async function syncKey<T extends Stored>(
  controller: Controller<T>,
  key: string,
  parts: ControllerParts,
  signal: AbortSignal,
): Promise<SyncResult> {
  const { kind, scope, finalizer, finalize, reconcile, gone } = controller;
  const { api } = parts;
  const cached = <K extends Stored>(of: Kind<K>): Informer<K> => {
    const { owns = [], watches = [] } = controller;
    const same = (other: Kind<unknown>) =>
      other.plural === of.plural && apiVersionOf(other) === apiVersionOf(of);
    if (same(kind)) return parts.cached(of, scope);
    if (owns.some(same)) return parts.cached(of);
    const watched = watches.find((one) => same(one.kind));
    if (watched !== undefined) return parts.cached(of, watched.scope);
    throw new TypeError(`controller ${nameOf(controller)}: ${of.kind} is neither in owns nor in watches`);
  };
  const seen = parts.cached(kind, scope).getByKey(key);
  if (seen === undefined) {
    await gone?.(refOfKey(key), { api, cached, signal });
    return undefined;
  }
  const context = (object: T) =>
    reconcileContext({ ...parts, kind, manager: nameOf(controller), signal, cached }, object);
  if (seen.metadata.deletionTimestamp !== undefined) {
    if (finalizer === undefined || finalize === undefined || !hasFinalizer(seen, finalizer)) return undefined;
    const result = await finalize(seen, context(seen));
    if (result?.requeueAfterMs !== undefined) return result;
    await removeFinalizer(api, kind, seen, finalizer, signal);
    return undefined;
  }
  const object = finalizer === undefined ? seen : await addFinalizer(api, kind, seen, finalizer, signal);
  return reconcile(object, context(object));
}
