import { assert } from "../../base/assert.ts";
import type { RawNode } from "../raft/node.ts";
import type { Entry } from "../raft/types.ts";
import { decodeConfChange } from "./conf-change-wire.ts";
import type { StateMachine } from "./seams.ts";

interface Parts {
  readonly raft: RawNode;
  readonly machine: StateMachine;
}

/** Applies entries in order; membership changes take effect between those before and those after them. Answers when all are
 *  applied, where the state machine needs more than this turn for one. */
export function applyCommitted(entries: readonly Entry[], parts: Parts): Promise<void> | undefined {
  const { raft, machine } = parts;
  let from = 0;
  for (let at = 0; at < entries.length; at++) {
    const entry = entries[at];
    if (entry?.type !== "confChange") continue;
    const busy = applyNormal(entries.slice(from, at), parts);
    if (busy !== undefined) return goOn(busy, entries, parts);
    const { index, term } = entry;
    const conf = machine.applyConfChange(decodeConfChange(entry.data), { index, term });
    assert(machine.appliedIndex >= index, `the state machine did not apply the change at ${index}`);
    raft.applied(index);
    raft.applyConfChange(conf);
    from = at + 1;
  }
  const busy = applyNormal(from === 0 ? entries : entries.slice(from), parts);
  return busy === undefined ? undefined : goOn(busy, entries, parts);
}

async function goOn(busy: Promise<void>, entries: readonly Entry[], parts: Parts): Promise<void> {
  const { raft, machine } = parts;
  raft.applied(machine.appliedIndex);
  await busy;
  raft.applied(machine.appliedIndex);
  await applyCommitted(
    entries.filter(({ index }) => index > machine.appliedIndex),
    parts,
  );
}

function applyNormal(entries: readonly Entry[], { raft, machine }: Parts): Promise<void> | undefined {
  const last = entries.at(-1);
  if (last === undefined) return undefined;
  const busy = machine.apply(entries);
  if (busy !== undefined) return busy;
  if (machine.appliedIndex < last.index) assert(false, `the state machine did not apply entry ${last.index}`);
  raft.applied(last.index);
  return undefined;
}
