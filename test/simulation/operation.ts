import type { Encodable } from "../../base/protobuf.ts";
import { type Method, methods } from "../../proto/etcd-methods.ts";
import type { StoreErrorCode } from "../../store/errors.ts";
import type { Index } from "../../store/raft/types.ts";
import type { Life } from "./machine.ts";

/** What clients ask for, one at a time. */
export type OperationKind =
  | "put"
  | "deleteRange"
  | "txn"
  | "compact"
  | "leaseGrant"
  | "leaseRevoke"
  | "range";
export type AnyMethod = Method<object, object>;
export const methodOf = (kind: OperationKind): AnyMethod => methods[kind];

export type Outcome =
  | { readonly kind: "answer"; readonly response: object }
  /** The store refused it by name. */
  | { readonly kind: "error"; readonly code: StoreErrorCode }
  /** Refused before it got anywhere. */
  | { readonly kind: "refused" }
  /** Nobody knows. */
  | { readonly kind: "lost" };

export interface Operation {
  /** 1, 2, …: the marker in the log. */
  readonly id: number;
  readonly client: string;
  readonly kind: OperationKind;
  readonly request: Encodable<object>;
  readonly serializable: boolean;
  readonly life: Life | undefined;
  /** Everything up to here was answered, to whomever, before this operation began. */
  readonly floor: Index;
}
