import type { Log } from "../../base/os/log.ts";
import { type IpFamily, ipFamilies } from "./ip-family.ts";
import { hasProgram, runProgram } from "./programs.ts";
import type { ServicePort } from "./service-plan.ts";
import { type Flow, parseFlows, staleUdpFlows } from "./udp-flows.ts";
import { EndpointChanges, flowsTo } from "./waiting-flows.ts";

/** Makes the kernel forget flows to endpoints that are gone. */
export interface FlowCleaner {
  /** @param ports What the kernel's rules say by now. */
  clean(ports: readonly ServicePort[]): Promise<void>;
}

/** With the program `conntrack`. */
export async function openFlowCleaner(log: Log, family: IpFamily = ipFamilies[4]): Promise<FlowCleaner> {
  const cleaners = [await openUdpFlowCleaner(log, family), openWaitingFlowCleaner(log, family)];
  return {
    async clean(ports) {
      for (const one of cleaners) await one.clean(ports);
    },
  };
}

/** Where `conntrack` is not installed, says so once there are UDP Services, and does nothing. */
async function openUdpFlowCleaner(log: Log, family: IpFamily): Promise<FlowCleaner> {
  const installed = await hasProgram("conntrack");
  let last = "";
  let warned = false;
  return {
    async clean(ports) {
      const udp = ports.filter(({ protocol }) => protocol === "udp");
      // Only what decides which flows are stale: most changes have no part in it.
      const now = JSON.stringify(udp.map(({ service: _, ...port }) => port));
      if (udp.length === 0 || now === last) return;
      if (!installed) {
        if (!warned)
          log.warn(
            "conntrack is not installed: clients of UDP Services may go on sending to endpoints that left",
          );
        warned = true;
        return;
      }
      const listing = await runProgram("conntrack", ["-L", "-f", family.conntrack, "-p", "udp"]);
      for (const flow of staleUdpFlows(parseFlows("udp", listing), udp))
        await deleteFlows(["-D", "-f", family.conntrack, "-p", "udp", ...whichAre(flow)]);
      last = now;
    },
  };
}

/** Of TCP, those that nobody has answered yet: a client's next try, or a later client from the same port, would follow the kernel's
 *  memory to who is gone. What is answered already goes on. */
function openWaitingFlowCleaner(log: Log, family: IpFamily): FlowCleaner {
  const changes = new EndpointChanges();
  const isWaiting = ["-f", family.conntrack, "-p", "tcp", "--state", "SYN_SENT"];
  let installed: Promise<boolean> | undefined;
  return {
    async clean(ports) {
      const gone = changes.goneSince(ports);
      if (gone.size === 0) return;
      installed ??= hasProgram("conntrack").then((isThere) => {
        if (!isThere)
          log.warn("conntrack is not installed: who begins to talk to an endpoint that left waits in vain");
        return isThere;
      });
      if (!(await installed)) return;
      const listing = await runProgram("conntrack", ["-L", ...isWaiting]);
      for (const flow of flowsTo(gone, parseFlows("tcp", listing)))
        await deleteFlows(["-D", ...isWaiting, ...whichAre(flow)]);
    },
  };
}

/** What makes the kernel forget all connections from and to an address. Where `conntrack` is not installed, says so once it is
 *  wanted. */
export function openFlowForgetter(
  log: Log,
  { conntrack }: IpFamily = ipFamilies[4],
): (address: string) => Promise<void> {
  let installed: Promise<boolean> | undefined;
  return async (address) => {
    installed ??= hasProgram("conntrack").then((isThere) => {
      if (!isThere)
        log.warn("conntrack is not installed: a pod may get packets of who talked to its address before it");
      return isThere;
    });
    if (!(await installed)) return;
    for (const side of ["--orig-src", "--reply-src"])
      await deleteFlows(["-D", "-f", conntrack, side, address]);
  };
}

const whichAre = ({ to, toPort, from, fromPort }: Flow): readonly string[] => [
  ...["--orig-dst", to, "--orig-port-dst", `${toPort}`],
  ...["--reply-src", from, "--reply-port-src", `${fromPort}`],
];

async function deleteFlows(args: readonly string[]): Promise<void> {
  try {
    await runProgram("conntrack", args);
  } catch (error) {
    // Over by itself meanwhile: that is what was wanted.
    if (!(error instanceof Error && /\b0 flow entries have been deleted/.test(error.message))) throw error;
  }
}
