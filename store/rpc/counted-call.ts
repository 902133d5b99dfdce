import type { GrpcStatus } from "../../base/grpc/status.ts";

/** One call, told to the metrics of calls. */
export interface CountedCall {
  accepted(): void;
  received(bytes: number): void;
  sent(bytes: number): void;
  finish(status: GrpcStatus, tookMs: number): void;
}
