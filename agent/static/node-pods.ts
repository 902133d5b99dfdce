import type { Informer } from "../../client/informer.ts";
import { type Handler, keyOf } from "../../client/object-cache.ts";
import { isMirrorPod, mirrorAnnotation } from "../../client/rules/static-pods.ts";
import type { Pod } from "../../client/types.ts";
import { shutdownEnd } from "../shutdown/shutdown-end.ts";

/** The pods that this node is to run: those that the API binds to it, and those of its own files. A mirror in the API is none: it
 *  shows one of the latter. Nothing here waits.
 *  Invariant: of one name, no static pod is begun while another, or the same as it was before, still ends. */
export class NodePods {
  readonly #api: Pick<Informer<Pod>, "list" | "getByKey" | "subscribe">;
  readonly #nowIso: () => string;
  /** Of files, begun and not yet ended, by uid. */
  readonly #begun = new Map<string, Pod>();
  /** What files ask for, by key. */
  #wanted: ReadonlyMap<string, Pod> = new Map();
  /** Uids of mirrors that show how a pod ended before it was begun here. */
  readonly #pastLives = new Set<string>();
  readonly #handlers = new Set<Handler<Pod>>();
  readonly #listeners = new Set<(key: string) => void>();

  constructor(api: Pick<Informer<Pod>, "list" | "getByKey" | "subscribe">, nowIso: () => string) {
    this.#api = api;
    this.#nowIso = nowIso;
    const ofMirror = (mirror: Pod) => {
      const pod = this.#byKey(keyOf(mirror));
      if (pod !== undefined) this.#updated(pod);
      this.#changed(keyOf(mirror));
    };
    const each = (pod: Pod, tell: (handler: Handler<Pod>) => void) =>
      isMirrorPod(pod) ? ofMirror(pod) : this.#tell(tell);
    api.subscribe({
      onAdd: (pod) => each(pod, (one) => one.onAdd?.(pod)),
      onUpdate: (pod, before) => each(pod, (one) => one.onUpdate?.(pod, before)),
      onDelete: (pod) => each(pod, (one) => one.onDelete?.(pod)),
    });
  }

  list(): readonly Pod[] {
    const bound = this.#api.list().filter((pod) => !isMirrorPod(pod));
    return [...bound, ...[...this.#begun.values()].map((pod) => this.#shown(pod))];
  }

  /** The handler first hears onAdd for every pod there is. */
  subscribe(handler: Handler<Pod>): void {
    for (const pod of this.list()) handler.onAdd?.(pod);
    this.#handlers.add(handler);
  }

  /** Tells by key of every pod whose mirror may have to change. */
  onMirrorDue(listener: (key: string) => void): void {
    for (const pod of this.#api.list()) if (isMirrorPod(pod)) listener(keyOf(pod));
    for (const key of this.#wanted.keys()) listener(key);
    this.#listeners.add(listener);
  }

  /** What this node's files ask for, from now on: all of it. What they no longer ask for ends within its grace. */
  setStatic(pods: readonly Pod[]): void {
    this.#wanted = new Map(pods.map((pod) => [keyOf(pod), pod]));
    for (const pod of this.#begun.values()) {
      if (isEnding(pod) || this.#wanted.get(keyOf(pod))?.metadata.uid === pod.metadata.uid) continue;
      const ending = {
        ...pod,
        metadata: {
          ...pod.metadata,
          deletionTimestamp: this.#nowIso(),
          deletionGracePeriodSeconds: pod.spec.terminationGracePeriodSeconds ?? 30,
        },
      };
      this.#begun.set(pod.metadata.uid, ending);
      this.#updated(ending);
    }
    for (const key of this.#wanted.keys()) this.#begin(key);
  }

  /** Nothing is left of the pod on this node. */
  ended(uid: string): void {
    const pod = this.#begun.get(uid);
    if (pod === undefined) return;
    this.#begun.delete(uid);
    this.#begin(keyOf(pod));
    this.#changed(keyOf(pod));
  }

  /** How the API knows a pod: a static one by its mirror, if it has that by now. */
  inApi(pod: Pod): Pod | undefined {
    return this.#begun.has(pod.metadata.uid) ? this.#mirror(pod) : pod;
  }

  /** What is amiss with the mirror of that key. What is deleted may have to be made anew, once it is gone. */
  mirrorTask(key: string): { readonly delete: Pod } | { readonly create: Pod } | undefined {
    const pod = this.#byKey(key);
    // That of a pod which ends goes with it.
    if (pod !== undefined && isEnding(pod)) return undefined;
    const found = this.#mirrorAt(key);
    if (found === undefined) return pod && { create: pod };
    const isRight = pod !== undefined && this.#mirror(pod) === found && !isEnding(found);
    return isRight ? undefined : { delete: found };
  }

  #begin(key: string): void {
    const pod = this.#wanted.get(key);
    if (pod === undefined || this.#byKey(key) !== undefined) return;
    const before = this.#mirror(pod);
    if (before !== undefined && wasShutDown(before)) this.#pastLives.add(before.metadata.uid);
    this.#begun.set(pod.metadata.uid, pod);
    this.#tell((handler) => handler.onAdd?.(this.#shown(pod)));
    this.#changed(key);
  }

  #byKey(key: string): Pod | undefined {
    for (const pod of this.#begun.values()) if (keyOf(pod) === key) return pod;
    return undefined;
  }

  #mirrorAt(key: string): Pod | undefined {
    const found = this.#api.getByKey(key);
    return found !== undefined && isMirrorPod(found) ? found : undefined;
  }

  #mirror(pod: Pod): Pod | undefined {
    const mirror = this.#mirrorAt(keyOf(pod));
    const isOf = mirror?.metadata.annotations?.[mirrorAnnotation] === pod.metadata.uid;
    return isOf && !this.#pastLives.has(mirror.metadata.uid) ? mirror : undefined;
  }

  /** With what the API knows of it. */
  #shown(pod: Pod): Pod {
    const mirror = this.#mirror(pod);
    if (mirror === undefined) return pod;
    const { generation } = mirror.metadata;
    return {
      ...pod,
      metadata: { ...pod.metadata, ...(generation !== undefined && { generation }) },
      ...(mirror.status && { status: mirror.status }),
    };
  }

  #updated(pod: Pod): void {
    const shown = this.#shown(pod);
    this.#tell((handler) => handler.onUpdate?.(shown, shown));
  }

  #tell(tell: (handler: Handler<Pod>) => void): void {
    for (const handler of this.#handlers) tell(handler);
  }

  #changed(key: string): void {
    for (const listener of this.#listeners) listener(key);
  }
}

/** What the node's going down ended begins anew when the node is there again. */
const wasShutDown = ({ status }: Pod): boolean =>
  status?.phase === "Failed" && status.reason === shutdownEnd.reason;

const isEnding = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;
