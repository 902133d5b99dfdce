import { prefixBytes } from "./message-reader.ts";

/** Up to this size what follows is copied behind a message's prefix; larger parts are sent as they are. */
const copiedBytesMost = 4096;
const nothing = new Uint8Array(0);

/** A message of one part or two as it is sent, in few pieces. */
export function prefixed(head: Uint8Array, rest: Uint8Array = nothing): readonly Uint8Array[] {
  const messageBytes = head.length + rest.length;
  const isHeadCopied = head.length <= copiedBytesMost;
  const isRestCopied = messageBytes <= copiedBytesMost;
  const first = Buffer.allocUnsafe(
    prefixBytes + (isHeadCopied ? head.length : 0) + (isRestCopied ? rest.length : 0),
  );
  first[0] = 0;
  first.writeUInt32BE(messageBytes, 1);
  if (isHeadCopied) first.set(head, prefixBytes);
  if (isRestCopied) first.set(rest, prefixBytes + head.length);
  return [first, ...(isHeadCopied ? [] : [head]), ...(isRestCopied || rest.length === 0 ? [] : [rest])];
}
