import { type GrpcStatus, StatusError } from "../../base/grpc/status.ts";
import { WireError } from "../../base/wire.ts";
import { StoreError } from "../errors.ts";

/** What a failed call looks like on the wire. */
export interface WireStatus {
  readonly status: GrpcStatus;
  readonly message: string;
}

/** The one place where errors become gRPC statuses. Errors outside the tables are UNKNOWN with their text, as etcd's. */
export function wireStatus(error: unknown): WireStatus {
  if (error instanceof StoreError || error instanceof StatusError)
    return { status: error.status, message: error.message };
  if (error instanceof WireError)
    return { status: "INTERNAL", message: `grpc: error unmarshalling request: ${error.message}` };
  return { status: "UNKNOWN", message: error instanceof Error ? error.message : String(error) };
}
