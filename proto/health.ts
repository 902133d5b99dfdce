import { enumeration, message, type Of, string } from "../base/protobuf.ts";

/** grpc.health.v1 (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). */
export const healthCheckRequest = message({ service: string(1) });
export type HealthCheckRequest = Of<typeof healthCheckRequest>;
export const healthCheckResponse = message({
  status: enumeration(1, { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 }),
});
export type HealthCheckResponse = Of<typeof healthCheckResponse>;
