import { must } from "../../base/assert.ts";
import type { Core } from "./core.ts";
import { nobody } from "./message.ts";
import { becomeFollower } from "./roles.ts";
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
  if (log.matches(id)) {
    // The log holds it all, and more; it only was not known to be committed.
    log.commitTo(id.index);
    core.sendAfterAppend({ type: "appendResponse", to: incoming.from, index: id.index });
    return;
  }
  if (core.role !== "follower") becomeFollower(core, core.term, nobody);
  log.reset(id);
  core.conf = snapshot.conf;
  core.installed = snapshot;
  core.sendAfterAppend({ type: "appendResponse", to: incoming.from, index: id.index });
}
