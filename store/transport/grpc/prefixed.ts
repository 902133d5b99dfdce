import { prefixBytes } from "./message-reader.ts";

/** Messages up to this size are copied behind their prefix; larger ones are sent as they are. */
const copiedBytesMost = 4096;

/** A message as it is sent, in one piece or two. */
export function prefixed(message: Uint8Array): readonly Uint8Array[] {
  const isCopied = message.length <= copiedBytesMost;
  const first = Buffer.allocUnsafe(prefixBytes + (isCopied ? message.length : 0));
  first[0] = 0;
  first.writeUInt32BE(message.length, 1);
  if (!isCopied) return [first, message];
  first.set(message, prefixBytes);
  return [first];
}
