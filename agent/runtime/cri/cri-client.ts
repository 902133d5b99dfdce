import type { CallFailure } from "../../../base/grpc/answer-status.ts";
import { GrpcCall } from "../../../base/grpc/grpc-call.ts";
import { grpcStatus } from "../../../base/grpc/status.ts";
import type { Os } from "../../../base/os/os.ts";
import { WireError } from "../../../base/wire.ts";
import { type Answered, type Asked, type CallOptions, type Calls, SocketCalls } from "../../socket-calls.ts";
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

/** A client of one service (`runtime.v1.…`) at a unix socket. */
export class CriClient<C extends Calls> {
  readonly #calls: SocketCalls<C, CriError>;

  constructor(socket: string, service: string, calls: C, os: Pick<Os, "clock" | "random">) {
    const { callMs, answerBytesMost } = criLimits;
    const errorOf = (failure: CallFailure) => new CriError(failure);
    const who = "the container runtime";
    this.#calls = new SocketCalls(calls, { socket, service, who, callMs, answerBytesMost, errorOf }, os);
  }

  /** Rejects with CriError, or with the signal's reason. */
  ask<const N extends keyof C & string>(
    name: N,
    request: Asked<C, N>,
    options: CallOptions = {},
  ): Promise<Answered<C, N>> {
    return this.#calls.ask(name, request, options);
  }

  /** Follows what happens to containers, until the signal aborts. Resolves with why there is no more. */
  followEvents(onEvent: (containerId: string) => void, signal: AbortSignal): Promise<CriError | undefined> {
    return new Promise((resolve) => {
      const end = (error: CriError | undefined) => {
        signal.removeEventListener("abort", stop);
        resolve(error);
      };
      const call = new GrpcCall(this.#calls.way, this.#calls.head("GetContainerEvents"), {
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
    this.#calls.close();
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
