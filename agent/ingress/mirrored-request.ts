import type { Endpoint } from "./route.ts";
import type {
  Upstream,
  UpstreamEvents,
  UpstreamExchange,
  UpstreamFailure,
  UpstreamHead,
} from "./upstream.ts";

/** Of a request's body, that the mirror has yet to take. */
const waitingBytesMost = 1024 ** 2;

/** A copy of a request, whose answer nobody reads. It holds up nobody: a mirror that takes the body too slowly is given up. */
export class MirroredRequest implements UpstreamEvents {
  readonly #exchange: UpstreamExchange;
  readonly #onFailure: (why: string) => void;
  #waitingBytes = 0;
  #isWhole: boolean;

  /** @throws Where it cannot be passed on. */
  constructor(
    upstream: Upstream,
    to: { readonly endpoint: Endpoint; readonly head: UpstreamHead },
    onFailure: (why: string) => void,
  ) {
    this.#onFailure = onFailure;
    this.#isWhole = !to.head.hasBody;
    this.#exchange = upstream.send(to.endpoint, to.head, this);
  }

  write(bytes: Buffer): void {
    if (this.#exchange.write(bytes)) this.#waitingBytes = 0;
    else this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > waitingBytesMost) {
      this.#onFailure("the mirror takes the request too slowly");
      this.#exchange.destroy();
    }
  }

  end(): void {
    this.#isWhole = true;
    this.#exchange.end();
  }

  /** No more of the request comes. */
  leave(): void {
    if (!this.#isWhole) this.#exchange.destroy();
  }

  connected(): void {}
  answered(): void {}
  data(): boolean {
    return true;
  }
  paused(): void {}
  ended(): void {}
  drained(): void {
    this.#waitingBytes = 0;
  }
  failed({ error }: UpstreamFailure): void {
    this.#onFailure(`the mirror: ${error.message}`);
  }
}
