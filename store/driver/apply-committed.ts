import { assert } from "../../base/assert.ts";
import type { RawNode } from "../raft/node.ts";
import type { Entry } from "../raft/types.ts";
import { decodeConfChange } from "./conf-change-wire.ts";
import type { StateMachine } from "./seams.ts";

/** Applies entries in order; membership changes take effect between those before and those after them. */
export function applyCommitted(
  entries: readonly Entry[],
  parts: { readonly raft: RawNode; readonly machine: StateMachine },
): void {
  const { raft, machine } = parts;
  let from = 0;
  for (const [at, entry] of entries.entries()) {
    if (entry.type !== "confChange") continue;
    applyNormal(entries.slice(from, at), parts);
    const { index, term } = entry;
    const conf = machine.applyConfChange(decodeConfChange(entry.data), { index, term });
    assert(machine.appliedIndex >= index, `the state machine did not apply the change at ${index}`);
    raft.applied(index);
    raft.applyConfChange(conf);
    from = at + 1;
  }
  applyNormal(from === 0 ? entries : entries.slice(from), parts);
}

function applyNormal(
  entries: readonly Entry[],
  { raft, machine }: { readonly raft: RawNode; readonly machine: StateMachine },
): void {
  const last = entries.at(-1);
  if (last === undefined) return;
  machine.apply(entries);
  assert(machine.appliedIndex >= last.index, `the state machine did not apply entry ${last.index}`);
  raft.applied(last.index);
}
