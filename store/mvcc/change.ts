import { latin1 } from "../../base/wire.ts";
import type { Revision } from "../revisions/revision-key.ts";
import { encodeDeleted, eventOf, keyIn } from "./key-value.ts";

/** One change of a revision, as watchers are told of it. */
export interface Change {
  readonly type: "PUT" | "DELETE";
  /** A byte string. */
  readonly key: string;
  readonly revision: number;
  /** Encoded KeyValue of the event: the stored one, or for a deletion key and revision only. */
  readonly kv: Uint8Array;
  /** Encoded mvccpb.Event around `kv`, where there is one. */
  readonly event?: Uint8Array | undefined;
  /** The row it replaced. */
  readonly previous: Revision | undefined;
}

/** A change as the row that is stored of it; what only watches ask for is made once they do. */
export interface StoredChange extends Change {
  readonly main: number;
  readonly sub: number;
  readonly deletion: boolean;
  /** `value` stands in the event that watches get (`eventOf`). */
  readonly isInEvent: boolean;
  /** What is stored: an encoded KeyValue. */
  readonly value: Uint8Array;
}

export class PutChange implements StoredChange {
  readonly type = "PUT";
  readonly deletion = false;
  readonly main: number;
  readonly sub: number;
  readonly value: Uint8Array;
  readonly previous: Revision | undefined;
  readonly isInEvent: boolean;
  #key: string | undefined;

  /** @param made `isInEvent`: by `encodePut`. */
  constructor(
    { main, sub }: Revision,
    value: Uint8Array,
    made: { readonly isInEvent: boolean; readonly previous: Revision | undefined },
  ) {
    this.main = main;
    this.sub = sub;
    this.value = value;
    this.previous = made.previous;
    this.isInEvent = made.isInEvent;
  }

  get revision(): number {
    return this.main;
  }
  get kv(): Uint8Array {
    return this.value;
  }
  get event(): Uint8Array | undefined {
    return this.isInEvent ? eventOf(this.value) : undefined;
  }
  get key(): string {
    this.#key ??= latin1(keyIn(this.value));
    return this.#key;
  }
}

export class DeletionChange implements StoredChange {
  readonly type = "DELETE";
  readonly deletion = true;
  readonly isInEvent = false;
  readonly main: number;
  readonly sub: number;
  readonly value: Uint8Array;
  readonly previous: Revision | undefined;
  #encoded: { readonly event: Uint8Array; readonly kv: Uint8Array } | undefined;
  #key: string | undefined;

  /** @param value The tombstone. */
  constructor({ main, sub }: Revision, value: Uint8Array, previous: Revision | undefined) {
    this.main = main;
    this.sub = sub;
    this.value = value;
    this.previous = previous;
  }

  get revision(): number {
    return this.main;
  }
  get kv(): Uint8Array {
    return this.#encode().kv;
  }
  get event(): Uint8Array {
    return this.#encode().event;
  }
  get key(): string {
    this.#key ??= latin1(keyIn(this.value));
    return this.#key;
  }

  #encode(): { readonly event: Uint8Array; readonly kv: Uint8Array } {
    this.#encoded ??= encodeDeleted(keyIn(this.value), this.main);
    return this.#encoded;
  }
}
