import type { Header } from "../../../base/http2/header.ts";
import { headerValue } from "../../../base/http2/request-headers.ts";
import type { ServeStream, StreamEvents } from "../../../base/http2/stream.ts";
import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { Meter } from "../../../base/os/metrics.ts";
import { type GrpcStatus, StoreError } from "../../errors.ts";
import type { Handlers } from "../../rpc/handler.ts";
import { type WireStatus, wireStatus } from "../../rpc/status.ts";
import { onlyFailureBlock } from "./answers.ts";
import { CallContext } from "./call-context.ts";
import { callMetrics, type Finish } from "./call-metrics.ts";
import { Deadlines } from "./deadlines.ts";
import { type Encoding, encodings, MessageReader } from "./message-reader.ts";
import { StreamCall } from "./stream-call.ts";
import { lateAnswerMs, parseTimeoutMs } from "./timeout.ts";
import { type CallParts, UnaryCall } from "./unary-call.ts";

/** etcd's room for framing and metadata above the largest request. */
const overheadBytes = 512 * 1024;

type OpenCall = StreamEvents & { expired(): void };
type CallBase = Omit<CallParts, "finish">;
type Open = (parts: CallBase, onOver: () => void) => OpenCall;

/** gRPC (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md) on HTTP/2 streams: finds a request's handler and
 *  carries messages to it and back. A deadline is the client's to keep: the handler is told of it, and a call is answered
 *  with DEADLINE_EXCEEDED only well after. */
export class GrpcService {
  readonly #bytesMost: number;
  readonly #log: Log;
  readonly #clock: Pick<Clock, "monotonicMs" | "after">;
  readonly #metrics: ReturnType<typeof callMetrics>;
  readonly #deadlines: Deadlines;
  readonly #methods = new Map<string, Open>();
  readonly #services = new Set<string>();

  constructor(
    options: { readonly maxRequestBytes: number },
    parts: {
      readonly handlers: Handlers;
      readonly meter: Meter;
      readonly log: Log;
      readonly clock: Pick<Clock, "monotonicMs" | "after">;
    },
  ) {
    this.#bytesMost = options.maxRequestBytes + overheadBytes;
    this.#log = parts.log;
    this.#clock = parts.clock;
    this.#metrics = callMetrics(parts.meter, parts.clock);
    this.#deadlines = new Deadlines(parts.clock);
    for (const [path, handler] of parts.handlers.unary)
      this.#add(path, "unary", (call) => new UnaryCall(handler, call));
    for (const [path, { handler, kind }] of parts.handlers.streams)
      this.#add(
        path,
        kind === "bidiStream" ? "bidi_stream" : "server_stream",
        (call) => new StreamCall(handler, call),
      );
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
    const requireLeader = headerValue(headers, "hasleader") === "true";
    const failure = (error: unknown) => this.#failure(path, error);
    return (stream, timeout) => {
      const timeoutMs = timeout === undefined ? undefined : parseTimeoutMs(timeout);
      if (timeout !== undefined && timeoutMs === undefined)
        return refuses("INTERNAL", `malformed grpc-timeout: "${timeout}"`)(stream);
      const nowMs = this.#clock.monotonicMs();
      const parts = {
        stream,
        reader: new MessageReader({ bytesMost: this.#bytesMost, encoding }),
        context: new CallContext({
          unread: stream.unread,
          requireLeader,
          deadlineMs: timeoutMs === undefined ? undefined : nowMs + timeoutMs,
        }),
        failure,
        received: this.#metrics.received,
        sent: this.#metrics.sent,
      };
      return timeoutMs === undefined
        ? method(parts, () => undefined)
        : this.#withDeadline(method, parts, nowMs + lateAnswerMs(timeoutMs));
    };
  }

  stop(): void {
    this.#deadlines.stop();
  }

  #add(path: string, type: string, open: (parts: CallParts) => OpenCall): void {
    const start = this.#metrics.of(path, type);
    this.#methods.set(path, (parts, onOver) => {
      const count = start();
      const finish: Finish = (status) => {
        count(status);
        onOver();
      };
      return open({ ...parts, finish });
    });
    this.#services.add(serviceOf(path));
  }

  #withDeadline(method: Open, parts: CallBase, atMs: number): StreamEvents {
    let isOver = false;
    let forget = () => {
      isOver = true;
    };
    const call = method(parts, () => forget());
    if (!isOver) forget = this.#deadlines.add(atMs, () => call.expired());
    return call;
  }

  #failure(path: string, error: unknown): WireStatus {
    const failure = wireStatus(error);
    const isExpected = error instanceof StoreError;
    if (!isExpected && (failure.status === "UNKNOWN" || failure.status === "INTERNAL"))
      this.#log.warn("request failed", { method: path, error });
    return failure;
  }
}

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
