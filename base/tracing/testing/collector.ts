import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import protobuf from "protobufjs";

const root = protobuf.loadSync(join(import.meta.dirname, "otlp.proto"));
const requestType = root.lookupType("opentelemetry.ExportTraceServiceRequest");

export interface CollectedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it has none. */
  readonly parentId: string;
  readonly name: string;
  readonly kind: string;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly string[];
  readonly links: readonly string[];
  readonly failed: boolean;
}

interface Row {
  readonly key: string;
  readonly value?: Readonly<Record<string, unknown>>;
}

/** Takes spans by HTTP and by gRPC, read by protobufjs. */
export class TestCollector {
  readonly spans: CollectedSpan[] = [];
  /** What it answers by HTTP. */
  code = 200;
  readonly contentTypes: (string | undefined)[] = [];
  readonly #waiting = new Set<() => void>();
  #http: Server | undefined;
  #grpc: GrpcServer | undefined;

  async serveHttp(): Promise<string> {
    const server = createServer(async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      this.contentTypes.push(request.headers["content-type"]);
      if (request.url === "/v1/traces" && this.code === 200) this.#take(Buffer.concat(pieces));
      response.writeHead(request.url === "/v1/traces" ? this.code : 404).end();
    });
    this.#http = server;
    await once(server.listen(0, "127.0.0.1"), "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async serveGrpc(): Promise<string> {
    const server = new GrpcServer();
    this.#grpc = server;
    const path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    const raw = { requestStream: false, responseStream: false } as const;
    const codec = {
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
    };
    server.addService(
      { export: { path, ...raw, ...codec } },
      {
        export: (call: { request: Buffer }, done: (error: null, answer: Buffer) => void) => {
          this.#take(call.request);
          done(null, Buffer.alloc(0));
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    return `127.0.0.1:${port}`;
  }

  /** Resolves with what `pick` gives once it gives something. */
  async until<T>(pick: (spans: readonly CollectedSpan[]) => T | undefined | false): Promise<T> {
    for (;;) {
      const found = pick(this.spans);
      if (found !== undefined && found !== false) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  stop(): void {
    this.#http?.closeAllConnections();
    this.#http?.close();
    this.#grpc?.forceShutdown();
  }

  #take(bytes: Buffer): void {
    const options = { longs: String, enums: String, bytes: String, defaults: false };
    const { resourceSpans = [] } = requestType.toObject(requestType.decode(bytes), options);
    for (const { resource, scopeSpans = [] } of resourceSpans) {
      const service = String(attributesOf(resource?.attributes)["service.name"] ?? "");
      for (const { spans = [] } of scopeSpans)
        for (const span of spans)
          this.spans.push({
            service,
            traceId: hex(span.traceId),
            spanId: hex(span.spanId),
            parentId: hex(span.parentSpanId ?? ""),
            name: span.name,
            kind: span.kind,
            startNanos: BigInt(span.startTimeUnixNano),
            endNanos: BigInt(span.endTimeUnixNano),
            attributes: attributesOf(span.attributes),
            events: (span.events ?? []).map(({ name }: { name: string }) => name),
            links: (span.links ?? []).map(({ spanId }: { spanId: string }) => hex(spanId)),
            failed: span.status?.code === "STATUS_CODE_ERROR",
          });
    }
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

function attributesOf(rows: readonly Row[] = []): Readonly<Record<string, unknown>> {
  return Object.fromEntries(rows.map(({ key, value }) => [key, Object.values(value ?? {})[0]]));
}

const hex = (base64: string) => Buffer.from(base64, "base64").toString("hex");
