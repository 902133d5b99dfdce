import { backoffMs } from "../../base/backoff.ts";
import { sleep } from "../../base/os/clock.ts";
import type { Os } from "../../base/os/os.ts";
import type { ApiClient } from "../../client/api.ts";
import { isConflict, isNotFound } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { Pod, PodStatus } from "../../client/types.ts";

const retry = { firstMs: 200, mostMs: 10_000 };

/** Sends pods' statuses to the API. */
export class PodStatuses {
  readonly #client: ApiClient;
  readonly #os: Os;
  /** By uid, as JSON: what the server was last known to have. */
  readonly #sent = new Map<string, string>();

  constructor(client: ApiClient, os: Os) {
    this.#client = client;
    this.#os = os;
  }

  /** Resolves once the server has this status or the pod is gone. Patches only what differs from what it was sent. */
  async send(pod: Pod, status: PodStatus, signal: AbortSignal): Promise<void> {
    const { uid, name, namespace } = pod.metadata;
    const text = JSON.stringify(status);
    if (this.#sent.get(uid) === text || (!this.#sent.has(uid) && sameStatus(pod.status, status))) {
      this.#sent.set(uid, text);
      return;
    }
    const body = { metadata: { uid }, status: { ...cleared(pod.status, status), ...status } };
    for (let failures = 1; ; failures++) {
      try {
        await this.#client.patch(resources.pods, { name, namespace }, body, {
          type: "merge",
          subresource: "status",
          signal,
        });
        this.#sent.set(uid, text);
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (isNotFound(error) || isConflict(error)) return; // gone, or another pod by now
        this.#os.log.warn("cannot send pod status", { pod: `${namespace}/${name}`, failures, error });
        await sleep(this.#os.clock, backoffMs(retry, failures, this.#os.random), signal);
      }
    }
  }

  forget(uid: string): void {
    this.#sent.delete(uid);
  }
}

/** Fields that went away have to be said to be gone in a merge patch. */
function cleared(before: PodStatus | undefined, after: PodStatus): Record<string, null> {
  const ours = ["reason", "message", "podIP", "podIPs", "initContainerStatuses"] as const;
  return Object.fromEntries(
    ours
      .filter((name) => before?.[name] !== undefined && after[name] === undefined)
      .map((name) => [name, null]),
  );
}

function sameStatus(before: PodStatus | undefined, after: PodStatus): boolean {
  return JSON.stringify(sorted(before)) === JSON.stringify(sorted(after));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, one]) => [name, sorted(one)]),
  );
}
