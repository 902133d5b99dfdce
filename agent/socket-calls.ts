import { connect } from "node:net";
import type { CallFailure } from "../base/grpc/answer-status.ts";
import type { CallWay } from "../base/grpc/grpc-call.ts";
import { requestHead } from "../base/grpc/request-head.ts";
import { unary } from "../base/grpc/unary.ts";
import { ClientChannel } from "../base/http2/client-channel.ts";
import { requestsMost } from "../base/http2/client-connection.ts";
import type { Os } from "../base/os/os.ts";
import type { Encodable, Message, Of } from "../base/protobuf.ts";
import { WireError } from "../base/wire.ts";

export type Calls = Readonly<Record<string, readonly [Message<object>, Message<object>]>>;
export type Asked<C extends Calls, N extends keyof C> = Encodable<Of<C[N][0]>>;
export type Answered<C extends Calls, N extends keyof C> = Of<C[N][1]>;

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const silence = {
  /** A server that says nothing for so long while it is asked something is asked whether it is still there. Those by gRPC's library
   *  for Go end connections that ask more often than every five minutes. */
  silentMostMs: 360_000,
  answerWithinMs: 20_000,
} as const;

export interface SocketService<E extends Error> {
  readonly socket: string;
  /** As in `runtime.v1.RuntimeService`. */
  readonly service: string;
  /** Who answers there, for people: `the container runtime`. */
  readonly who: string;
  readonly callMs: number;
  readonly answerBytesMost: number;
  readonly errorOf: (failure: CallFailure) => E;
}

/** A client of one gRPC service at a unix socket, whose answers are outside input: bounded, in time, and read by our tables. */
export class SocketCalls<C extends Calls, E extends Error> {
  readonly way: CallWay<E>;
  readonly #calls: C;
  readonly #service: SocketService<E>;
  readonly #os: Pick<Os, "clock">;

  constructor(calls: C, service: SocketService<E>, os: Pick<Os, "clock" | "random">) {
    this.#calls = calls;
    this.#service = service;
    this.#os = os;
    const { socket, who, errorOf, answerBytesMost } = service;
    const channel = new ClientChannel<E>({
      dial: (onConnected) => connect({ path: socket }).once("connect", onConnected),
      limits: {
        streamWindowBytes: 1 << 20,
        connectionWindowBytes: 4 << 20,
        headerListBytesMost: 64 << 10,
        requestsMost,
        silence,
      },
      connectWithinMs: 5_000,
      redialWait: { firstMs: 100, mostMs: 2_000 },
      clock: os.clock,
      random: os.random,
      unavailable: (why) =>
        errorOf({
          status: "UNAVAILABLE",
          message: `${who} at ${socket} cannot be reached: ${why.message}`,
          sent: false,
        }),
    });
    this.way = { channel, errorOf, messageBytesMost: answerBytesMost };
  }

  /** Rejects with the service's error, or with the signal's reason. */
  async ask<const N extends keyof C & string>(
    name: N,
    request: Asked<C, N>,
    { timeoutMs = this.#service.callMs, signal }: CallOptions = {},
  ): Promise<Answered<C, N>> {
    const [asked, answered] = this.#calls[name] as readonly [Message<object>, Message<object>];
    const bytes = await unary(this.way, {
      head: this.head(name, timeoutMs),
      request: asked.encode(request as object),
      timeoutMs,
      signal,
      clock: this.#os.clock,
    });
    try {
      return answered.decode(bytes) as Answered<C, N>;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      const message = `the answer of ${this.#service.who} to ${name} cannot be read: ${error.message}`;
      throw this.#service.errorOf({ status: "INTERNAL", message, sent: true });
    }
  }

  head(name: string, timeoutMs?: number): Buffer {
    const path = `/${this.#service.service}/${name}`;
    return requestHead({ scheme: "http", authority: "localhost", path, timeoutMs });
  }

  close(): void {
    this.way.channel.close(`the agent lets go of ${this.#service.who}`);
  }
}
