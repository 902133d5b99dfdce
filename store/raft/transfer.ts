import type { Core, LeaderState } from "./core.ts";
import { nobody } from "./message.ts";
import { replicateTo } from "./replication.ts";
import type { MemberId } from "./types.ts";

/** Begins to hand leadership to a voter, which is told to campaign as soon as it has the whole log (thesis §3.10). */
export function startTransfer(core: Core, leader: LeaderState, to: MemberId): void {
  if (leader.transferee === to) return;
  leader.transferee = nobody; // a transfer under way is given up for this one
  const progress = leader.progress.get(to);
  if (progress === undefined) return; // to this member itself, which leads already
  leader.transferee = to;
  core.electionElapsed = 0; // it must succeed within an election timeout
  if (progress.match === core.log.lastIndex) core.send({ type: "timeoutNow", to });
  else replicateTo(core, to, progress, { force: true });
}

/** A leader does not take its own removal into the log while another can lead: it hands over, and the next leader takes it. The
 *  removed one ends, so those that stay must know by themselves that the change is committed. */
export function handsOverInstead(core: Core, leader: LeaderState, change: Uint8Array): boolean {
  if (core.config.removedBy?.(change) !== core.id) return false;
  const heir = nextLeader(core, leader);
  if (heir === nobody) return false;
  startTransfer(core, leader, heir);
  return true;
}

/** A leader that came to lead with its own removal in its log does not commit it, for the same reason: it hands over, and tries
 *  another heir when the last one had its chance. */
export function leaveOtherToRemove(core: Core, leader: LeaderState): void {
  if (leader.ownRemovalIndex > 0) startTransfer(core, leader, nextLeader(core, leader));
}

/** The other voter that has most of the log, of those that were heard of late if any was; nobody where there is no other. */
function nextLeader(core: Core, { progress }: LeaderState): MemberId {
  const others = core.conf.voters.filter((id) => id !== core.id);
  const heard = others.filter((id) => progress.get(id)?.isHeard);
  const match = (id: MemberId) => progress.get(id)?.match ?? 0;
  return (heard.length > 0 ? heard : others).reduce(
    (best, id) => (best === nobody || match(id) > match(best) ? id : best),
    nobody,
  );
}
