import type { Encodable, Message } from "../../base/protobuf.ts";
import { WireError } from "../../base/wire.ts";

/** Decodes bytes that must be exactly what encoding gives back, so that no bit is without meaning: a record's type, for
 *  instance, is not covered by its checksum, but data of another type hardly ever has the exact form of this one.
 *  @param sparse The form of the same message that etcd 3.7 writes, where it is another. */
export function decodeExactly<T extends object>(
  codec: Message<T>,
  bytes: Uint8Array,
  sparse?: Message<T>,
): { readonly value: T } | { readonly problem: string } {
  try {
    const value = codec.decode(bytes);
    const isForm = (form: Message<T>) => Buffer.compare(form.encode(value as Encodable<T>), bytes) === 0;
    return isForm(codec) || (sparse !== undefined && isForm(sparse))
      ? { value }
      : { problem: "it has an impossible form" };
  } catch (error) {
    if (error instanceof WireError) return { problem: error.message };
    throw error;
  }
}
