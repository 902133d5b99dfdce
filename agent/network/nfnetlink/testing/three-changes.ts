/** Run in a network namespace by kernel.test.ts: three changes of a table, each of which says whether nft shows it; with `kill`
 *  the helper is killed while it has the second, with `stop` it never answers that. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createLog } from "../../../../base/os/log.ts";
import { ipFamilies } from "../../ip-family.ts";
import { LiveRuleset } from "../../live-ruleset.ts";
import { openLiveApplier } from "../../nft-applier.ts";
import { nft } from "../../nft-text.ts";
import { openNftSocket } from "../nft-socket.ts";

const [, , spoil] = process.argv;
const warnings: string[] = [];
const socket = openNftSocket(createLog({ format: "text", write: (line) => warnings.push(line) }), {
  answerMs: spoil === "stop" ? 3_000 : 60_000,
});
const live = new LiveRuleset({});
live.addSet("s", nft`type ipv4_addr;`, { key: ["address4"] });
const applier = openLiveApplier("t", live, ipFamilies[4], socket);

/** Processes of this one that run the helper. */
function helpers(): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [, , , parent] = readFileSync(`/proc/${pid}/stat`, "latin1").split(" ");
        return (
          parent === `${process.pid}` && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("netlink.pl")
        );
      } catch {
        return false; // it is gone
      }
    })
    .map(Number);
}

for (const n of [1, 2, 3]) {
  live.addElement("s", nft`${`10.0.0.${n}`}`);
  const spoilt = n === 2 && spoil !== undefined ? helpers() : [];
  for (const pid of spoilt) process.kill(pid, "SIGSTOP");
  const flushed = applier.flush().catch(() => undefined);
  if (spoil === "kill") for (const pid of spoilt) process.kill(pid, "SIGKILL");
  await flushed;
  const isThere = execFileSync("nft", ["list", "table", "ip", "t"]).includes(`10.0.0.${n}`);
  process.stdout.write(`${JSON.stringify({ isThere, warnings })}\n`);
}
socket.close();
