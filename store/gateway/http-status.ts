import { STATUS_CODES } from "node:http";
import type { GrpcStatus } from "../../base/grpc/status.ts";

/** grpc-gateway's mapping of codes to HTTP (runtime/errors.go); all others are 500. */
const httpStatus: Readonly<Partial<Record<GrpcStatus, number>>> = {
  OK: 200,
  CANCELLED: 499,
  INVALID_ARGUMENT: 400,
  OUT_OF_RANGE: 400,
  FAILED_PRECONDITION: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  ABORTED: 409,
  PERMISSION_DENIED: 403,
  UNAUTHENTICATED: 401,
  RESOURCE_EXHAUSTED: 429,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
};

export const httpStatusOf = (status: GrpcStatus): number => httpStatus[status] ?? 500;

export const httpReason = (status: number): string => STATUS_CODES[status] ?? "";
