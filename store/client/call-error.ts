import type { GrpcStatus } from "../../base/grpc/status.ts";
import { type StoreErrorCode, storeErrors } from "../errors.ts";

/** A call that failed. `code` is set when the text is one of etcd's; the text decides, as in etcd's own client. */
export class CallError extends Error {
  override readonly name = "CallError";
  readonly status: GrpcStatus;
  readonly code: StoreErrorCode | undefined;
  /** False when the request certainly never left this machine. */
  readonly sent: boolean;
  /** With code COMPACTED on a watch: history before this revision is gone. */
  readonly compactRevision: number;

  constructor(
    status: GrpcStatus,
    details: string,
    options: { readonly sent?: boolean; readonly compactRevision?: number; readonly cause?: unknown } = {},
  ) {
    super(details, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.code = codeByText.get(details);
    this.sent = options.sent ?? true;
    this.compactRevision = options.compactRevision ?? 0;
  }
}

const codeByText = new Map<string, StoreErrorCode>(
  Object.entries(storeErrors).map(([code, row]) => [row.message, code as StoreErrorCode]),
);

export function compactedError(compactRevision: number): CallError {
  return new CallError("OUT_OF_RANGE", storeErrors.COMPACTED.message, { compactRevision });
}

/** How etcd writes an error into a text: with the call's status. */
const rpcError = /^rpc error: code = (\w+) desc = (.+)$/s;

/** The server's answer to a watch it ends on its own. */
export function watchCanceledError(reason: string): CallError {
  const [, status = "", details = reason] = rpcError.exec(reason) ?? [];
  const isDenied = status === "PermissionDenied";
  if (details === "") return new CallError("CANCELLED", storeErrors.WATCH_CANCELED.message);
  return new CallError(isDenied ? "PERMISSION_DENIED" : "CANCELLED", details);
}
