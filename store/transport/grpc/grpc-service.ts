import { isUtf8 } from "node:buffer";
import { Deadlines } from "../../../base/deadlines.ts";
import { onlyFailureBlock } from "../../../base/grpc/answers.ts";
import { type Encoding, encodings } from "../../../base/grpc/message-reader.ts";
import type { GrpcStatus } from "../../../base/grpc/status.ts";
import type { Header } from "../../../base/http2/header.ts";
import { headerValue } from "../../../base/http2/request-headers.ts";
import type { Http2Stream, ServeStream, StreamEvents } from "../../../base/http2/stream.ts";
import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { Meter } from "../../../base/os/metrics.ts";
import { StoreError } from "../../errors.ts";
import type { CountedCall } from "../../rpc/counted-call.ts";
import type { Handlers } from "../../rpc/handler.ts";
import { messageOverheadBytes } from "../../rpc/message-overhead.ts";
import { type WireStatus, wireStatus } from "../../rpc/status.ts";
import { SlowCalls } from "../../slow-calls.ts";
import { CallKind } from "./call-kind.ts";
import { callMetrics, type MethodMetrics } from "./call-metrics.ts";
import { StreamCall } from "./stream-call.ts";
import { parseTimeoutMs } from "./timeout.ts";
import { UnaryCall } from "./unary-call.ts";

/** Begins a call of one method. */
type Open = (
  stream: Http2Stream,
  call: { readonly kind: CallKind; readonly timeoutMs: number | undefined },
) => StreamEvents;

interface ServedMethod {
  readonly open: Open;
  /** Refuses a call whose client says what nobody can read of its API version. */
  readonly refuse: Open;
  readonly type: "unary" | "stream";
  readonly metrics: MethodMetrics;
}

/** gRPC (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md) on HTTP/2 streams: finds a request's handler and
 *  carries messages to it and back. A deadline is the client's to keep: the handler is told of it, and a call is answered
 *  with DEADLINE_EXCEEDED only well after. */
export class GrpcService {
  readonly #bytesMost: number;
  readonly #log: Log;
  readonly #slow: SlowCalls;
  readonly #metrics: ReturnType<typeof callMetrics>;
  readonly #deadlines: Deadlines;
  readonly #methods = new Map<string, ServedMethod>();
  readonly #services = new Set<string>();

