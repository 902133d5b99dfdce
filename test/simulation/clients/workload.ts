import { below, chance, type Random } from "../../../base/os/random.ts";
import type { Encodable } from "../../../base/protobuf.ts";
import type { CompactionRequest, PutRequest, RangeRequest, TxnRequest } from "../../../proto/etcd.ts";
import type { OperationKind } from "../operation.ts";

export interface Wanted {
  readonly kind: OperationKind;
  readonly request: Encodable<object>;
  readonly serializable: boolean;
}

/** What a client knows of the store, so that its requests are neither all trivial nor all refused. */
export interface Knowledge {
  /** The highest revision that was seen in an answer. */
  revision: number;
  /** Leases somebody granted, most of them alive. */
  readonly leases: readonly bigint[];
}

const keyName = (number: number): string => `k${String(number).padStart(2, "0")}`;
const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1");

/** Makes up requests; every value written is unique, so that no two histories look alike. */
export class Workload {
  readonly #random: Random;
  readonly #keys: number;
  readonly #valueBytesMax: number;
  readonly #knowledge: Knowledge;
  #values = 0;
  readonly #name: string;

  constructor(
    name: string,
    random: Random,
    parts: { keys: number; valueBytesMax: number; knowledge: Knowledge },
  ) {
    this.#name = name;
    this.#random = random;
    this.#keys = parts.keys;
    this.#valueBytesMax = parts.valueBytesMax;
    this.#knowledge = parts.knowledge;
  }

  next(): Wanted {
    const roll = below(this.#random, 100);
    if (roll < 38) return { kind: "put", request: this.put(), serializable: false };
    if (roll < 46) return { kind: "deleteRange", request: this.#deleteRange(), serializable: false };
    if (roll < 60) return { kind: "txn", request: this.#txn(), serializable: false };
    if (roll < 64) return this.#readTxn();
    if (roll < 82) return { kind: "range", request: this.#range(), serializable: false };
    if (roll < 97)
      return { kind: "range", request: { ...this.#range(), serializable: true }, serializable: true };
    return { kind: "compact", request: this.#compact(), serializable: false };
  }

  put(): Encodable<PutRequest> {
    const random = this.#random;
    const { leases } = this.#knowledge;
    const lease = chance(random, 0.2) ? leases[below(random, leases.length)] : undefined;
    return {
      key: latin1(this.#key()),
      value: latin1(this.#value()),
      prevKv: chance(random, 0.3),
      ...(lease !== undefined && { lease }),
    };
  }

  #value(): string {
    const name = `${this.#name}.${++this.#values}`;
    const isLarge = this.#valueBytesMax > 0 && chance(this.#random, 0.2);
    return isLarge ? name.padEnd(below(this.#random, this.#valueBytesMax), "-") : name;
  }

  #key(): string {
    return keyName(below(this.#random, this.#keys));
  }

  /** One key, some, or all. */
  #span(): { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array } {
    const roll = below(this.#random, 10);
    if (roll < 6) return { key: latin1(this.#key()) };
    if (roll < 8) return { key: latin1("k"), rangeEnd: latin1("l") };
    const first = below(this.#random, this.#keys);
    return { key: latin1(keyName(first)), rangeEnd: latin1(keyName(first + 1 + below(this.#random, 4))) };
  }

  #deleteRange() {
    const span = chance(this.#random, 0.7) ? { key: latin1(this.#key()) } : this.#span();
    return { ...span, prevKv: chance(this.#random, 0.5) };
  }

  #range(): Encodable<RangeRequest> {
    const random = this.#random;
    const { revision } = this.#knowledge;
    return {
      ...this.#span(),
      ...(chance(random, 0.2) && { revision: Math.max(1, revision + 1 - below(random, 15)) }),
      ...(chance(random, 0.2) && { limit: 1 + below(random, 3) }),
      ...(chance(random, 0.1) && { countOnly: true }),
      ...(chance(random, 0.1) && { keysOnly: true }),
      ...(chance(random, 0.2) && { sortOrder: "DESCEND" as const, sortTarget: "MOD" as const }),
    };
  }

  /** Compare and set, or an unconditional group of writes to different keys. */
  #txn(): Encodable<TxnRequest> {
    const random = this.#random;
    const key = latin1(this.#key());
    const seen = Math.max(0, this.#knowledge.revision - below(random, 6));
    const compare = oneOf(random, [
      { target: "MOD" as const, result: "LESS" as const, key, modRevision: seen },
      { target: "VERSION" as const, result: "EQUAL" as const, key, version: below(random, 3) },
      { target: "CREATE" as const, result: "GREATER" as const, key, createRevision: 0 },
    ]);
    const put = { requestPut: { ...this.put(), key } };
    const others = new Set(Array.from({ length: below(random, 3) }, () => this.#key()));
    others.delete(Buffer.from(key).toString());
    const puts = [...others].map((other) => ({ requestPut: { ...this.put(), key: latin1(other) } }));
    const inner = () => ({
      requestTxn: { compare: [{ ...compare, result: "NOT_EQUAL" as const }], success: puts, failure: [] },
    });
    return {
      compare: [compare],
      success: [put, ...(chance(random, 0.3) ? [inner()] : puts)],
      failure: chance(random, 0.5)
        ? [{ requestRange: { key } }]
        : [{ requestDeleteRange: { key, prevKv: true } }, { requestRange: this.#span() }],
    };
  }

  #readTxn(): Wanted {
    const serializable = chance(this.#random, 0.3);
    const read = () => ({ requestRange: { ...this.#span(), serializable } });
    const compare = [
      { target: "VERSION" as const, result: "GREATER" as const, key: latin1(this.#key()), version: 1 },
    ];
    return {
      kind: "txn",
      request: { compare, success: [read(), read()], failure: [read()] },
      serializable,
    };
  }

  #compact(): Encodable<CompactionRequest> {
    const { revision } = this.#knowledge;
    return { revision: Math.max(1, revision - below(this.#random, 30)) };
  }
}

function oneOf<T>(random: Random, from: readonly T[]): T {
  return from[below(random, from.length)] as T;
}
