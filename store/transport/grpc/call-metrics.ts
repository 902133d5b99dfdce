import type { Meter } from "../../../base/os/metrics.ts";
import type { Buckets, Counting } from "../../../base/os/tally.ts";
import type { GrpcStatus } from "../../errors.ts";

/** The calls of one method. */
export class MethodMetrics {
  readonly #started: Counting;
  readonly #seconds: Buckets;
  readonly #handled: (status: GrpcStatus) => Counting;
  readonly #byStatus = new Map<GrpcStatus, Counting>();
  #succeeded: Counting | undefined;

  constructor(parts: {
    readonly started: Counting;
    readonly seconds: Buckets;
    readonly handled: (status: GrpcStatus) => Counting;
  }) {
    this.#started = parts.started;
    this.#seconds = parts.seconds;
    this.#handled = parts.handled;
  }

  start(): void {
    this.#started.count++;
  }

  finish(status: GrpcStatus, tookMs: number): void {
    this.#of(status).count++;
    this.#seconds.observe(tookMs / 1000);
  }

  #of(status: GrpcStatus): Counting {
    if (status !== "OK") return this.#found(status);
    this.#succeeded ??= this.#found(status);
    return this.#succeeded;
  }

  #found(status: GrpcStatus): Counting {
    const known = this.#byStatus.get(status) ?? this.#handled(status);
    this.#byStatus.set(status, known);
    return known;
  }
}

/** The metrics of go-grpc-prometheus, which dashboards for etcd read, and etcd's own of bytes. */
export function callMetrics(meter: Meter) {
  type Method = "grpc_type" | "grpc_service" | "grpc_method";
  const started = meter.tally<Method>(
    "grpc_server_started_total",
    "Total number of RPCs started on the server.",
  );
  const handled = meter.tally<Method | "grpc_code">(
    "grpc_server_handled_total",
    "Total number of RPCs completed on the server, regardless of success or failure.",
  );
  const handling = meter.buckets<Method>(
    "grpc_server_handling_seconds",
    "Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.",
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  );
  const received: Counting = meter
    .tally(
      "etcd_network_client_grpc_received_bytes_total",
      "The total number of bytes received from grpc clients.",
    )
    .of({});
  const sent: Counting = meter
    .tally("etcd_network_client_grpc_sent_bytes_total", "The total number of bytes sent to grpc clients.")
    .of({});
  return {
    received,
    sent,
    /** To be called once a method. */
    of(path: string, grpc_type: string): MethodMetrics {
      const [, grpc_service = "", grpc_method = ""] = path.split("/");
      const names = { grpc_type, grpc_service, grpc_method };
      return new MethodMetrics({
        started: started.of(names),
        seconds: handling.of(names),
        handled: (status) => handled.of({ ...names, grpc_code: goCodeName(status) }),
      });
    },
  };
}

/** `NOT_FOUND` as Go spells it: `NotFound`. */
function goCodeName(status: GrpcStatus): string {
  if (status === "OK") return "OK";
  if (status === "CANCELLED") return "Canceled";
  return status.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
