import type { Log } from "../../base/os/log.ts";
import { type IpFamily, ipFamilies } from "./ip-family.ts";
import { hasProgram, runProgram } from "./programs.ts";
import type { ServicePort } from "./service-plan.ts";
import { parseUdpFlows, staleUdpFlows } from "./udp-flows.ts";

/** Makes the kernel forget UDP flows to endpoints that are gone. */
export interface UdpFlowCleaner {
  clean(ports: readonly ServicePort[]): Promise<void>;
}

/** With the program `conntrack`; where it is not installed, says so once there are UDP Services, and does nothing. */
export async function openUdpFlowCleaner(
  log: Log,
  family: IpFamily = ipFamilies[4],
): Promise<UdpFlowCleaner> {
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
      for (const flow of staleUdpFlows(parseUdpFlows(listing), udp)) await forget(flow, family);
      last = now;
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

async function forget(
  { to, toPort, from, fromPort }: ReturnType<typeof parseUdpFlows>[number],
  { conntrack }: IpFamily,
): Promise<void> {
  const where = ["--orig-dst", to, "--orig-port-dst", `${toPort}`, "--reply-src", from, "--reply-port-src"];
  await deleteFlows(["-D", "-f", conntrack, "-p", "udp", ...where, `${fromPort}`]);
}

async function deleteFlows(args: readonly string[]): Promise<void> {
  try {
    await runProgram("conntrack", args);
  } catch (error) {
    // Over by itself meanwhile: that is what was wanted.
    if (!(error instanceof Error && /\b0 flow entries have been deleted/.test(error.message))) throw error;
  }
}
