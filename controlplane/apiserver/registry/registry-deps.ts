import { Cancellation } from "../../../base/cancellation.ts";
import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { Random } from "../../../base/os/random.ts";
import type { KubeObject } from "../../../client/types.ts";
import type { Phases, Requester } from "../admission/admission.ts";
import type { CacheHub } from "../cache/cache-hub.ts";
import { serverUser } from "../filters/authentication.ts";
import type { JsonObject } from "../json.ts";
import type { Kind, ValidationContext } from "./kind.ts";
import type { KindRegistry } from "./kind-registry.ts";
import type { LeaseFence } from "./lease-fence.ts";
import type { QuotaLedger } from "./quota-ledger.ts";
import type { Claims, PlanOptions } from "./service-allocator.ts";
import type { Storage, Write } from "./storage.ts";
import { encodeStored } from "./stored-object.ts";

/** What every operation on objects is handed. */
export interface RegistryDeps {
  readonly storage: Storage;
  readonly hub: CacheHub;
  readonly kinds: KindRegistry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly allocator: Allocator;
  readonly quotas: Quotas;
  /** What stores objects for somebody does so through it. */
  readonly fence: Pick<LeaseFence, "commit" | "prove">;
  /** Checks and fills what is written beyond its kind's own rules. */
  readonly admission: Phases;
  readonly facts: ValidationContext;
  /** Notes in a new object of the server's own, or where the server has changed a status, that it was the server, once
   *  defaults are filled in; mutates. */
  readonly recordOwn: (next: KubeObject, current?: KubeObject) => void;
  /** The object with a status of the server's own applied, and noted as that manager's. */
  readonly applyOwn: (current: KubeObject, applied: OwnStatus) => KubeObject;
}

/** What a part of the server, under that name, says of an object. */
export interface OwnStatus {
  readonly manager: string;
  readonly status: JsonObject;
}

/** Hands out what is unique in the cluster; see service-allocator.ts. */
export interface Allocator {
  carryOver(kind: Kind, next: KubeObject, current: KubeObject): void;
  /** Fills what is missing in `next` (absent: the object goes) and says what the transaction must claim and free. */
  plan(
    kind: Kind,
    next: KubeObject | undefined,
    current: KubeObject | undefined,
    options?: PlanOptions,
  ): Promise<Claims>;
}

/** Charges what writes use up; see quota-ledger.ts. */
export type Quotas = Pick<QuotaLedger, "check" | "commit">;

/** The server's own hand. */
export const serverRequester: Requester = {
  user: serverUser,
  verb: "update",
  subresource: "",
  name: "",
  cancellation: new Cancellation(),
  options: () => undefined,
  warn: () => undefined,
  annotate: () => undefined,
};

/** Conflicts in a row before an update gives up; each one means that somebody else made progress. */
export const updateAttemptsMax = 10;

export function putObject(kind: Kind, key: string, object: KubeObject): Extract<Write, { type: "put" }> {
  return putValue(kind, key, encodeStored(object));
}

export function putValue(kind: Kind, key: string, value: Uint8Array): Extract<Write, { type: "put" }> {
  return kind.ttlSeconds === undefined
    ? { type: "put", key, value }
    : { type: "put", key, value, ttlSeconds: kind.ttlSeconds };
}
