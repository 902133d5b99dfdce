// What `pintle/store` and `pintle/etcd` give alike: keys and values, wherever the store runs.
export type { Clock } from "../base/os/clock.ts";
export { UsageError } from "../base/os/flags.ts";
export { CallError } from "../store/client/call-error.ts";
export type {
  CallOptions,
  Election,
  Keyspace,
  Leadership,
  Lease,
  LeaseLike,
  Lock,
  LockOptions,
  RangeReadOptions,
  ReadOptions,
  Transaction,
  UpdateResult,
  Watch,
  WatchBatch,
  WatchEvent,
  WatchSettings,
  WriteOptions,
} from "../store/client/keyspace/api.ts";
export { bytes, type Codec, json, text, ValueError } from "../store/client/keyspace/codec.ts";
export type { Entry, KeyInfo, Page } from "../store/client/keyspace/entries.ts";
export { LeaseLostError } from "../store/client/keyspace/lease.ts";
export type { Key, Range, Where } from "../store/client/keyspace/places.ts";
export type {
  Action,
  Condition,
  DeleteAction,
  GetAction,
  InnerTransaction,
  Operator,
  Outcome,
  PutAction,
  ResultOf,
  ResultsOf,
} from "../store/client/keyspace/transaction-parts.ts";
export type { StoreErrorCode } from "../store/errors.ts";
