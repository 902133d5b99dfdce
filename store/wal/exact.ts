import type { Encodable, Message } from "../../base/protobuf.ts";
import { WireError } from "../../base/wire.ts";

/** Decodes bytes that must be exactly what encoding gives back, so that no bit is without meaning: a record's type, for
 *  instance, is not covered by its checksum, but data of another type hardly ever has the exact form of this one. */
export function decodeExactly<T extends object>(
  codec: Message<T>,
  bytes: Uint8Array,
): { readonly value: T } | { readonly problem: string } {
  try {
    const value = codec.decode(bytes);
    const again = codec.encode(value as Encodable<T>);
    return Buffer.compare(again, bytes) === 0 ? { value } : { problem: "it has an impossible form" };
  } catch (error) {
    if (error instanceof WireError) return { problem: error.message };
    throw error;
  }
}
