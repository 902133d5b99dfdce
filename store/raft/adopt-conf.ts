import type { Core } from "./core.ts";
import { nobody } from "./message.ts";
import { Progress } from "./progress.ts";
import { isVoter, members } from "./quorum.ts";
import { maybeCommit } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import type { ConfState } from "./types.ts";

/** A new configuration is in force, because its entry was applied. */
export function adoptConf(core: Core, conf: ConfState): void {
  core.conf = conf;
  const { state } = core;
  if (state.role !== "leader") return;
  if (!isVoter(conf, core.id)) {
    // A removed leader makes room at once: its followers need not wait to notice that it is gone.
    becomeFollower(core, core.term, nobody);
    return;
  }
  const present = new Set(members(conf));
  for (const id of state.progress.keys()) if (!present.has(id)) state.progress.delete(id);
  for (const id of present) {
    if (id === core.id || state.progress.has(id)) continue;
    state.progress.set(id, new Progress(core.log.lastIndex + 1, core.config.limits));
  }
  if (!conf.voters.includes(state.transferee)) state.transferee = nobody;
  // The newcomers must hear of the log, and a smaller majority may commit more.
  for (const progress of state.progress.values()) progress.commitSent = 0;
  state.broadcastDue = true;
  maybeCommit(core, state);
}
