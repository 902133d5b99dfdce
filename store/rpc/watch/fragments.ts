import type { Encodable } from "../../../base/protobuf.ts";
import { type WatchResponse, watchResponse } from "../../../proto/etcd.ts";
import { type Event, event as eventTable } from "../../../proto/mvcc.ts";

/** The response in pieces of about `pieceBytesMax`, each with one event at least; all but the last say `fragment`. */
export function fragments(
  response: Encodable<WatchResponse> & { readonly events: readonly Event[] },
  pieceBytesMax: number,
): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let piece: Uint8Array[] = [];
  let pieceBytes = 0;
  const add = (fragment: boolean) => {
    pieces.push(watchResponse.encode({ ...response, events: piece, fragment }));
    piece = [];
    pieceBytes = 0;
  };
  for (const event of response.events) {
    const bytes = eventTable.encode(event);
    if (piece.length > 0 && pieceBytes + bytes.length >= pieceBytesMax) add(true);
    piece.push(bytes);
    pieceBytes += bytes.length;
  }
  add(false);
  return pieces;
}
