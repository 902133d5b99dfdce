import { backoffMs } from "../../base/backoff.ts";
import { type Deferred, deferred } from "../../base/deferred.ts";
import { sleep } from "../../base/os/clock.ts";
import { methods } from "../../proto/etcd-methods.ts";
import { storeErrors } from "../errors.ts";
import { CallError } from "./call-error.ts";
import type { Endpoint } from "./endpoints.ts";
import { type AttemptTime, type FailoverParts, retryWait, withFailover } from "./failover.ts";
import type { ClientTransport } from "./transport.ts";

const keepAliveMethod = methods.leaseKeepAlive;

/** Renews leases. A renewal is a stream of one question and one answer, so it fails over like any read. */
export class LeaseKeeper {
  readonly #parts: FailoverParts & { readonly transport: ClientTransport; readonly timeoutMs: number };

  constructor(parts: FailoverParts & { readonly transport: ClientTransport; readonly timeoutMs: number }) {
    this.#parts = parts;
  }

  /** The seconds left after renewal; 0 when the lease is gone. */
  async once(
    id: bigint,
    options: { readonly timeoutMs?: number | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<number> {
    const { timeoutMs = this.#parts.timeoutMs, signal } = options;
    return withFailover(this.#parts, { effect: "read", timeoutMs, signal }, (endpoint, time) =>
      this.#ask(endpoint, id, time, signal),
    );
  }

  /** Renews after every third of the time to live until aborted. */
  async keep(id: bigint, signal: AbortSignal): Promise<void> {
    const { clock, random, closing } = this.#parts;
    const either = closing === undefined ? signal : AbortSignal.any([signal, closing]);
    let expiresMs = Number.POSITIVE_INFINITY;
    for (let failures = 0; !either.aborted; ) {
      let waitMs: number;
      try {
        const ttlSeconds = await this.once(id, { signal: either });
        if (ttlSeconds <= 0) throw new CallError("NOT_FOUND", storeErrors.LEASE_NOT_FOUND.message);
        failures = 0;
        expiresMs = clock.monotonicMs() + ttlSeconds * 1000;
        waitMs = Math.max(500, (ttlSeconds * 1000) / 3);
      } catch (error) {
        if (either.aborted) return;
        const transient = error instanceof CallError && error.code !== "LEASE_NOT_FOUND";
        // Past its time the lease may still live (the store lost its leader), so only the store's word ends it.
        if (!transient) throw error;
        failures += 1;
        waitMs = clock.monotonicMs() < expiresMs ? backoffMs(retryWait, failures, random) : retryWait.mostMs;
      }
      try {
        await sleep(clock, waitMs, either);
      } catch (error) {
        if (either.aborted) return;
        throw error;
      }
    }
  }

  /** A member that says nothing is left when its share of the time is over: the lease may run out meanwhile. */
  #ask(endpoint: Endpoint, id: bigint, time: AttemptTime, signal?: AbortSignal): Promise<number> {
    const { transport, clock } = this.#parts;
    const answer: Deferred<number> = deferred();
    const withinMs = Math.min(time.timeoutMs, time.connectWithinMs);
    const late = () => {
      stream.cancel();
      const status = withinMs < time.timeoutMs ? "UNAVAILABLE" : "DEADLINE_EXCEEDED";
      answer.reject(new CallError(status, `no answer within ${withinMs} ms`));
    };
    const onAbort = () => {
      stream.cancel();
      answer.reject(signal?.reason);
    };
    const stream = transport.stream(
      endpoint,
      keepAliveMethod.path,
      { requireLeader: true },
      {
        message: (bytes) => {
          try {
            answer.resolve(keepAliveMethod.response.decode(bytes).ttl);
          } catch (error) {
            answer.reject(error);
          }
          stream.cancel();
        },
        end: (error) =>
          answer.reject(error ?? new CallError("UNAVAILABLE", "the server ended the keep-alive stream")),
      },
    );
    const stopTimer = clock.after(withinMs, late);
    signal?.addEventListener("abort", onAbort, { once: true });
    stream.send(keepAliveMethod.request.encode({ id }));
    return answer.promise.finally(() => {
      stopTimer();
      signal?.removeEventListener("abort", onAbort);
    });
  }
}
