import { errorOf, messageTypes, readMessages } from "../netlink/netlink-message.ts";

/** What the kernel said to a request. */
export interface Replies {
  readonly acknowledged: ReadonlySet<number>;
  readonly errors: readonly { readonly sequence: number; readonly code: string }[];
  /** Messages that are neither. */
  readonly others: number;
}

/** Throws where these are no messages. */
export function parseReplies(bytes: Uint8Array): Replies {
  const acknowledged = new Set<number>();
  const errors: { sequence: number; code: string }[] = [];
  let others = 0;
  for (const message of readMessages(bytes)) {
    const code = message.type === messageTypes.error ? errorOf(message) : undefined;
    if (message.type !== messageTypes.error) others++;
    else if (code === undefined) acknowledged.add(message.sequence);
    else errors.push({ sequence: message.sequence, code });
  }
  return { acknowledged, errors, others };
}
