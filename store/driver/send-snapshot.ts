import type { RawNode } from "../raft/node.ts";
import type { Message, SnapshotMeta } from "../raft/types.ts";
import { type DriverParts, driverLimits } from "./config.ts";
import type { LogMarks } from "./log-marks.ts";
import { paced } from "./paced.ts";

type Parts = Pick<DriverParts, "machine" | "peers" | "logger" | "clock"> & {
  readonly raft: RawNode;
  readonly marks: LogMarks;
};

/** Takes the state as it is now, whose index may lie past the one raft asked for; what it answers streams that. Who writes
 *  meanwhile shall hardly notice, unless the entries that are kept for the follower come to be too many, or another leads and
 *  keeps none. */
export function sendSnapshot(
  message: Message,
  { machine, peers, logger, clock, raft, marks }: Parts,
): (signal: AbortSignal) => Promise<"delivered" | "failed"> {
  const { index, term, chunks, release } = machine.snapshot();
  const meta: SnapshotMeta = { index, term, conf: raft.conf };
  const { to } = message;
  const inPace = paced(chunks, driverLimits.snapshotPace, {
    clock,
    work: () => raft.lastIndex,
    isPressed: () => raft.role !== "leader" || marks.isHalfFull(raft),
  });
  return async (signal) => {
    try {
      await peers.sendSnapshot({ ...message, snapshot: meta }, inPace, signal);
      logger.info("sent a snapshot", { to, index });
      return "delivered";
    } catch (error) {
      if (!signal.aborted) logger.warn("cannot send a snapshot; will try again", { to, index, error });
      return "failed";
    } finally {
      await release();
    }
  };
}
