import { isDeepStrictEqual } from "node:util";
import { type Clock, sleep } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { EventInput, EventRecorder, EventSubject } from "../events.ts";
import type { Informer } from "../informer.ts";
import type { Kind } from "../kube/define-kind.ts";
import type { ApplyOptions, KubeClient } from "../kube/kube-client.ts";
import type { Answered, AnyManifest } from "../kube/manifest.ts";
import type { OwnerReference } from "../models.ts";
import { keyOfRef, type Stored } from "../object-cache.ts";
import { apiVersionOf } from "../resources.ts";
import type { Ref } from "../types.ts";

/** What `reconcile` has at hand. */
export interface ReconcileContext<T extends Stored> {
  readonly api: KubeClient;
  /** Where the object is. */
  readonly ref: Ref;
  /** Aborts when the controller is to end at once: leadership was lost, or the time for ending has passed. Pass it to calls
   *  that last. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** The cache of a kind that the controller is for, owns or watches. It may be behind what was just written. */
  cached<K extends Stored>(kind: Kind<K>): Informer<K>;
  /** Of a kind in `owns`: those of the object, from the cache. */
  owned<K extends Stored>(kind: Kind<K>): readonly K[];
  /** Server-side apply of an object that the reconciled one owns: it goes when that goes. Without a namespace it is in the
   *  owner's. The controller is the field manager, and takes fields over from others. */
  applyOwned<M extends AnyManifest>(object: M, options?: ApplyOptions): Promise<Answered<M>>;
  /** Has the status be as given, by server-side apply as the controller: what it said before and does not say now is taken
   *  away. Asks nothing of the server where the status is so already. */
  setStatus(status: T extends { status?: infer S } ? NonNullable<S> : object): Promise<void>;
  /** Records an event about the object, in the background: shown by `kubectl describe`. Never fails and never waits. */
  event(type: EventInput["type"], reason: string, message: string): void;
  /** What the client's clock shows: the machine's, or that of a cluster inside a test. */
  now(): Date;
  /** Resolves after so long, or rejects with the signal's reason. */
  sleep(delayMs: number): Promise<void>;
}

export interface ContextParts<T extends Stored> {
  readonly api: KubeClient;
  readonly kind: Kind<T>;
  readonly manager: string;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly cached: <K extends Stored>(kind: Kind<K>) => Informer<K>;
}

export function reconcileContext<T extends Stored>(parts: ContextParts<T>, object: T): ReconcileContext<T> {
  const { api, kind, manager, signal, log, clock, recorder, cached } = parts;
  const { name, namespace, uid } = object.metadata;
  const ref: Ref = namespace === undefined ? { name } : { name, namespace };
  const apiVersion = apiVersionOf(kind);
  const subject: EventSubject = { apiVersion, kind: kind.kind, metadata: object.metadata };
  return {
    api,
    ref,
    signal,
    log: log.child(manager, { object: keyOfRef(ref) }),
    cached,
    owned: (of) => cached(of).byOwner(uid),
    applyOwned: async (child, options) => {
      const at = child.metadata.namespace ?? namespace;
      const { namespaced } = await api.kindOf(child);
      if (namespace !== undefined && (!namespaced || at !== namespace))
        throw new TypeError(`${child.kind} ${child.metadata.name}: an owner's objects are in its namespace`);
      const metadata = {
        ...child.metadata,
        ...(at !== undefined && { namespace: at }),
        ownerReferences: [ownerReference(kind, object), ...(child.metadata.ownerReferences ?? [])],
      };
      return api.apply({ ...child, metadata }, { fieldManager: manager, force: true, signal, ...options });
    },
    setStatus: async (status) => {
      if (isDeepStrictEqual(asSent(status), (object as { status?: unknown }).status)) return;
      await api.patch(
        kind,
        ref,
        { apiVersion, kind: kind.kind, metadata: { name, uid, ...(namespace && { namespace }) }, status },
        { type: "apply", subresource: "status", fieldManager: manager, force: true, signal },
      );
    },
    event: (type, reason, message) => recorder.record(subject, { type, reason, message }),
    now: () => new Date(clock.wallMs()),
    sleep: (delayMs) => sleep(clock, delayMs, signal),
  };
}

/** Says that the object is the one controller of what has this among its ownerReferences. */
export function ownerReference(kind: Kind<unknown>, object: Stored): OwnerReference {
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    name: object.metadata.name,
    uid: object.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** As the server gets it: without what JSON leaves out. */
function asSent(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
