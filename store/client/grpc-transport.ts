import * as grpc from "@grpc/grpc-js";
import { type GrpcStatus, grpcStatus } from "../errors.ts";
import { CallError } from "./call-error.ts";
import { ConnectWithin } from "./connect-within.ts";
import type { Endpoint } from "./endpoints.ts";
import type { CallSettings, ClientStream, ClientTransport, StreamHandlers } from "./transport.ts";

/** PEM texts; without `ca` the system's authorities are trusted. */
export interface ClientTls {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** The name to check the server's certificate against in place of the endpoint's host. */
  readonly serverName?: string;
  readonly skipVerify?: boolean;
}

/** A member that takes a connection answers it well within this, or is left for another connection. */
const connectWithinMs = 5_000;

const channelOptions = {
  "grpc.use_local_subchannel_pool": 1, // clients of one process do not share connections
  "grpc.max_receive_message_length": -1, // a range may answer anything; the server bounds it
  "grpc.max_send_message_length": -1, // the server refuses what is too large, with its own words
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 2_000,
  "grpc-node.flow_control_window": 4 << 20,
} as const;

/** The wire by grpc-js: one HTTP/2 connection per endpoint, opened when first used. */
export class GrpcTransport implements ClientTransport {
  readonly #tls: ClientTls;
  readonly #clients = new Map<string, grpc.Client>();

  constructor(tls: ClientTls = {}) {
    this.#tls = tls;
  }

  unary(
    endpoint: Endpoint,
    path: string,
    request: Uint8Array,
    settings: CallSettings & { readonly timeoutMs: number },
  ): Promise<Uint8Array> {
    const { signal } = settings;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const options = { deadline: Date.now() + settings.timeoutMs };
      const done = (error: grpc.ServiceError | null, answer?: Uint8Array) => {
        signal?.removeEventListener("abort", onAbort);
        if (error !== null) reject(signal?.aborted ? signal.reason : callError(error));
        else resolve(answer as Uint8Array);
      };
      const client = this.#client(endpoint);
      const call = client.makeUnaryRequest(path, same, same, request, metadata(settings), options, done);
      const onAbort = () => call.cancel();
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  stream(endpoint: Endpoint, path: string, settings: CallSettings, handlers: StreamHandlers): ClientStream {
    const call = this.#client(endpoint).makeBidiStreamRequest(path, same, same, metadata(settings));
    let over = false;
    const finish = (error: CallError | undefined) => {
      if (over) return;
      over = true;
      settings.signal?.removeEventListener("abort", cancel);
      handlers.end(error);
    };
    const cancel = () => {
      over = true;
      settings.signal?.removeEventListener("abort", cancel);
      call.cancel();
    };
    settings.signal?.addEventListener("abort", cancel, { once: true });
    call.on("data", (bytes: Uint8Array) => {
      if (!over) handlers.message(bytes);
    });
    call.on("error", (error: grpc.ServiceError) => finish(callError(error)));
    call.on("status", (status: grpc.StatusObject) => {
      if (status.code === grpc.status.OK) finish(undefined);
    });
    return {
      send: (bytes) => {
        if (!over) call.write(bytes);
      },
      halfClose: () => call.end(),
      cancel,
    };
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  #client(endpoint: Endpoint): grpc.Client {
    let client = this.#clients.get(endpoint.url);
    if (client === undefined) {
      const { serverName } = this.#tls;
      const named = serverName === undefined ? {} : { "grpc.ssl_target_name_override": serverName };
      const target = `${endpoint.isSocket ? "unix" : "dns"}:${endpoint.address}`;
      client = new grpc.Client(target, credentials(endpoint, this.#tls), { ...channelOptions, ...named });
      this.#clients.set(endpoint.url, client);
    }
    return client;
  }
}

function same(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function credentials(endpoint: Endpoint, tls: ClientTls): grpc.ChannelCredentials {
  const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  const inner = endpoint.secure
    ? grpc.credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.certificate), {
        rejectUnauthorized: tls.skipVerify !== true,
      })
    : grpc.credentials.createInsecure();
  return new ConnectWithin(inner, connectWithinMs);
}

function metadata(settings: CallSettings): grpc.Metadata {
  const values = new grpc.Metadata();
  if (settings.requireLeader) values.set("hasleader", "true");
  return values;
}

const statusNames = new Map<number, GrpcStatus>(
  Object.entries(grpcStatus).map(([name, code]) => [code, name as GrpcStatus]),
);

/** grpc-js says in words whether a request was handed to a connection at all. */
const neverSent =
  /^(No connection established|Name resolution failed|Channel has been shut down|Channel is shutting down)/;
const neverSentInTime = /(Waiting for LB pick|waiting for name resolution)$/i;

function callError(error: grpc.ServiceError): CallError {
  const status = statusNames.get(error.code) ?? "UNKNOWN";
  const waited = status === "DEADLINE_EXCEEDED" && neverSentInTime.test(error.details);
  const sent = !waited && !(status === "UNAVAILABLE" && neverSent.test(error.details));
  return new CallError(status, error.details, { sent });
}
