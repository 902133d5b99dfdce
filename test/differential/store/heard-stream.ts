import type { ServiceError } from "@grpc/grpc-js";
import { type Deferred, deferred } from "../../../base/deferred.ts";
import type { Told } from "./raw-client.ts";

/** A call of grpc-js's that brings messages. */
interface Call {
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  on(event: "error", listener: (error: ServiceError) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  cancel(): void;
}

/** Ends a hang only. */
const withinMs = 15_000;

/** All that a stream has told so far, its end included where it failed. */
export class HeardStream {
  readonly told: Told[] = [];
  readonly ended: Promise<void>;
  readonly #call: Call;
  #waiting: { readonly isEnough: () => boolean; readonly enough: Deferred<void> } | undefined;

  constructor(call: Call, read: (bytes: Uint8Array) => Told, readError: (error: ServiceError) => Told) {
    this.#call = call;
    const end = deferred<void>();
    this.ended = end.promise;
    call.on("data", (bytes) => this.#hear(read(bytes)));
    call.on("error", (error) => {
      this.#hear(readError(error));
      end.resolve();
    });
    call.on("end", () => end.resolve());
  }

  /** Resolves when `isEnough` holds of what was told, and rejects when it does not for a long time. One waits at a time. */
  async until(isEnough: (told: readonly Told[]) => boolean): Promise<void> {
    if (isEnough(this.told)) return;
    const enough = deferred<void>();
    this.#waiting = { isEnough: () => isEnough(this.told), enough };
    const last = () =>
      JSON.stringify(this.told.slice(-2), (_, value) => (typeof value === "bigint" ? String(value) : value));
    const timer = setTimeout(() => enough.reject(new Error(`no more came than ${last()}`)), withinMs);
    await enough.promise.finally(() => clearTimeout(timer));
    this.#waiting = undefined;
  }

  cancel(): void {
    this.#call.cancel();
  }

  #hear(told: Told): void {
    this.told.push(told);
    if (this.#waiting?.isEnough()) this.#waiting.enough.resolve();
  }
}
