import type { IncomingMessage } from "node:http";
import type { Cancellation } from "../../../base/cancellation.ts";
import { badRequest, bodyTooLarge } from "../api-error.ts";
import type { BodiesUnderWay } from "./bodies-under-way.ts";

/** The most a request may bring, as in Kubernetes. */
export const bodyBytesMax = 3 * 1024 * 1024;

export interface BodyBounds {
  /** Ends the reading with its reason: the request's time is up. */
  readonly cancellation: Cancellation;
  readonly underWay: BodiesUnderWay;
}

const nothing = Buffer.alloc(0);

/** What a request brings. */
export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #bounds: BodyBounds;
  #isRead = false;

  constructor(request: IncomingMessage, bounds: BodyBounds) {
    this.#request = request;
    this.#bounds = bounds;
  }

  /** Some of it is on its way that nobody has read. */
  get isLeft(): boolean {
    return !this.#isRead && !this.#request.complete;
  }

  /** The whole body: at once where all of it has arrived, as short ones have. To be called once. Fails with 413, with 429 where all
   *  bodies together are too much, and with the cancellation's reason. */
  read(): Uint8Array | Promise<Uint8Array> {
    const request = this.#request;
    const { cancellation } = this.#bounds;
    const announcedBytes = Number(request.headers["content-length"] ?? Number.NaN);
    if (announcedBytes > bodyBytesMax) throw bodyTooLarge(bodyBytesMax);
    if (cancellation.isCancelled) throw cancellation.reason;
    const arrived: Buffer = request.read() ?? nothing;
    if (arrived.length > bodyBytesMax) throw bodyTooLarge(bodyBytesMax);
    // Of HTTP/1.1 Node holds a body to its length, and says only later that it is complete.
    const isAll = request.httpVersionMajor === 1 && arrived.length === announcedBytes;
    if (!isAll && !(request.complete && request.readableLength === 0)) return this.#readRest(arrived);
    this.#isRead = true;
    return arrived;
  }

  /** @param arrived The beginning. */
  #readRest(arrived: Buffer): Promise<Uint8Array> {
    const request = this.#request;
    const { underWay } = this.#bounds;
    const { signal } = this.#bounds.cancellation;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      const fail = (error: unknown) => {
        stop();
        request.pause();
        reject(error);
      };
      const place = underWay.enter(fail);
      const onData = (chunk: Buffer) => {
        sizeBytes += chunk.length;
        if (sizeBytes > bodyBytesMax) return fail(bodyTooLarge(bodyBytesMax));
        chunks.push(chunk);
        place.grow(chunk.length);
      };
      const onEnd = () => {
        stop();
        resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
      };
      const onClose = () => fail(badRequest("unexpected EOF"));
      const onAbort = () => fail(signal.reason);
      const stop = () => {
        place.leave();
        request.off("data", onData).off("end", onEnd).off("error", fail).off("close", onClose);
        signal.removeEventListener("abort", onAbort);
      };
      request.on("data", onData).on("end", onEnd).on("error", fail).on("close", onClose);
      signal.addEventListener("abort", onAbort, { once: true });
      if (arrived.length > 0) onData(arrived);
    });
  }
}
