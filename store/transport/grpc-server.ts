import type { Socket } from "node:net";
import * as grpc from "@grpc/grpc-js";
import type { Log } from "../../base/os/log.ts";
import type { Meter } from "../../base/os/metrics.ts";
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

  constructor(
    options: GrpcServerOptions,
    parts: { readonly handlers: Handlers; readonly meter: Meter; readonly log: Log },
  ) {
    this.#metrics = grpcMetrics(parts.meter);
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
  accept(socket: Socket): void {
    this.#injector.injectConnection(socket);
  }

  stop(): void {
    this.#injector.destroy();
    this.#server.forceShutdown();
  }

  #addUnary(path: string, handler: UnaryHandler): void {
    const serve: grpc.handleUnaryCall<Uint8Array, Uint8Array> = (call, callback) => {
      const finish = this.#metrics.start(path, "unary");
      const fail = (error: unknown) => {
        const failure = this.#failure(path, error);
        finish(failure.status);
        callback(failure.service);
      };
      const succeed = (answer: Uint8Array) => {
        finish("OK");
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
    const serve = (call: Duplex) => this.#serveStream(call, handler, this.#metrics.start(path, type), path);
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
      send: (message) => over || call.write(message),
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
    call.on("data", (bytes: Uint8Array) => guard(() => incoming?.message(bytes)));
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

/** The counters of go-grpc-prometheus, which dashboards for etcd read. */
function grpcMetrics(meter: Meter) {
  const labels = ["grpc_type", "grpc_service", "grpc_method"] as const;
  const started = meter.counter(
    "grpc_server_started_total",
    "Total number of RPCs started on the server.",
    labels,
  );
  const handled = meter.counter(
    "grpc_server_handled_total",
    "Total number of RPCs completed on the server, regardless of success or failure.",
    [...labels, "grpc_code"] as const,
  );
  return {
    start(path: string, grpc_type: string): Finish {
      const [, grpc_service = "", grpc_method = ""] = path.split("/");
      const names = { grpc_type, grpc_service, grpc_method };
      started.inc(names);
      return (status) => handled.inc({ ...names, grpc_code: goCodeName(status) });
    },
  };
}

/** `NOT_FOUND` as Go spells it: `NotFound`. */
function goCodeName(status: GrpcStatus): string {
  if (status === "OK") return "OK";
  if (status === "CANCELLED") return "Canceled";
  return status.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
