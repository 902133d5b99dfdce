import type { Encodable } from "../../base/protobuf.ts";
import type { Compare, RangeRequest, RequestOp } from "../../proto/etcd.ts";
import { type Bytes, bytesOf } from "./keys.ts";

export type Relation = Compare["result"];
export type Op = Encodable<RequestOp>;
export type Comparison = Encodable<Compare>;
export interface Txn {
  /** All must hold (none: always) for `success` to run, else `failure` runs. */
  readonly compare?: readonly Comparison[];
  readonly success?: readonly Op[];
  readonly failure?: readonly Op[];
}

/** Compares the revision a key was last changed at; 0 is that of an absent key. */
export const compareMod = (key: Bytes, result: Relation, modRevision: number): Comparison => ({
  target: "MOD",
  key: bytesOf(key),
  result,
  modRevision,
});
export const compareCreate = (key: Bytes, result: Relation, createRevision: number): Comparison => ({
  target: "CREATE",
  key: bytesOf(key),
  result,
  createRevision,
});
export const compareVersion = (key: Bytes, result: Relation, version: number): Comparison => ({
  target: "VERSION",
  key: bytesOf(key),
  result,
  version,
});
/** Never holds for an absent key. */
export const compareValue = (key: Bytes, result: Relation, value: Bytes): Comparison => ({
  target: "VALUE",
  key: bytesOf(key),
  result,
  value: bytesOf(value),
});
export const compareLease = (key: Bytes, result: Relation, lease: bigint): Comparison => ({
  target: "LEASE",
  key: bytesOf(key),
  result,
  lease,
});
/** The same compare for every key in `[key, rangeEnd)`. */
export const overRange = (compare: Comparison, rangeEnd: Bytes): Comparison => ({
  ...compare,
  rangeEnd: bytesOf(rangeEnd),
});

export interface PutOptions {
  readonly lease?: bigint | undefined;
  readonly prevKv?: boolean | undefined;
  readonly ignoreValue?: boolean | undefined;
  readonly ignoreLease?: boolean | undefined;
}
export interface DeleteOptions {
  readonly rangeEnd?: Bytes | undefined;
  readonly prevKv?: boolean | undefined;
}
export type RangeOptions = {
  readonly [K in keyof Omit<RangeRequest, "key" | "rangeEnd">]?: RangeRequest[K] | undefined;
} & { readonly rangeEnd?: Bytes | undefined };

export const rangeRequestOf = (key: Bytes, options: RangeOptions = {}) => ({
  ...options,
  key: bytesOf(key),
  rangeEnd: bytesOf(options.rangeEnd ?? ""),
});
export const putRequestOf = (key: Bytes, value: Bytes, options: PutOptions = {}) => ({
  key: bytesOf(key),
  value: bytesOf(value),
  lease: options.lease ?? 0n,
  prevKv: options.prevKv ?? false,
  ignoreValue: options.ignoreValue ?? false,
  ignoreLease: options.ignoreLease ?? false,
});
export const deleteRequestOf = (key: Bytes, options: DeleteOptions = {}) => ({
  key: bytesOf(key),
  rangeEnd: bytesOf(options.rangeEnd ?? ""),
  prevKv: options.prevKv ?? false,
});

export const opGet = (key: Bytes, options?: RangeOptions): Op => ({
  requestRange: rangeRequestOf(key, options),
});
export const opPut = (key: Bytes, value: Bytes, options?: PutOptions): Op => ({
  requestPut: putRequestOf(key, value, options),
});
export const opDelete = (key: Bytes, options?: DeleteOptions): Op => ({
  requestDeleteRange: deleteRequestOf(key, options),
});
export const opTxn = (txn: Txn): Op => ({ requestTxn: txnRequestOf(txn) });

export const txnRequestOf = (txn: Txn) => ({
  compare: txn.compare ?? [],
  success: txn.success ?? [],
  failure: txn.failure ?? [],
});

/** Whether running it twice does no harm. */
export function isReadOnly(txn: Txn): boolean {
  const reads = (op: Op) => op.requestRange !== undefined;
  return (txn.success ?? []).every(reads) && (txn.failure ?? []).every(reads);
}
