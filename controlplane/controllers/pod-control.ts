import type { Random } from "../../base/os/random.ts";
import type { ApiClient } from "../../client/api.ts";
import { ApiError, ConnectionError, isNotFound } from "../../client/api-error.ts";
import type { EventRecorder } from "../../client/events.ts";
import type { Informer } from "../../client/informer.ts";
import { keyOf, keyOfRef, refOfKey } from "../../client/object-cache.ts";
import { resources } from "../../client/resources.ts";
import type { Draft, Pod } from "../../client/types.ts";
import { isNamespaceTerminating } from "./claim-shell.ts";
import type { Expectations } from "./expectations.ts";
import { generatedName } from "./generated-name.ts";
import type { Owner } from "./owners.ts";
import { slowStart } from "./slow-start.ts";

export interface PodControlDeps {
  readonly client: ApiClient;
  readonly recorder: Pick<EventRecorder, "record">;
  readonly random: Random;
  readonly pods: Informer<Pod>;
  readonly expectations: Expectations;
}

/** Creates and deletes an owner's pods, tells of it in events, and keeps expectations of both. */
export class PodControl {
  readonly #deps: PodControlDeps;

  constructor(deps: PodControlDeps) {
    this.#deps = deps;
    const { expectations } = deps;
    deps.pods.subscribe({
      onAdd: (pod) => expectations.createSettled(keyOf(pod)),
      onUpdate: (pod) => {
        if (pod.metadata.deletionTimestamp !== undefined) expectations.deleteSettled(pod.metadata.uid);
      },
      onDelete: (pod) => {
        expectations.createSettled(keyOf(pod));
        expectations.deleteSettled(pod.metadata.uid);
      },
    });
  }

  /** The cache shows everything this controller did to the owner's pods. What is overdue is looked up. */
  async isSettled(owner: Owner): Promise<boolean> {
    const { expectations, client } = this.#deps;
    const { uid } = owner.metadata;
    if (expectations.isSettled(uid)) return true;
    const overdue = expectations.overdue(uid);
    for (const key of overdue.creates) {
      if (await exists(client, key)) expectations.confirmCreate(key);
      else expectations.createSettled(key);
    }
    // A delete that had no effect we see is simply done again.
    for (const podUid of overdue.deletes) expectations.deleteSettled(podUid);
    return expectations.isSettled(uid);
  }

  /** When to come back for what is not settled, if no event comes before; undefined where all is. */
  unsettledMs(owner: Owner): number | undefined {
    return this.#deps.expectations.overdueInMs(owner.metadata.uid);
  }

  forget(ownerUid: string): void {
    this.#deps.expectations.forget(ownerUid);
  }

  /** Creates `count` pods in growing batches. `draft` gets a fresh name and the pod's number. Rejects with the first
   *  refusal, having told of it in an event. In a namespace that is being deleted it quietly does nothing. */
  async create(
    owner: Owner,
    count: number,
    draft: (name: string, index: number) => Draft<Pod>,
    base: (index: number) => string = () => `${owner.metadata.name}-`,
  ): Promise<number> {
    const { succeeded, error } = await slowStart(count, (index) =>
      this.#createOne(owner, draft(generatedName(base(index), this.#deps.random), index)),
    );
    if (error !== undefined && !isNamespaceTerminating(error)) throw error;
    return succeeded;
  }

  /** Deletes the pods, several at once. Rejects with the first refusal. */
  async delete(owner: Owner, pods: readonly Pod[]): Promise<void> {
    const { error } = await slowStart(pods.length, async (index) => {
      const pod = pods[index];
      if (pod !== undefined) await this.#deleteOne(owner, pod);
    });
    if (error !== undefined) throw error;
  }

  async #createOne(owner: Owner, pod: Draft<Pod>): Promise<void> {
    const { client, expectations, recorder } = this.#deps;
    const key = keyOfRef({ name: pod.metadata.name ?? "", namespace: pod.metadata.namespace });
    expectations.expectCreate(owner.metadata.uid, key);
    try {
      await client.create(resources.pods, pod);
    } catch (error) {
      // After a lost answer the pod may exist: the expectation stays until the cache or a look-up tells.
      if (isDefinite(error)) expectations.createSettled(key);
      else expectations.doubtCreate(key);
      if (!isNamespaceTerminating(error))
        recorder.record(owner, {
          type: "Warning",
          reason: "FailedCreate",
          message: `Error creating: ${messageOf(error)}`,
        });
      throw error;
    }
    recorder.record(owner, {
      type: "Normal",
      reason: "SuccessfulCreate",
      message: `Created pod: ${pod.metadata.name}`,
    });
  }

  async #deleteOne(owner: Owner, pod: Pod): Promise<void> {
    const { client, expectations, recorder } = this.#deps;
    const { uid, name } = pod.metadata;
    expectations.expectDelete(owner.metadata.uid, uid);
    try {
      await client.delete(resources.pods, pod.metadata, { preconditions: { uid } });
    } catch (error) {
      if (isDefinite(error)) expectations.deleteSettled(uid);
      else expectations.doubtDelete(uid);
      if (isNotFound(error)) return;
      recorder.record(owner, {
        type: "Warning",
        reason: "FailedDelete",
        message: `Error deleting: ${messageOf(error)}`,
      });
      throw error;
    }
    recorder.record(owner, { type: "Normal", reason: "SuccessfulDelete", message: `Deleted pod: ${name}` });
  }
}

async function exists(client: ApiClient, key: string): Promise<boolean> {
  try {
    await client.get(resources.pods, refOfKey(key));
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

const isDefinite = (error: unknown) =>
  error instanceof ApiError ? error.code < 500 : error instanceof ConnectionError && error.neverSent;

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
