import type { Readable } from "node:stream";
import type { UpstreamEvents } from "./upstream.ts";

export interface ReadableAnswer {
  readonly body: Readable;
  /** Known once the body has ended. */
  readonly trailers: () => readonly string[];
  /** Nobody is to be told any more. */
  readonly isOver: () => boolean;
}

/** Tells of an answer whose body comes as a stream; that it breaks off whoever has the stream hears. */
export function tellBody({ body, trailers, isOver }: ReadableAnswer, events: UpstreamEvents): void {
  body.on("data", (bytes: Buffer) => {
    if (isOver()) return;
    if (!events.data(bytes)) body.pause();
    events.paused();
  });
  body.on("end", () => {
    if (!isOver()) events.ended(trailers());
  });
  // The head leaves with the first piece, if that comes at once.
  setImmediate(() => {
    if (!isOver()) events.paused();
  });
}

/** Names in lower case and values by turns. */
export const lowerNames = (raw: readonly string[]): readonly string[] =>
  raw.map((text, at) => (at % 2 === 0 ? text.toLowerCase() : text));
