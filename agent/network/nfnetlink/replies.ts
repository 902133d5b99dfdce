import { constants } from "node:os";
import { littleEndian } from "./attributes.ts";

/** What the kernel said to a request. */
export interface Replies {
  readonly acknowledged: ReadonlySet<number>;
  readonly errors: readonly { readonly sequence: number; readonly code: string }[];
  /** Messages that are neither. */
  readonly others: number;
}

/** Throws where these are no messages. */
export function parseReplies(bytes: Uint8Array): Replies {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const acknowledged = new Set<number>();
  const errors: { sequence: number; code: string }[] = [];
  let others = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.length - at < headBytes ? 0 : view.getUint32(at, littleEndian);
    if (length < headBytes || length > bytes.length - at) throw new Error("a netlink message is cut off");
    const sequence = view.getUint32(at + 8, littleEndian);
    if (view.getUint16(at + 4, littleEndian) !== errorType) others++;
    else if (length < headBytes + 4) throw new Error("a netlink error says nothing");
    else {
      const error = view.getInt32(at + headBytes, littleEndian);
      if (error === 0) acknowledged.add(sequence);
      else errors.push({ sequence, code: errorCode(-error) });
    }
    at += (length + 3) & ~3;
  }
  return { acknowledged, errors, others };
}

const headBytes = 16;
const errorType = 2;

export function errorCode(errno: number): string {
  return Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
}
