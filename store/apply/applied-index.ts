import { type Deferred, deferred } from "../../base/deferred.ts";
import { latin1, latin1Bytes } from "../../base/wire.ts";
import type { Backend } from "../backend/backend.ts";
import type { Index, Term } from "../raft/types.ts";

export interface AppliedAt {
  readonly index: Index;
  readonly term: Term;
}

/** etcd's names in the meta bucket; values are 8 bytes, big-endian. */
const names = { index: "consistent_index", term: "term" } as const;

export function readAppliedAt(backend: Backend): AppliedAt {
  return { index: readNumber(backend, names.index), term: readNumber(backend, names.term) };
}

/** Within the group of writes that holds the effects. */
export function writeAppliedAt(backend: Backend, at: AppliedAt): void {
  backend.stamp("meta", names.index, numberBytes(at.index));
  backend.stamp("meta", names.term, numberBytes(at.term));
}

function readNumber(backend: Backend, name: string): number {
  const bytes = backend.get("meta", name);
  return bytes === undefined ? 0 : Number(Buffer.from(latin1Bytes(latin1(bytes))).readBigUInt64BE());
}

function numberBytes(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

interface Waiter {
  readonly index: Index;
  readonly done: Deferred<void>;
}

/** Who waits for the applied index to reach something. */
export class AppliedWaiters {
  readonly #waiters = new Set<Waiter>();

  wait(index: Index, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const waiter: Waiter = { index, done: deferred() };
    this.#waiters.add(waiter);
    if (signal === undefined) return waiter.done.promise;
    const onAbort = () => {
      this.#waiters.delete(waiter);
      waiter.done.reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    return waiter.done.promise.finally(() => signal.removeEventListener("abort", onAbort));
  }

  reached(index: Index): void {
    if (this.#waiters.size === 0) return;
    for (const waiter of this.#waiters) {
      if (waiter.index > index) continue;
      this.#waiters.delete(waiter);
      waiter.done.resolve();
    }
  }

  fail(error: Error): void {
    for (const waiter of this.#waiters) waiter.done.reject(error);
    this.#waiters.clear();
  }
}
