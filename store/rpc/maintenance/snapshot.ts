import { snapshotResponse } from "../../../proto/etcd-maintenance.ts";
import type { Call, Incoming, Outgoing } from "../handler.ts";
import type { MemberParts } from "../member.ts";

/** etcd's size of one piece. */
const pieceBytes = 32 * 1024;

/** Streams the whole state; the last piece is the SHA-256 of all before. */
export function snapshot(out: Outgoing, call: Call, parts: MemberParts): Incoming {
  let over = false;
  let resume: (() => void) | undefined;
  const room = () => new Promise<void>((resolve) => (resume = resolve));
  const wake = () => {
    const waiting = resume;
    resume = undefined;
    waiting?.();
  };
  const stream = async () => {
    await parts.access.requireRoot(call);
    const { sizeBytes, chunks } = parts.maintenance.snapshot();
    const version = parts.members.clusterVersion;
    let sentBytes = 0;
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        if (over) return;
        const blob = chunk.subarray(at, at + pieceBytes);
        sentBytes += blob.length;
        const remainingBytes = Math.max(0, sizeBytes - sentBytes);
        if (!out.send(snapshotResponse.encode({ remainingBytes, blob, version }))) await room();
      }
    }
    if (!over) out.end();
  };
  return {
    message: () => {
      stream().catch((error: unknown) => out.end(error instanceof Error ? error : new Error(String(error))));
    },
    halfClose: () => undefined,
    drained: wake,
    closed() {
      over = true;
      wake();
    },
  };
}
