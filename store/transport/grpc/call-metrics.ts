import { type GrpcStatus, grpcStatus } from "../../../base/grpc/status.ts";
import type { Meter } from "../../../base/os/metrics.ts";
import type { Buckets, Counting } from "../../../base/os/tally.ts";
import { methods } from "../../../proto/etcd-methods.ts";

interface MethodTallies {
  readonly started: Counting;
  readonly messagesReceived: Counting;
  readonly messagesSent: Counting;
  /** Absent where the times of calls are not told. */
  readonly seconds: Buckets | undefined;
  readonly handled: Readonly<Record<GrpcStatus, Counting>>;
}

/** The calls of one method. */
export class MethodMetrics {
  readonly #tallies: MethodTallies;
  readonly #succeeded: Counting;

  constructor(tallies: MethodTallies) {
    this.#tallies = tallies;
    this.#succeeded = tallies.handled.OK;
  }

  start(): void {
    this.#tallies.started.count++;
  }

  received(): void {
    this.#tallies.messagesReceived.count++;
  }

  sent(): void {
    this.#tallies.messagesSent.count++;
  }

  finish(status: GrpcStatus, tookMs: number): void {
    const handled = status === "OK" ? this.#succeeded : this.#tallies.handled[status];
    handled.count++;
    this.#tallies.seconds?.observe(tookMs / 1000);
  }
}

/** How many versions that clients say they are of are told apart: whoever says what he likes must not fill the memory. */
const clientVersionsMax = 64;

/** Counts calls by what their client says its API version is. */
export class ClientVersions {
  readonly #requests: (labels: { readonly type: string; readonly client_api_version: string }) => Counting;
  readonly #known = new Set<string>();

  constructor(meter: Meter) {
    const family = meter.tally<"type" | "client_api_version">(
      "etcd_server_client_requests_total",
      "The total number of client requests per client version.",
    );
    this.#requests = (labels) => family.of(labels);
  }

  /** `said`: the metadata `client-api-version`. */
  of(type: "unary" | "stream", said: string | undefined): Counting {
    const version = said !== undefined && this.#isTold(said) ? said : "unknown";
    return this.#requests({ type, client_api_version: version });
  }

  #isTold(version: string): boolean {
    if (this.#known.size < clientVersionsMax && version.length <= 32) this.#known.add(version);
    return this.#known.has(version);
  }
}

/** The metrics of go-grpc-prometheus, which dashboards for etcd read, and etcd's own of bytes. Every method is there from the
 *  start, with every code, so that the first of a kind is seen as a rise.
 *  @param options.times Whether the times of calls are told (--metrics=extensive). */
export function callMetrics(meter: Meter, options: { readonly times: boolean }) {
  type Method = "grpc_type" | "grpc_service" | "grpc_method";
  const counted = (name: string, help: string) => meter.tally<Method>(`grpc_server_${name}_total`, help);
  const started = counted("started", "Total number of RPCs started on the server.");
  const messagesReceived = counted(
    "msg_received",
    "Total number of RPC stream messages received on the server.",
  );
  const messagesSent = counted("msg_sent", "Total number of gRPC stream messages sent by the server.");
  const handled = meter.tally<Method | "grpc_code">(
    "grpc_server_handled_total",
    "Total number of RPCs completed on the server, regardless of success or failure.",
  );
  const handling = options.times
    ? meter.buckets<Method>(
        "grpc_server_handling_seconds",
        "Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.",
        [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      )
    : undefined;
  const received: Counting = meter
    .tally(
      "etcd_network_client_grpc_received_bytes_total",
      "The total number of bytes received from grpc clients.",
    )
    .of({});
  const sent: Counting = meter
    .tally("etcd_network_client_grpc_sent_bytes_total", "The total number of bytes sent to grpc clients.")
    .of({});
  const failures = meter.tally<"Type" | "API">(
    "etcd_network_server_stream_failures_total",
    "The total number of stream failures from the local server.",
  );
  return {
    received,
    sent,
    clientVersions: new ClientVersions(meter),
    /** A stream's message could not be read. `path`: its method's. */
    receiveFailed(path: string): void {
      const API = streamNames.get(path);
      if (API !== undefined) failures.of({ Type: "receive", API }).count++;
    },
    /** To be called once a method. */
    of(path: string, grpc_type: string): MethodMetrics {
      const [, grpc_service = "", grpc_method = ""] = path.split("/");
      const names = { grpc_type, grpc_service, grpc_method };
      const byStatus = Object.keys(grpcStatus).map((status) => [
        status,
        handled.of({ ...names, grpc_code: goCodeName(status as GrpcStatus) }),
      ]);
      return new MethodMetrics({
        started: started.of(names),
        messagesReceived: messagesReceived.of(names),
        messagesSent: messagesSent.of(names),
        seconds: handling?.of(names),
        handled: Object.fromEntries(byStatus) as Readonly<Record<GrpcStatus, Counting>>,
      });
    },
  };
}

/** etcd's names of its streams. */
const streamNames: ReadonlyMap<string, string> = new Map([
  [methods.watch.path, "watch"],
  [methods.leaseKeepAlive.path, "lease-keepalive"],
]);

/** `NOT_FOUND` as Go spells it: `NotFound`. */
function goCodeName(status: GrpcStatus): string {
  if (status === "OK") return "OK";
  if (status === "CANCELLED") return "Canceled";
  return status.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
