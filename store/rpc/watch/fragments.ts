import type { Encodable } from "../../../base/protobuf.ts";
import { type WatchResponse, watchResponse } from "../../../proto/etcd.ts";

/** The response in pieces of about `pieceBytesMax`, each with one encoded event at least; all but the last say
 *  `fragment`. */
export function fragments(
  response: Encodable<WatchResponse> & { readonly events: readonly Uint8Array[] },
  pieceBytesMax: number,
): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let events: Uint8Array[] = [];
  let pieceBytes = 0;
  const cut = (fragment: boolean) => {
    pieces.push(watchResponse.encode({ ...response, events, fragment }));
    events = [];
    pieceBytes = 0;
  };
  for (const event of response.events) {
    if (events.length > 0 && pieceBytes + event.length >= pieceBytesMax) cut(true);
    events.push(event);
    pieceBytes += event.length;
  }
  cut(false);
  return pieces;
}
