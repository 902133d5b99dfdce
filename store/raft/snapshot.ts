import { must } from "../../base/assert.ts";
import type { Core } from "./core.ts";
import type { Message } from "./types.ts";

/** The state at `snapshot.index` is in the state machine already; now the log follows. A snapshot that is behind what is
 *  committed here changes nothing, but tells the leader where this member stands. */
export function installSnapshot(core: Core, incoming: Message): void {
  const snapshot = must(incoming.snapshot, "a snapshot message has a snapshot");
  const { log } = core;
  const id = { index: snapshot.index, term: snapshot.term };
  if (id.index <= log.committed) {
    core.sendAfterAppend({ type: "appendResponse", to: incoming.from, index: log.committed });
    return;
  }
  log.reset(id);
  core.conf = snapshot.conf;
  core.installed = snapshot;
  core.sendAfterAppend({ type: "appendResponse", to: incoming.from, index: id.index });
}
