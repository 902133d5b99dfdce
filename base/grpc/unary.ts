import type { Clock } from "../os/clock.ts";
import { type CallWay, GrpcCall } from "./grpc-call.ts";

export interface UnaryCall {
  /** The block of the request's headers. */
  readonly head: Buffer;
  readonly request: Uint8Array;
  /** In whole milliseconds. */
  readonly timeoutMs: number;
  /** How long it may wait to be sent; by default as long as it may take. */
  readonly connectWithinMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly clock: Pick<Clock, "after">;
}

/** One request, one answer, in time. Rejects with the way's error, or with the signal's reason. */
export function unary<E extends Error>(way: CallWay<E>, options: UnaryCall): Promise<Uint8Array> {
  const { head, request, timeoutMs, signal, clock } = options;
  const connectWithinMs = Math.min(timeoutMs, options.connectWithinMs ?? timeoutMs);
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    let answer: Uint8Array | undefined;
    const over = () => {
      stopTimer();
      signal?.removeEventListener("abort", onAbort);
    };
    const call = new GrpcCall(way, head, {
      message: (bytes) => {
        answer = bytes;
      },
      done: (error) => {
        over();
        if (error !== undefined) reject(error);
        else if (answer !== undefined) resolve(answer);
        else
          reject(
            way.errorOf({
              status: "INTERNAL",
              message: "the server answered without a message",
              sent: true,
            }),
          );
      },
    });
    const give = (error: unknown) => {
      over();
      call.cancel();
      reject(error);
    };
    const late = () =>
      give(
        way.errorOf({
          status: "DEADLINE_EXCEEDED",
          message: "the call's time is over",
          sent: call.isSent,
        }),
      );
    const unsent = () => {
      if (call.isSent) stopTimer = clock.after(timeoutMs - connectWithinMs, late);
      else
        give(
          way.errorOf({
            status: "UNAVAILABLE",
            message: `no connection within ${connectWithinMs} ms`,
            sent: false,
          }),
        );
    };
    let stopTimer = clock.after(connectWithinMs, connectWithinMs < timeoutMs ? unsent : late);
    const onAbort = () => give(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    call.send(request);
    call.finish();
    call.start();
  });
}
