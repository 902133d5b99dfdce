import { isAlreadyExists, isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { Draft, PersistentVolumeClaim, Pod, StatefulSet } from "../../../client/types.ts";
import { isNamespaceTerminating } from "../claim-shell.ts";
import type { ControllerContext } from "../controller.ts";
import { isControlledBy } from "../owners.ts";
import type { SetAction } from "./plan-stateful-set.ts";
import { type ClaimTemplate, claimFor, claimName, identityLabels, podName } from "./stateful-pod.ts";

type Verb = "Create" | "Update" | "Delete";

/** Writes pods and claims of one set, and tells of it in events. Names are fixed, so what is done twice does no harm. */
export class StatefulPodControl {
  readonly #context: ControllerContext;
  readonly #set: StatefulSet;
  readonly #claim: (name: string) => PersistentVolumeClaim | undefined;

  constructor(
    context: ControllerContext,
    set: StatefulSet,
    claim: (name: string) => PersistentVolumeClaim | undefined,
  ) {
    this.#context = context;
    this.#set = set;
    this.#claim = claim;
  }

  /** Rejects with what was refused, having told of it. */
  async carryOut(action: SetAction): Promise<void> {
    const { client } = this.#context;
    switch (action.action) {
      case "create claims":
        return this.#createClaims(action.ordinal);
      case "create":
        return this.#createPod(action.pod);
      case "delete":
        return this.#deletePod(action.pod);
      case "identify": {
        const { uid, resourceVersion, name } = action.pod.metadata;
        const labels = identityLabels(name, action.ordinal);
        const body = { metadata: { uid, resourceVersion, labels } };
        return this.#told("Update", name, () =>
          client.patch(resources.pods, action.pod.metadata, body, { type: "merge" }),
        );
      }
      case "own claim": {
        const { uid, resourceVersion } = action.claim.metadata;
        const body = { metadata: { uid, resourceVersion, ownerReferences: action.owners } };
        const kind = resources.persistentvolumeclaims;
        await client.patch(kind, action.claim.metadata, body, { type: "merge" });
        return;
      }
      case "warn":
        this.#record("Warning", "ConflictingController", conflicting(action.claim));
    }
  }

  async #createPod(pod: Draft<Pod>): Promise<void> {
    const { client } = this.#context;
    const { name = "", namespace } = pod.metadata;
    try {
      await client.create(resources.pods, pod);
    } catch (error) {
      if (isAlreadyExists(error)) {
        // Ours already: the cache lags, and its event brings the set back here.
        if (isControlledBy(await client.get(resources.pods, { name, namespace }), this.#set)) return;
      } else if (!isNamespaceTerminating(error)) this.#failed("Create", name, error);
      throw error;
    }
    this.#succeeded("Create", name);
  }

  async #deletePod(pod: Pod): Promise<void> {
    const { name, uid } = pod.metadata;
    await this.#told("Delete", name, async () => {
      try {
        await this.#context.client.delete(resources.pods, pod.metadata, { preconditions: { uid } });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    });
  }

  async #createClaims(ordinal: number): Promise<void> {
    const name = podName(this.#set, ordinal);
    for (const template of this.#set.spec.volumeClaimTemplates ?? []) {
      const claim = claimName(this.#set, template, ordinal);
      const found = this.#claim(claim);
      if (found?.metadata.deletionTimestamp !== undefined) {
        const error = new Error(`pvc ${claim} is being deleted`);
        this.#failed("Create", name, error);
        throw error;
      }
      if (found === undefined) await this.#createClaim(template, ordinal);
    }
  }

  async #createClaim(template: ClaimTemplate, ordinal: number): Promise<void> {
    const draft = claimFor(this.#set, template, ordinal);
    const about = `Claim ${draft.metadata.name}`;
    const pod = podName(this.#set, ordinal);
    const set = this.#set.metadata.name;
    try {
      await this.#context.client.create(
        resources.persistentvolumeclaims,
        draft as Draft<PersistentVolumeClaim>,
      );
    } catch (error) {
      if (isAlreadyExists(error)) return;
      if (!isNamespaceTerminating(error)) {
        const text = `Create ${about} for Pod ${pod} in StatefulSet ${set} failed error: ${messageOf(error)}`;
        this.#record("Warning", "FailedCreate", text);
      }
      throw error;
    }
    this.#record("Normal", "SuccessfulCreate", `Create ${about} Pod ${pod} in StatefulSet ${set} success`);
  }

  async #told(verb: Verb, pod: string, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#failed(verb, pod, error);
      throw error;
    }
    this.#succeeded(verb, pod);
  }

  #succeeded(verb: Verb, pod: string): void {
    const text = `${verb} Pod ${pod} in StatefulSet ${this.#set.metadata.name} successful`;
    this.#record("Normal", `Successful${verb}`, text);
  }

  #failed(verb: Verb, pod: string, error: unknown): void {
    const text = `${verb} Pod ${pod} in StatefulSet ${this.#set.metadata.name} failed error: ${messageOf(error)}`;
    this.#record("Warning", `Failed${verb}`, text);
  }

  #record(type: "Normal" | "Warning", reason: string, message: string): void {
    this.#context.recorder.record(this.#set, { type, reason, message });
  }
}

const conflicting = (claim: string) =>
  `PersistentVolumeClaim ${claim} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`;

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
