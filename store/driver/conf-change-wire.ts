import { confChange } from "../../proto/raft.ts";
import type { ConfChange } from "../raft/types.ts";

/** Configuration changes as they stand in the log: raftpb.ConfChange. */
const wireTypes = {
  addNode: "ADD_NODE",
  removeNode: "REMOVE_NODE",
  updateNode: "UPDATE_NODE",
  addLearner: "ADD_LEARNER_NODE",
} as const;
const ourTypes = {
  ADD_NODE: "addNode",
  REMOVE_NODE: "removeNode",
  UPDATE_NODE: "updateNode",
  ADD_LEARNER_NODE: "addLearner",
} as const;

export function encodeConfChange(change: ConfChange): Uint8Array {
  const { id, nodeId, context } = change;
  return confChange.encode({ id, type: wireTypes[change.type], nodeId, context });
}

export function decodeConfChange(data: Uint8Array): ConfChange {
  const { id, type, nodeId, context } = confChange.decode(data);
  return { id, type: ourTypes[type], nodeId, context: context ?? new Uint8Array(0) };
}
