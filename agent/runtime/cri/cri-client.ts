import { connect } from "node:net";
import type { CallFailure } from "../../../base/grpc/answer-status.ts";
import { type CallWay, GrpcCall } from "../../../base/grpc/grpc-call.ts";
import { requestHead } from "../../../base/grpc/request-head.ts";
import { grpcStatus } from "../../../base/grpc/status.ts";
import { unary } from "../../../base/grpc/unary.ts";
import { ClientChannel } from "../../../base/http2/client-channel.ts";
import { requestsMost } from "../../../base/http2/client-connection.ts";
import type { Os } from "../../../base/os/os.ts";
import type { Encodable, Message, Of } from "../../../base/protobuf.ts";
import { WireError } from "../../../base/wire.ts";
import { RuntimeError } from "../seam.ts";
import { containerEventResponse, getEventsRequest, imageCalls, runtimeCalls } from "./messages.ts";

export const criLimits = {
  /** As the kubelet's. */
  callMs: 120_000,
  /** The runtime is asked for these often, and answers at once. */
  lookMs: 10_000,
  pullMs: 30 * 60_000,
  /** As the kubelet's; the output of a command beside a container is the longest that is answered. */
  answerBytesMost: 16 * 1024 * 1024,
  messageCharsMost: 4096,
} as const;

/** What the runtime refused, or what became of the call to it. */
export class CriError extends RuntimeError {
  readonly status: CallFailure["status"];

  constructor({ status, message }: CallFailure) {
    const words = message.slice(0, criLimits.messageCharsMost);
    super(status === "UNKNOWN" ? words : `${words} (${status})`);
    this.status = status;
  }
}

type Calls = Readonly<Record<string, readonly [Message<object>, Message<object>]>>;
type Asked<C extends Calls, N extends keyof C> = Encodable<Of<C[N][0]>>;
type Answered<C extends Calls, N extends keyof C> = Of<C[N][1]>;

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A client of one service (`runtime.v1.…`) at a unix socket. */
export class CriClient<C extends Calls> {
  readonly #calls: C;
  readonly #service: string;
  readonly #way: CallWay<CriError>;
  readonly #os: Pick<Os, "clock">;

  constructor(socket: string, service: string, calls: C, os: Pick<Os, "clock" | "random">) {
    this.#calls = calls;
    this.#service = service;
    this.#os = os;
    const errorOf = (failure: CallFailure) => new CriError(failure);
    const channel = new ClientChannel<CriError>({
      dial: (onConnected) => connect({ path: socket }).once("connect", onConnected),
      limits: {
        streamWindowBytes: 1 << 20,
        connectionWindowBytes: 4 << 20,
        headerListBytesMost: 64 << 10,
        requestsMost,
        silence: { silentMostMs: 60_000, answerWithinMs: 20_000 },
      },
      connectWithinMs: 5_000,
      redialWait: { firstMs: 100, mostMs: 2_000 },
      clock: os.clock,
      random: os.random,
      unavailable: (why) =>
        errorOf({
          status: "UNAVAILABLE",
          message: `the container runtime at ${socket} cannot be reached: ${why.message}`,
          sent: false,
        }),
    });
    this.#way = { channel, errorOf, messageBytesMost: criLimits.answerBytesMost };
  }

  /** Rejects with CriError, or with the signal's reason. */
  async ask<const N extends keyof C & string>(
    name: N,
    request: Asked<C, N>,
    { timeoutMs = criLimits.callMs, signal }: CallOptions = {},
  ): Promise<Answered<C, N>> {
    const [asked, answered] = this.#calls[name] as readonly [Message<object>, Message<object>];
    const bytes = await unary(this.#way, {
      head: this.#head(name, timeoutMs),
      request: asked.encode(request as object),
      timeoutMs,
      signal,
      clock: this.#os.clock,
    });
    try {
      return answered.decode(bytes) as Answered<C, N>;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      const message = `the container runtime's answer to ${name} cannot be read: ${error.message}`;
      throw new CriError({ status: "INTERNAL", message, sent: true });
    }
  }

  /** Follows what happens to containers, until the signal aborts. Resolves with why there is no more. */
  followEvents(onEvent: (containerId: string) => void, signal: AbortSignal): Promise<CriError | undefined> {
    return new Promise((resolve) => {
      const end = (error: CriError | undefined) => {
        signal.removeEventListener("abort", stop);
        resolve(error);
      };
      const call = new GrpcCall(this.#way, this.#head("GetContainerEvents"), {
        message: (bytes) => {
          try {
            onEvent(containerEventResponse.decode(bytes).containerId);
          } catch (error) {
            if (!(error instanceof WireError)) throw error;
            call.cancel();
            end(new CriError({ status: "INTERNAL", message: error.message, sent: true }));
          }
        },
        done: end,
      });
      const stop = () => {
        call.cancel();
        end(undefined);
      };
      if (signal.aborted) return resolve(undefined);
      signal.addEventListener("abort", stop, { once: true });
      call.send(getEventsRequest.encode({}));
      call.finish();
      call.start();
    });
  }

  close(): void {
    this.#way.channel.close("the agent lets go of the container runtime");
  }

  #head(name: string, timeoutMs?: number): Buffer {
    const path = `/${this.#service}/${name}`;
    return requestHead({ scheme: "http", authority: "localhost", path, timeoutMs });
  }
}

export type RuntimeClient = CriClient<typeof runtimeCalls>;
export type ImageClient = CriClient<typeof imageCalls>;

export const openRuntimeClient = (socket: string, os: Pick<Os, "clock" | "random">): RuntimeClient =>
  new CriClient(socket, "runtime.v1.RuntimeService", runtimeCalls, os);

export const openImageClient = (socket: string, os: Pick<Os, "clock" | "random">): ImageClient =>
  new CriClient(socket, "runtime.v1.ImageService", imageCalls, os);

export const isGone = (error: unknown): boolean => error instanceof CriError && error.status === "NOT_FOUND";

/** A runtime of an older release, or of less. */
export const isUnknownCall = (error: unknown): boolean =>
  error instanceof CriError && error.status === "UNIMPLEMENTED";

export const isLate = (error: unknown): boolean =>
  error instanceof CriError && grpcStatus[error.status] === grpcStatus.DEADLINE_EXCEEDED;
