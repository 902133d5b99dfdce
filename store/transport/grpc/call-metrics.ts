import type { Clock } from "../../../base/os/clock.ts";
import type { Meter } from "../../../base/os/metrics.ts";
import type { Counting } from "../../../base/os/tally.ts";
import type { GrpcStatus } from "../../errors.ts";

export type Finish = (status: GrpcStatus) => void;

/** The metrics of go-grpc-prometheus, which dashboards for etcd read, and etcd's own of bytes. */
export function callMetrics(meter: Meter, clock: Pick<Clock, "monotonicMs">) {
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
    /** To be called once a method; what it answers, once a call. */
    of(path: string, grpc_type: string): () => Finish {
      const [, grpc_service = "", grpc_method = ""] = path.split("/");
      const names = { grpc_type, grpc_service, grpc_method };
      const startedHere = started.of(names);
      const seconds = handling.of(names);
      const byStatus = new Map<GrpcStatus, { count: number }>();
      const handledAs = (status: GrpcStatus) => {
        const tally = byStatus.get(status) ?? handled.of({ ...names, grpc_code: goCodeName(status) });
        byStatus.set(status, tally);
        return tally;
      };
      return () => {
        startedHere.count++;
        const startMs = clock.monotonicMs();
        return (status) => {
          handledAs(status).count++;
          seconds.observe((clock.monotonicMs() - startMs) / 1000);
        };
      };
    },
  };
}

/** `NOT_FOUND` as Go spells it: `NotFound`. */
function goCodeName(status: GrpcStatus): string {
  if (status === "OK") return "OK";
  if (status === "CANCELLED") return "Canceled";
  return status.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
