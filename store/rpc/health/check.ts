import { StatusError } from "../../../base/grpc/status.ts";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  healthCheckRequest,
  healthCheckResponse,
} from "../../../proto/health.ts";
import type { Incoming, Outgoing } from "../handler.ts";

/** Like etcd's, the server as a whole is what can be asked for; once it answers at all, it serves. */
export function healthCheck(request: HealthCheckRequest): HealthCheckResponse {
  if (request.service !== "") throw new StatusError("NOT_FOUND", "unknown service");
  return { status: "SERVING" };
}

/** Tells the present status and keeps the stream open for changes. */
export function healthWatch(out: Outgoing): Incoming {
  return {
    message(bytes) {
      const { service } = healthCheckRequest.decode(bytes);
      const status = service === "" ? "SERVING" : "SERVICE_UNKNOWN";
      out.send(healthCheckResponse.encode({ status }));
    },
    halfClose: () => undefined,
    drained: () => undefined,
    closed: () => undefined,
  };
}
