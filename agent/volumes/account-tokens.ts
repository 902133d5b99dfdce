import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Random } from "../../base/os/random.ts";
import type { ApiClient } from "../../client/api.ts";
import { resources } from "../../client/resources.ts";
import type { Pod } from "../../client/types.ts";
import { ConfigError } from "../sync/environment.ts";

/** Tokens of the accounts that this node's pods run as. */
export interface PodTokens {
  /** A token that holds for a while yet. Rejects with ConfigError where there is none to be had. */
  token(pod: Pod, wanted: WantedToken): Promise<string>;
  /** The pod's volumes are gone. */
  forget(podUid: string): void;
}

/** A token, and until when it holds. */
export interface HeldToken {
  readonly text: string;
  readonly expiresMs: number;
}

export interface WantedToken {
  /** Empty: the API itself. */
  readonly audience: string;
  readonly lifeSeconds: number;
}

/** As the kubelet has it: a token is replaced when four fifths of its life are over, or a day, a little earlier so that
 *  not all nodes ask at once. */
const spentOf5 = 4;
const usedMsMax = 24 * 3_600_000;
const jitterMsMax = 10_000;
/** How long after one that could not be replaced the next attempt comes. */
const retryMs = 60_000;

interface Kept extends HeldToken {
  readonly replaceMs: number;
}

interface Slot {
  kept: Kept | undefined;
  cancel: () => void;
}

type Deps = {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
};

/** Asks the API for tokens bound to the pod, keeps them, and tells when one is to be replaced.
 *  Size: one entry for each token volume of the node's pods. */
export class AccountTokens implements PodTokens {
  readonly #deps: Deps;
  readonly #onStale: (podUid: string) => void;
  /** Pod -> what is wanted -> token. */
  readonly #slots = new Map<string, Map<string, Slot>>();

  /** `onStale` hears the uid of a pod whose token should be asked for anew. */
  constructor(deps: Deps, onStale: (podUid: string) => void) {
    this.#deps = deps;
    this.#onStale = onStale;
  }

  async token(pod: Pod, wanted: WantedToken): Promise<string> {
    return (await this.held(pod, wanted)).text;
  }

  /** Rejects as `token`. */
  async held(pod: Pod, wanted: WantedToken): Promise<HeldToken> {
    const slot = this.#slotOf(pod.metadata.uid, JSON.stringify([wanted.audience, wanted.lifeSeconds]));
    const before = slot.kept;
    const { clock, log } = this.#deps;
    if (before !== undefined && clock.wallMs() < before.replaceMs) return before;
    try {
      const kept = await this.#fetch(pod, wanted);
      slot.kept = kept;
      // An answer that is stale as it comes, by a clock that is wrong, must not be asked for again and again.
      this.#tellAfter(slot, pod.metadata.uid, Math.max(kept.replaceMs - clock.wallMs(), retryMs));
      return kept;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (before === undefined || clock.wallMs() >= before.expiresMs)
        throw new ConfigError(`failed to fetch token: ${why}`);
      log.warn("cannot replace a token; it holds for a while yet", { pod: pod.metadata.name, error });
      this.#tellAfter(slot, pod.metadata.uid, retryMs);
      return before;
    }
  }

  forget(podUid: string): void {
    for (const { cancel } of this.#slots.get(podUid)?.values() ?? []) cancel();
    this.#slots.delete(podUid);
  }

  stop(): void {
    for (const uid of [...this.#slots.keys()]) this.forget(uid);
  }

  #slotOf(podUid: string, key: string): Slot {
    const ofPod = this.#slots.get(podUid) ?? new Map<string, Slot>();
    this.#slots.set(podUid, ofPod);
    const slot = ofPod.get(key) ?? { kept: undefined, cancel: () => undefined };
    ofPod.set(key, slot);
    return slot;
  }

  #tellAfter(slot: Slot, podUid: string, delayMs: number): void {
    slot.cancel();
    slot.cancel = this.#deps.clock.after(delayMs, () => this.#onStale(podUid));
  }

  async #fetch({ metadata, spec }: Pod, { audience, lifeSeconds }: WantedToken): Promise<Kept> {
    const { namespace = "", name, uid } = metadata;
    const account = { namespace, name: spec.serviceAccountName ?? "default" };
    const request = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: {
        audiences: audience === "" ? [] : [audience],
        expirationSeconds: lifeSeconds,
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
      },
    };
    const answer = await this.#deps.client.createSubresource(
      resources.serviceaccounts,
      account,
      "token",
      request,
    );
    return this.#read(answer);
  }

  #read(answer: object): Kept {
    const { spec, status } = answer as {
      readonly spec?: { readonly expirationSeconds?: number };
      readonly status?: { readonly token?: string; readonly expirationTimestamp?: string };
    };
    const text = status?.token ?? "";
    const expiresMs = Date.parse(status?.expirationTimestamp ?? "");
    if (text === "" || Number.isNaN(expiresMs)) throw new Error("the answer holds no token");
    const lifeMs = (spec?.expirationSeconds ?? 0) * 1000;
    const usedMs = Math.min((lifeMs * spentOf5) / 5, usedMsMax);
    const jitterMs = (this.#deps.random.uint32() / 2 ** 32) * jitterMsMax;
    return { text, expiresMs, replaceMs: expiresMs - lifeMs + usedMs - jitterMs };
  }
}
