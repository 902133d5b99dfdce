import type { HttpAnswer } from "../../client/http/request.ts";

/** An answer that no server gave. */
export class TextAnswer implements HttpAnswer {
  readonly statusCode: number;
  readonly retryAfter = undefined;
  readonly warning = undefined;
  readonly #text: string;

  constructor(statusCode: number, text: string) {
    this.statusCode = statusCode;
    this.#text = text;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    yield Buffer.from(this.#text);
  }

  async text(): Promise<string> {
    return this.#text;
  }

  destroy(): void {}
}
