import type { Duplex as DuplexStream } from "node:stream";
import * as grpc from "@grpc/grpc-js";
import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Meter } from "../../base/os/metrics.ts";
import type { Counting } from "../../base/os/tally.ts";
import { type GrpcStatus, grpcStatus } from "../errors.ts";
import type { Call, Handlers, Outgoing, StreamHandler, UnaryHandler } from "../rpc/handler.ts";
import { wireStatus } from "../rpc/status.ts";

/** etcd's room for framing and metadata above the largest request. */
const overheadBytes = 512 * 1024;

export interface GrpcServerOptions {
  readonly maxRequestBytes: number;
}

type Duplex = grpc.ServerDuplexStream<Uint8Array, Uint8Array>;
type Finish = (status: GrpcStatus) => void;

/** Serves handlers by method path with grpc-js. Connections are handed in by a listener. */
export class GrpcServer {
  readonly #server: grpc.Server;
  readonly #injector: ReturnType<grpc.Server["createConnectionInjector"]>;
  readonly #metrics: ReturnType<typeof grpcMetrics>;
  readonly #log: Log;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #received: Counting;
  readonly #sent: Counting;

  constructor(
    options: GrpcServerOptions,
    parts: {
      readonly handlers: Handlers;
      readonly meter: Meter;
      readonly log: Log;
      readonly clock: Pick<Clock, "monotonicMs">;
    },
  ) {
    const { meter } = parts;
    this.#clock = parts.clock;
    this.#metrics = grpcMetrics(meter);
    this.#received = meter
      .tally(
        "etcd_network_client_grpc_received_bytes_total",
        "The total number of bytes received from grpc clients.",
      )
      .of({});
    this.#sent = meter
      .tally("etcd_network_client_grpc_sent_bytes_total", "The total number of bytes sent to grpc clients.")
      .of({});
    this.#log = parts.log;
    this.#server = new grpc.Server({
      "grpc.max_receive_message_length": options.maxRequestBytes + overheadBytes,
      "grpc.max_send_message_length": -1,
      "grpc-node.flow_control_window": 1 << 20,
      "grpc.keepalive_time_ms": 2 * 3_600_000, // etcd's --grpc-keepalive-interval
      "grpc.keepalive_timeout_ms": 20_000,
    });
    for (const [path, handler] of parts.handlers.unary) this.#addUnary(path, handler);
    for (const [path, { handler, kind }] of parts.handlers.streams) this.#addStream(path, handler, kind);
    this.#injector = this.#server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  }

  /** Takes over a connection whose first bytes are HTTP/2's. */
  accept(connection: DuplexStream): void {
    this.#injector.injectConnection(connection);
  }

  stop(): void {
    this.#injector.destroy();
    this.#server.forceShutdown();
  }

  #addUnary(path: string, handler: UnaryHandler): void {
    const start = this.#metrics.of(path, "unary", this.#clock);
    const received = this.#received;
    const sent = this.#sent;
    const serve: grpc.handleUnaryCall<Uint8Array, Uint8Array> = (call, callback) => {
      const finish = start();
      received.count += call.request.length;
      const fail = (error: unknown) => {
        const failure = this.#failure(path, error);
        finish(failure.status);
        callback(failure.service);
      };
      const succeed = (answer: Uint8Array) => {
        finish("OK");
        sent.count += answer.length;
        callback(null, answer);
      };
      try {
        const answer = handler(call.request, contextOf(call.metadata));
        if (answer instanceof Promise) answer.then(succeed, fail);
        else succeed(answer);
      } catch (error) {
        fail(error);
      }
    };
    this.#server.register(path, serve, asBuffer, same, "unary");
  }

  #addStream(path: string, handler: StreamHandler, kind: "serverStream" | "bidiStream"): void {
    // A server stream is served as a duplex one on which the client sends one message.
    const type = kind === "bidiStream" ? "bidi_stream" : "server_stream";
    const start = this.#metrics.of(path, type, this.#clock);
    const serve = (call: Duplex) => this.#serveStream(call, handler, start(), path);
    this.#server.register(path, serve, asBuffer, same, "bidi");
  }

  #serveStream(call: Duplex, handler: StreamHandler, finish: Finish, path: string): void {
    let over = false;
    const close = (status: GrpcStatus) => {
      if (over) return;
      over = true;
      finish(status);
      incoming?.closed();
    };
    const out: Outgoing = {
      send: (message) => {
        this.#sent.count += message.length;
        return over || call.write(message);
      },
      end: (error) => {
        if (over) return;
        const failure = error === undefined ? undefined : this.#failure(path, error);
        close(failure?.status ?? "OK");
        if (failure === undefined) call.end();
        else call.emit("error", failure.service);
      },
    };
    const guard = (step: () => void) => {
      try {
        if (!over) step();
      } catch (error) {
        out.end(error instanceof Error ? error : new Error(String(error)));
      }
    };
    let incoming: ReturnType<StreamHandler> | undefined;
    guard(() => {
      incoming = handler(out, contextOf(call.metadata));
    });
    call.on("data", (bytes: Uint8Array) => {
      this.#received.count += bytes.length;
      guard(() => incoming?.message(bytes));
    });
    call.on("end", () => guard(() => incoming?.halfClose()));
    call.on("drain", () => guard(() => incoming?.drained()));
    call.on("cancelled", () => close("CANCELLED"));
    call.on("error", () => close("CANCELLED"));
  }

  #failure(
    path: string,
    error: unknown,
  ): { readonly status: GrpcStatus; readonly service: grpc.ServiceError } {
    const { status, message } = wireStatus(error);
    if (status === "UNKNOWN" || status === "INTERNAL")
      this.#log.warn("request failed", { method: path, error });
    const code = grpcStatus[status];
    const metadata = new grpc.Metadata();
    return { status, service: Object.assign(new Error(message), { code, details: message, metadata }) };
  }
}

function contextOf(metadata: grpc.Metadata): Call {
  return { requireLeader: metadata.get("hasleader")[0] === "true" };
}

const same = (bytes: Buffer): Uint8Array => bytes;

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The metrics of go-grpc-prometheus, which dashboards for etcd read. */
function grpcMetrics(meter: Meter) {
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
  return {
    /** To be called once a method; what it answers, once a call. */
    of(path: string, grpc_type: string, clock: Pick<Clock, "monotonicMs">): () => Finish {
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
