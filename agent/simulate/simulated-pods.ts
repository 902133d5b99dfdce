import type { Clock } from "../../base/os/clock.ts";
import type { ApiClient } from "../../client/api.ts";
import { isConflict, isNotFound } from "../../client/api-error.ts";
import type { SyncResult } from "../../client/controller-loop.ts";
import type { EventInput } from "../../client/events.ts";
import type { Informer } from "../../client/informer.ts";
import { keyOf } from "../../client/object-cache.ts";
import { resources } from "../../client/resources.ts";
import type { Pod, PodStatus, Ref } from "../../client/types.ts";
import type { WorkQueue } from "../../client/work-queue.ts";
import type { AddressPool } from "../network/address-pool.ts";
import { hasStatus, statusPatch } from "../status/status-patch.ts";
import { knownPod } from "../sync/known-pod.ts";
import { fieldPathOf } from "../sync/pod-context.ts";
import type { PodBehaviours } from "./pod-behaviour.ts";
import { type SimulatedNode, SimulatedPod } from "./simulated-pod.ts";
import type { Stage } from "./stages.ts";

export interface SimulatedPodsDeps {
  readonly client: Pick<ApiClient, "patch" | "delete">;
  readonly clock: Clock;
  readonly pods: Informer<Pod>;
  readonly queue: WorkQueue;
  readonly addresses: AddressPool;
  readonly stages: readonly Stage[];
  readonly behaviours: PodBehaviours;
  /** Tells of a pod on its node. */
  readonly onEvent: (node: string, pod: Pod, event: EventInput) => void;
  readonly hostIp: string;
  /** Whether a node of this name is one of ours, and has power. */
  readonly isRunning: (node: string) => boolean;
  /** Whether nothing reaches it, nor comes from it. */
  readonly isCutOff: (node: string) => boolean;
}

interface Life {
  readonly uid: string;
  readonly simulated: SimulatedPod;
  /** As its node last saw it. */
  seen: Pod;
  /** What the API was last told, and the version that it has had since. */
  sent: PodStatus | undefined;
  sentVersion: bigint;
  /** Its deletion was asked for; a finalizer may keep it. */
  isOver: boolean;
}

/** The pods of all simulated nodes. Its queue's keys are pods'; each is worked on when it changes, and when a step of it is due. */
export class SimulatedPods {
  readonly #deps: SimulatedPodsDeps;
  /** By key. */
  readonly #lives = new Map<string, Life>();
  /** What each node has pulled. */
  readonly #images = new Map<string, Set<string>>();
  readonly #readers = new Set<() => void>();

  constructor(deps: SimulatedPodsDeps) {
    this.#deps = deps;
  }

