import type { BackoffOptions } from "../../../base/backoff.ts";
import { dialText } from "../../../base/dial-text.ts";
import type { CallFailure } from "../../../base/grpc/answer-status.ts";
import { type CallWay, GrpcCall } from "../../../base/grpc/grpc-call.ts";
import { unary } from "../../../base/grpc/unary.ts";
import { ClientChannel } from "../../../base/http2/client-channel.ts";
import { type ClientLimits, requestsMost } from "../../../base/http2/client-connection.ts";
import { type Clock, systemClock } from "../../../base/os/clock.ts";
import { type Random, systemRandom } from "../../../base/os/random.ts";
import { activeTraceparent } from "../../../base/tracing/active-span.ts";
import { CallError } from "../call-error.ts";
import type { Endpoint } from "../endpoints.ts";
import type { CallSettings, ClientStream, ClientTransport, StreamHandlers } from "../transport.ts";
import { addressOf, type ClientTls, dial } from "./dial.ts";
import { RequestHeads } from "./request-head.ts";

/** How long calls fail at once after a connection could not be made. */
const redialWait: BackoffOptions = { firstMs: 100, mostMs: 2_000 };

const limits: ClientLimits = {
  streamWindowBytes: 4 << 20,
  connectionWindowBytes: 16 << 20,
  headerListBytesMost: 64 << 10,
  requestsMost,
  silence: { silentMostMs: 10_000, answerWithinMs: 5_000 },
};

const closedText = "the client is closed";

interface Way {
  readonly way: CallWay<CallError>;
  readonly heads: RequestHeads;
}

/** The wire by gRPC: one HTTP/2 connection per endpoint, opened when first used. */
export class GrpcTransport implements ClientTransport {
  readonly #tls: ClientTls;
  readonly #os: { readonly clock: Clock; readonly random: Random };
  readonly #connectWithinMs: number;
  readonly #ways = new Map<string, Way>();
  #isClosed = false;

  constructor(
    tls: ClientTls = {},
    os: { readonly clock: Clock; readonly random: Random } = { clock: systemClock, random: systemRandom },
    options: { readonly connectWithinMs: number } = { connectWithinMs: 5_000 },
  ) {
    this.#tls = tls;
    this.#os = { clock: os.clock, random: os.random };
    this.#connectWithinMs = options.connectWithinMs;
  }

  unary(
    endpoint: Endpoint,
    path: string,
    request: Uint8Array,
    settings: CallSettings & { readonly timeoutMs: number; readonly connectWithinMs?: number },
  ): Promise<Uint8Array> {
    const { signal, connectWithinMs } = settings;
    const timeoutMs = Math.ceil(settings.timeoutMs);
    const { way, heads } = this.#way(endpoint);
    return unary(way, {
      head: heads.of(path, settings, timeoutMs, activeTraceparent()),
      request,
      timeoutMs,
      connectWithinMs,
      signal,
      clock: this.#os.clock,
    });
  }

  stream(endpoint: Endpoint, path: string, settings: CallSettings, handlers: StreamHandlers): ClientStream {
    const { signal } = settings;
    const { way, heads } = this.#way(endpoint);
    const call = new GrpcCall(way, heads.of(path, settings), {
      // What a stream is told may be kept for long; it does not keep what came with it.
      message: (bytes) => handlers.message(Uint8Array.prototype.slice.call(bytes)),
      done: (error) => {
        signal?.removeEventListener("abort", cancel);
        handlers.end(error);
      },
    });
    const cancel = () => {
      signal?.removeEventListener("abort", cancel);
      call.cancel();
    };
    if (!signal?.aborted) {
      signal?.addEventListener("abort", cancel, { once: true });
      // As with a stream that somebody else ends: whoever opens it has gone on by then.
      queueMicrotask(() => call.start());
    }
    return { send: (bytes) => call.send(bytes), halfClose: () => call.finish(), cancel };
  }

  /** Ends all that is under way; what is asked later fails, and connects to nobody. */
  close(): void {
    this.#isClosed = true;
    for (const { way } of this.#ways.values()) way.channel.close(closedText);
  }

  #channel(endpoint: Endpoint): ClientChannel<CallError> {
    const to = addressOf(endpoint);
    return new ClientChannel({
      dial: (onConnected) => dial(endpoint, this.#tls, onConnected),
      limits,
      connectWithinMs: this.#connectWithinMs,
      redialWait,
      ...this.#os,
      unavailable: (why) => {
        const text = "port" in to ? dialText(why, to) : why.message;
        return new CallError("UNAVAILABLE", `no connection to ${endpoint.address}: ${text}`, { sent: false });
      },
    });
  }

  #way(endpoint: Endpoint): Way {
    let way = this.#ways.get(endpoint.url);
    if (way === undefined) {
      const channel = this.#channel(endpoint);
      if (this.#isClosed) channel.close(closedText);
      way = { way: { channel, errorOf, messageBytesMost }, heads: new RequestHeads(endpoint) };
      this.#ways.set(endpoint.url, way);
    }
    return way;
  }
}

/** A range may answer anything; the server bounds it. */
const messageBytesMost = Number.POSITIVE_INFINITY;

const errorOf = ({ status, message, sent }: CallFailure): CallError =>
  new CallError(status, message, { sent });
