import { isTransfer } from "./message.ts";
import type { RaftStatus } from "./status.ts";
import type { Entry, Message } from "./types.ts";

/** One way to print consensus, for tests, logs and dumps. */

export function describeEntry({ term, index, type, data }: Entry): string {
  const content = data.length === 0 ? "" : ` "${Buffer.from(data).toString()}"`;
  return `${term}/${index}${type === "confChange" ? " conf" : ""}${content}`;
}

/** "1->2 append term=3 after=2/5 commit=4 [3/6 "x"]". */
export function describeMessage(message: Message): string {
  return `${message.from}->${message.to} ${message.type} term=${message.term}${details(message)}`;
}

function details(message: Message): string {
  const { type, index, logTerm, commit, entries, reject, rejectHint, context, snapshot } = message;
  switch (type) {
    case "append":
      return ` after=${logTerm}/${index} commit=${commit} [${entries.map(describeEntry).join(", ")}]`;
    case "appendResponse":
      return reject ? ` rejected=${index} hint=${logTerm}/${rejectHint}` : ` match=${index}`;
    case "vote":
    case "preVote":
      return ` last=${logTerm}/${index}${isTransfer(context) ? " transfer" : ""}`;
    case "voteResponse":
    case "preVoteResponse":
      return reject ? " refused" : " granted";
    case "heartbeat":
      return ` commit=${commit}${readId(context)}`;
    case "heartbeatResponse":
    case "readIndex":
      return readId(context);
    case "readIndexResponse":
      return ` index=${index}${readId(context)}`;
    case "snapshot":
      return ` at=${snapshot?.term}/${snapshot?.index} voters=${snapshot?.conf.voters.join(",")}`;
    case "propose":
      return `${reject ? " dropped" : ""} [${entries.map(describeEntry).join(", ")}]`;
    case "timeoutNow":
      return "";
  }
}

function readId(context: Uint8Array): string {
  return context.length === 0 ? "" : ` read=${BigInt(`0x${Buffer.from(context).toString("hex")}`)}`;
}

export function describeStatus(status: RaftStatus): string {
  const { id, role, term, leader, lastIndex, durable, committed, applied } = status;
  const head = `${id} ${role} term=${term} leader=${leader} last=${lastIndex} durable=${durable} commit=${committed} applied=${applied}`;
  const peers = status.progress
    .filter((peer) => peer.id !== id)
    .map(
      (peer) =>
        `\n  ${peer.id} ${peer.state} match=${peer.match} next=${peer.next}${peer.active ? "" : " silent"}`,
    );
  return head + peers.join("");
}
