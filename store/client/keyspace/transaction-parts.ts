import type { LeaseLike, Transaction } from "./api.ts";
import type { Entry, Page } from "./entries.ts";
import type { Key, Range, Where } from "./places.ts";

/** How what is stored has to stand to what is given. By default `=`. */
export type Operator = "=" | "!=" | "<" | ">";

/** What has to hold of a key, or of every key of a range: whether it exists, its value (bytes are compared), or its revisions. An
 *  absent key has revision and version 0, and no value. */
export type Condition<V> = ({ readonly key: Key } | Range) &
  (
    | { readonly exists: boolean }
    | { readonly value: V; readonly op?: Operator }
    | { readonly modRevision: number; readonly op?: Operator }
    | { readonly createRevision: number; readonly op?: Operator }
    | { readonly version: number; readonly op?: Operator }
    | { readonly lease: LeaseLike; readonly op?: Operator }
  );

/** What a transaction does. */
export type Action<V> = PutAction<V> | GetAction | DeleteAction | InnerTransaction<V>;
export interface PutAction<V> {
  readonly put: Key;
  readonly value: V;
  /** The key ends with the lease. */
  readonly lease?: LeaseLike | undefined;
  /** Answer what was there before. */
  readonly previous?: boolean;
}
export interface GetAction {
  readonly get: Where;
  /** At most so many; 0: all. Of ranges. */
  readonly limit?: number;
}
export interface DeleteAction {
  readonly delete: Where;
  readonly previous?: boolean;
}
export interface InnerTransaction<V> {
  // biome-ignore lint/suspicious/noExplicitAny: whatever it does and answers
  readonly txn: Transaction<V, any, any>;
}

/** What each kind of action answers. */
export type ResultOf<A, V> = A extends { readonly put: Key }
  ? { readonly previous: Entry<V> | undefined }
  : A extends { readonly get: infer W }
    ? W extends Key
      ? Entry<V> | undefined
      : Page<Entry<V>>
    : A extends { readonly delete: Where }
      ? { readonly deleted: number; readonly previous: readonly Entry<V>[] }
      : A extends { readonly txn: Transaction<V, infer D, infer E> }
        ? Outcome<V, D, E>
        : never;
export type ResultsOf<A extends readonly unknown[], V> = { readonly [I in keyof A]: ResultOf<A[I], V> };

/** What became of a transaction: `results` has one answer for each action of the branch that ran. */
export type Outcome<V, D extends readonly unknown[], E extends readonly unknown[]> =
  | { readonly succeeded: true; readonly revision: number; readonly results: ResultsOf<D, V> }
  | { readonly succeeded: false; readonly revision: number; readonly results: ResultsOf<E, V> };