  constructor(
    options: { readonly maxRequestBytes: number; readonly tellsTimes: boolean; readonly warningMs?: number },
    parts: {
      readonly handlers: Handlers;
      readonly meter: Meter;
      readonly log: Log;
      readonly clock: Pick<Clock, "monotonicMs" | "wallMs" | "after">;
    },
  ) {
    this.#bytesMost = options.maxRequestBytes + messageOverheadBytes;
    this.#log = parts.log;
    this.#slow = new SlowCalls({ warningMs: options.warningMs ?? Number.POSITIVE_INFINITY }, parts);
    this.#metrics = callMetrics(parts.meter, { times: options.tellsTimes });
    this.#deadlines = new Deadlines(parts.clock);
    for (const [path, handler] of parts.handlers.unary)
      this.#add(path, "unary", {
        open: (stream, call) => new UnaryCall(stream, handler, call),
        refuse: (stream, call) => new UnaryCall(stream, refuseVersion, call),
      });
    for (const [path, { handler, kind }] of parts.handlers.streams)
      this.#add(path, kind === "bidiStream" ? "bidi_stream" : "server_stream", {
        open: (stream, call) => new StreamCall(stream, handler, call),
        refuse: (stream, call) => new StreamCall(stream, refuseVersion, call),
      });
  }

  /** Whether a request is gRPC's, by its content type. */
  static isGrpc(headers: readonly Header[]): boolean {
    return /^application\/grpc($|[+;])/.test(headerValue(headers, "content-type") ?? "");
  }

  /** Serves calls with these headers. Their server keeps `timeoutHeader` apart. */
  route(headers: readonly Header[]): ServeStream {
    const path = headerValue(headers, ":path") ?? "";
    const method = this.#methods.get(path);
    if (method === undefined) return refuses("UNIMPLEMENTED", unknown(path, this.#services));
    const encoding = headerValue(headers, "grpc-encoding") ?? "identity";
    if (!isEncoding(encoding))
      return refuses("UNIMPLEMENTED", `grpc: Decompressor is not installed for grpc-encoding "${encoding}"`);
    const version = headerValue(headers, "client-api-version");
    const isReadable = version === undefined || isUtf8(Buffer.from(version, "latin1"));
    const kind = new CallKind({
      metrics: method.metrics,
      path,
      slow: this.#slow,
      requests: this.#metrics.clientVersions.of(method.type, isReadable ? version : undefined),
      receiveFailed: () => this.#metrics.receiveFailed(path),
      deadlines: this.#deadlines,
      requireLeader: headerValue(headers, "hasleader") === "true",
      token: headerValue(headers, "token") ?? headerValue(headers, "authorization"),
      traceparent: headerValue(headers, "traceparent"),
      isGateway: headerValue(headers, "grpcgateway-accept") !== undefined,
      encoding,
      bytesMost: this.#bytesMost,
      received: this.#metrics.received,
      sent: this.#metrics.sent,
      failure: (error) => this.#failure(path, error),
    });
    const open = isReadable ? method.open : method.refuse;
    return (stream, timeout) => {
      const timeoutMs = timeout === undefined ? undefined : parseTimeoutMs(timeout);
      if (timeout !== undefined && timeoutMs === undefined)
        return refuses("INTERNAL", `malformed grpc-timeout: "${timeout}"`)(stream);
      return open(stream, { kind, timeoutMs });
    };
  }

  /** Counts a call of the method at `path` that came by another way. */
  readonly counted = (path: string): CountedCall => {
    const method = this.#methods.get(path);
    if (method === undefined) throw new Error(`${path} is not served`);
    const { metrics, type } = method;
    const { received, sent, clientVersions } = this.#metrics;
    metrics.start();
    return {
      accepted: () => {
        clientVersions.of(type, undefined).count++;
      },
      received: (bytes) => {
        metrics.received();
        received.count += bytes;
      },
      sent: (bytes) => {
        metrics.sent();
        sent.count += bytes;
      },
      finish: (status, tookMs) => metrics.finish(status, tookMs),
    };
  };

  stop(): void {
    this.#deadlines.stop();
  }

  #add(path: string, type: string, by: Pick<ServedMethod, "open" | "refuse">): void {
    const metrics = this.#metrics.of(path, type);
    this.#methods.set(path, { ...by, metrics, type: type === "unary" ? "unary" : "stream" });
    this.#services.add(serviceOf(path));
  }

  #failure(path: string, error: unknown): WireStatus {
    const failure = wireStatus(error);
    const isExpected = error instanceof StoreError;
    if (!isExpected && (failure.status === "UNKNOWN" || failure.status === "INTERNAL"))
      this.#log.warn("request failed", { method: path, error });
    return failure;
  }
}

const refuseVersion = (): never => {
  throw new StoreError("INVALID_CLIENT_API_VERSION");
};

const nobody: StreamEvents = {
  data: () => undefined,
  end: () => undefined,
  drained: () => undefined,
  gone: () => undefined,
};

const refuses =
  (status: GrpcStatus, message: string): ServeStream =>
  (stream) => {
    stream.respondOnly(onlyFailureBlock({ status, message }));
    return nobody;
  };

const isEncoding = (text: string): text is Encoding => (encodings as readonly string[]).includes(text);

const serviceOf = (path: string): string => path.slice(1, path.lastIndexOf("/"));

function unknown(path: string, services: ReadonlySet<string>): string {
  const service = serviceOf(path);
  if (!path.startsWith("/") || path.lastIndexOf("/") <= 0) return `malformed method name: "${path}"`;
  if (!services.has(service)) return `unknown service ${service}`;
  return `unknown method ${path.slice(path.lastIndexOf("/") + 1)} for service ${service}`;
}