  /** Has every pod of our nodes worked on, from now on. The returned function ends that. */
  follow(): () => void {
    const { pods, queue, addresses } = this.#deps;
    const add = (pod: Pod) => {
      if (this.#isOurs(pod)) queue.add(keyOf(pod));
    };
    return pods.subscribe({
      onAdd: (pod) => {
        if (!this.#isOurs(pod)) return;
        this.#keepAddress(pod);
        queue.add(keyOf(pod));
      },
      onUpdate: add,
      onDelete: (pod) => {
        const key = keyOf(pod);
        addresses.release(pod.metadata.uid);
        if (this.#lives.get(key)?.uid === pod.metadata.uid) this.#lives.delete(key);
      },
    });
  }

  async sync(key: string, signal: AbortSignal): Promise<SyncResult> {
    const { pods, clock, client } = this.#deps;
    const pod = pods.getByKey(key);
    if (pod === undefined || !this.#isOurs(pod)) return;
    const isCutOff = this.#deps.isCutOff(pod.spec.nodeName ?? "");
    if (isCutOff && this.#lives.get(key)?.uid !== pod.metadata.uid) return;
    const life = this.#lifeOf(key, pod);
    if (life.isOver) return;
    const nowMs = clock.wallMs();
    if (!isCutOff) life.seen = pod;
    // What others have changed since counts as they left it.
    const isBehind = BigInt(pod.metadata.resourceVersion) < life.sentVersion;
    const known = knownPod(life.seen, isBehind || isCutOff ? life.sent : undefined);
    const { status, wakeAtMs, isFinished } = life.simulated.advance(known, nowMs);
    const later =
      wakeAtMs === undefined ? undefined : { requeueAfterMs: Math.max(0, wakeAtMs - clock.wallMs()) };
    this.#tellReaders();
    if (isCutOff) return later;
    const isRead = !isFinished || (pod.metadata.finalizers ?? []).length > 0;
    if (isRead && !hasStatus(known, status)) {
      const { name, namespace } = pod.metadata;
      const patch = statusPatch(known, status);
      const options = { type: "strategic", subresource: "status", signal } as const;
      const found = await orGone(client.patch(resources.pods, { name, namespace }, patch, options));
      if (found === undefined) return;
      life.sent = status;
      life.sentVersion = BigInt(found.metadata.resourceVersion);
    }
    if (isFinished) {
      await this.#delete(pod, signal);
      life.isOver = true;
    }
    return later;
  }

  /** The pod, as its node has it; undefined where that cannot be reached, or has none such. */
  find(ref: Ref): { readonly pod: Pod; readonly simulated: SimulatedPod } | undefined {
    const { pods, isCutOff } = this.#deps;
    const pod = pods.get(ref);
    if (pod === undefined || !this.#isOurs(pod) || isCutOff(pod.spec.nodeName ?? "")) return undefined;
    return { pod, simulated: this.#lifeOf(keyOf(pod), pod).simulated };
  }

  /** Told whenever a pod was worked on. The returned function ends that. */
  onWork(tell: () => void): () => void {
    this.#readers.add(tell);
    return () => void this.#readers.delete(tell);
  }

  #tellReaders(): void {
    for (const tell of [...this.#readers]) tell();
  }

  /** Has all pods worked on: what is said of them has changed. */
  wakeAll(): void {
    for (const pod of this.#deps.pods.list()) if (this.#isOurs(pod)) this.#deps.queue.add(keyOf(pod));
  }

  /** Has the pods of a node worked on. */
  wake(node: string): void {
    const { pods, queue } = this.#deps;
    for (const pod of pods.list()) if (pod.spec.nodeName === node) queue.add(keyOf(pod));
  }

  /** The node has booted: none of what ran there runs any more. */
  boot(node: string): void {
    const { pods, queue, clock } = this.#deps;
    for (const pod of pods.list()) {
      if (pod.spec.nodeName !== node) continue;
      this.#lives.get(keyOf(pod))?.simulated.stopAll(clock.wallMs());
      queue.add(keyOf(pod));
    }
  }

  #isOurs({ spec }: Pod): boolean {
    return spec.nodeName !== undefined && this.#deps.isRunning(spec.nodeName);
  }

  #lifeOf(key: string, pod: Pod): Life {
    const { addresses, stages, hostIp, behaviours } = this.#deps;
    const { uid } = pod.metadata;
    const held = this.#lives.get(key);
    if (held?.uid === uid) return held;
    const giveIp = () => addresses.acquire(uid);
    const node = pod.spec.nodeName ?? "";
    const images = this.#images.get(node) ?? new Set();
    this.#images.set(node, images);
    const onEvent: SimulatedNode["onEvent"] = (of, container, type, reason, message) => {
      const fieldPath = container === "" ? undefined : fieldPathOf(of, container);
      if (behaviours.knows(of))
        this.#deps.onEvent(node, of, { type, reason, message, ...(fieldPath && { fieldPath }) });
    };
    const life = {
      uid,
      simulated: new SimulatedPod(pod, { hostIp, stages, giveIp, behaviours, images, onEvent }),
      seen: pod,
      sent: undefined,
      sentVersion: 0n,
      isOver: false,
    };
    this.#lives.set(key, life);
    return life;
  }

  /** Addresses that pods had from an earlier process stay theirs. */
  #keepAddress({ metadata, spec, status }: Pod): void {
    if (status?.podIP && !spec.hostNetwork) this.#deps.addresses.keep(metadata.uid, status.podIP);
  }

  async #delete({ metadata: { name, namespace, uid } }: Pod, signal: AbortSignal): Promise<void> {
    const options = { gracePeriodSeconds: 0, preconditions: { uid }, signal };
    await orGone(this.#deps.client.delete(resources.pods, { name, namespace }, options));
  }
}

/** Undefined where the pod is gone, or another has its name. */
async function orGone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return undefined;
    throw error;
  }
}
