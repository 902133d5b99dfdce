import { isUint8Array } from "node:util/types";
import { describeError } from "../../../base/os/log.ts";
import type { KeyValue } from "../../../proto/mvcc.ts";
import { type Codec, checkCodec, ValueError } from "./codec.ts";
import type { Key, KeyFolder } from "./places.ts";

/** A key, without its value. */
export interface KeyInfo {
  /** As text, without the namespace. */
  readonly key: string;
  /** The same as bytes, for keys that are no text. */
  readonly keyBytes: Uint8Array;
  /** The store's revision when it came to be, or came to be again after a deletion. */
  readonly createRevision: number;
  /** The store's revision when it was last written. */
  readonly modRevision: number;
  /** How often it was written since it came to be: 1 at first. */
  readonly version: number;
  /** The lease that it ends with; 0n: none. */
  readonly lease: bigint;
}

/** A key and its value. */
export interface Entry<V> extends KeyInfo {
  readonly value: V;
}

/** What one read of a range found. */
export interface Page<E> {
  /** In the order of keys, unless asked for otherwise. */
  readonly entries: readonly E[];
  /** Keys in the range, whatever the limit. */
  readonly count: number;
  /** There are more than the limit let through. */
  readonly more: boolean;
  /** The store's revision when it answered: a watch from the next one on misses nothing. */
  readonly revision: number;
}

/** Between what a store holds and what its user sees. */
export class Entries<V> {
  readonly folder: KeyFolder;
  readonly codec: Codec<V>;

  constructor(folder: KeyFolder, codec: Codec<V>) {
    checkCodec(codec);
    this.folder = folder;
    this.codec = codec;
  }

  info(kv: KeyValue): KeyInfo {
    const { createRevision, modRevision, version, lease } = kv;
    const key = this.folder.text(kv.key);
    return { key, keyBytes: this.folder.own(kv.key), createRevision, modRevision, version, lease };
  }

  /** Throws ValueError. */
  entry(kv: KeyValue): Entry<V> {
    const { createRevision, modRevision, version, lease } = kv;
    const key = this.folder.text(kv.key);
    const keyBytes = this.folder.own(kv.key);
    return { key, keyBytes, value: this.#value(kv), createRevision, modRevision, version, lease };
  }

  entryIfAny(kv: KeyValue | undefined): Entry<V> | undefined {
    return kv === undefined ? undefined : this.entry(kv);
  }

  /** Throws ValueError. */
  bytes(key: Key, value: V): Uint8Array {
    try {
      const written: unknown = this.codec.encode(value);
      if (!isUint8Array(written)) throw new TypeError("the codec answers no Uint8Array");
      return written;
    } catch (error) {
      const text = typeof key === "string" ? key : new TextDecoder().decode(key);
      throw new ValueError("write", { key: text, revision: 0 }, this.#why(error));
    }
  }

  #value(kv: KeyValue): V {
    try {
      return this.codec.decode(kv.value);
    } catch (error) {
      const at = { key: this.folder.text(kv.key), revision: kv.modRevision };
      throw new ValueError("read", at, this.#why(error));
    }
  }

  #why(error: unknown): string {
    return `${this.codec.name ?? "a value"}: ${describeError(error)}`;
  }
}
