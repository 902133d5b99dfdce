import { setMaxListeners } from "node:events";
import { backoffMs } from "../../../base/backoff.ts";
import { sleep } from "../../../base/os/clock.ts";
import { storeErrors } from "../../errors.ts";
import { CallError } from "../call-error.ts";
import { type FailoverParts, retryWait } from "../failover.ts";
import type { StoreClient } from "../store-client.ts";
import type { Lease } from "./api.ts";

/** Why a lease, and all that hangs on it, must be taken for gone. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}

/** What leases are made with. */
export type LeaseParts = Pick<FailoverParts, "clock" | "random"> & { readonly client: StoreClient };

export class KeptLease implements Lease {
  readonly id: bigint;
  readonly ttlSeconds: number;
  readonly #parts: LeaseParts;
  readonly #over = new AbortController();
  /** When it must be taken for gone, by the clock of this process, unless it is renewed before. */
  #endsMs: number;

  private constructor(
    parts: LeaseParts,
    granted: { readonly id: bigint; readonly ttlSeconds: number },
    askedMs: number,
  ) {
    this.#parts = parts;
    this.id = granted.id;
    this.ttlSeconds = granted.ttlSeconds;
    this.#endsMs = askedMs + granted.ttlSeconds * 1000;
    setMaxListeners(0, this.signal);
    const { closing } = parts.client;
    const onClose = () => this.#lose("the client was closed, and renews the lease no more");
    closing.addEventListener("abort", onClose, { once: true, signal: this.signal });
    if (closing.aborted) onClose();
  }

  /** Rejects with CallError. */
  static async grant(
    parts: LeaseParts,
    ttlSeconds: number,
    options: { readonly signal?: AbortSignal | undefined; readonly renew: boolean },
  ): Promise<KeptLease> {
    const askedMs = parts.clock.monotonicMs();
    const granted = await parts.client.grantLease(ttlSeconds, { signal: options.signal });
    const lease = new KeptLease(parts, granted, askedMs);
    if (options.renew) void lease.#renewOn();
    return lease;
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  async renew(): Promise<number> {
    const askedMs = this.#parts.clock.monotonicMs();
    const seconds = await this.#parts.client.keepAliveOnce(this.id);
    if (seconds <= 0) this.#lose("the lease expired or was revoked");
    else this.#endsMs = askedMs + seconds * 1000;
    return seconds;
  }

  async secondsLeft(): Promise<number> {
    return (await this.#parts.client.leaseTimeToLive(this.id)).ttlSeconds;
  }

  async revoke(): Promise<void> {
    this.#lose("the lease was given back");
    try {
      await this.#parts.client.revokeLease(this.id);
    } catch (error) {
      if (!(error instanceof CallError && error.code === "LEASE_NOT_FOUND")) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.revoke();
  }

  #lose(why: string): void {
    this.#over.abort(new LeaseLostError(why));
  }

  /** Never rejects. */
  async #renewOn(): Promise<void> {
    const { clock, random, client } = this.#parts;
    const { signal } = this;
    const leftMs = () => this.#endsMs - clock.monotonicMs();
    const third = (this.ttlSeconds * 1000) / 3;
    for (let failures = 0; ; ) {
      const waitMs = failures === 0 ? third : Math.min(third, backoffMs(retryWait, failures, random));
      try {
        if (leftMs() > 0) await sleep(clock, Math.min(waitMs, leftMs()), signal);
        if (leftMs() <= 0) return this.#lose(`the lease was not renewed within its ${this.ttlSeconds} s`);
        const askedMs = clock.monotonicMs();
        const seconds = await client.keepAliveOnce(this.id, { timeoutMs: leftMs(), signal });
        if (seconds <= 0) return this.#lose("the lease expired or was revoked");
        this.#endsMs = askedMs + seconds * 1000;
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof CallError && error.message === storeErrors.LEASE_NOT_FOUND.message)
          return this.#lose("the lease expired or was revoked");
        failures += 1;
      }
    }
  }
}
