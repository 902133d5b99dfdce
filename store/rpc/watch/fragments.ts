import type { Encodable } from "../../../base/protobuf.ts";
import { varintBytes } from "../../../base/varint.ts";
import { type WatchResponse, watchResponse } from "../../../proto/etcd.ts";

type Response = Omit<Encodable<WatchResponse>, "events"> & { readonly events: readonly Uint8Array[] };

/** The response whole where it is shorter than `messageBytesMax`, else in pieces that are, each with one encoded event at least;
 *  all but the last say `fragment`. */
export function fragments(response: Response, messageBytesMax: number): Uint8Array[] {
  const emptyBytes = watchResponse.encode({ ...response, events: [] }).length;
  const wholeBytes = response.events.reduce((sum, event) => sum + fieldBytes(event), emptyBytes);
  if (wholeBytes < messageBytesMax) return [watchResponse.encode(response)];
  const pieces: Uint8Array[] = [];
  const headBytes = emptyBytes + fragmentBytes;
  let events: Uint8Array[] = [];
  let pieceBytes = headBytes;
  const cut = (fragment: boolean) => {
    pieces.push(watchResponse.encode({ ...response, events, fragment }));
    events = [];
    pieceBytes = headBytes;
  };
  for (const event of response.events) {
    if (events.length > 0 && pieceBytes + fieldBytes(event) >= messageBytesMax) cut(true);
    events.push(event);
    pieceBytes += fieldBytes(event);
  }
  cut(false);
  return pieces;
}

/** Of `fragment: true`. */
const fragmentBytes = 2;
/** Of an event with its tag and length. */
const fieldBytes = ({ length }: Uint8Array) => 1 + varintBytes(length) + length;
