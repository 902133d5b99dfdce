import { latin1 } from "../../base/wire.ts";
import { keyIn } from "./key-value.ts";
import type { Revision } from "./revision.ts";

/** One change of a revision, as watchers are told of it. */
export interface Change {
  readonly type: "PUT" | "DELETE";
  /** A byte string. */
  readonly key: string;
  readonly revision: number;
  /** Encoded KeyValue of the event: the stored one, or for a deletion key and revision only. */
  readonly kv: Uint8Array;
  /** Encoded mvccpb.Event around `kv`, where it was made with it. */
  readonly event?: Uint8Array | undefined;
  /** The row it replaced. */
  readonly previous: Revision | undefined;
}

/** A change whose key is made a string once somebody asks for it. */
export class KeyChange implements Change {
  readonly type: "PUT" | "DELETE";
  readonly revision: number;
  readonly kv: Uint8Array;
  readonly event: Uint8Array | undefined;
  readonly previous: Revision | undefined;
  #key: string | undefined;

  constructor(
    type: "PUT" | "DELETE",
    revision: number,
    encoded: { readonly kv: Uint8Array; readonly event: Uint8Array | undefined },
    previous: Revision | undefined,
  ) {
    this.type = type;
    this.revision = revision;
    this.kv = encoded.kv;
    this.event = encoded.event;
    this.previous = previous;
  }

  get key(): string {
    this.#key ??= latin1(keyIn(this.kv));
    return this.#key;
  }
}
