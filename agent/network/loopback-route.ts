import { writeFile } from "node:fs/promises";
import { runProgram } from "./programs.ts";

/** Lets what the node sends from 127.0.0.1 leave by the link behind which a pod is, translated on its way. The kernel then takes
 *  such addresses from that link, too: whoever calls this fences it first. */
export async function routeLoopbackTo(podIp: string): Promise<void> {
  const [route] = JSON.parse(await runProgram("ip", ["-json", "-4", "route", "get", podIp])) as {
    dev?: string;
  }[];
  const link = route?.dev ?? "";
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/.test(link)) throw new Error(`no link leads to ${podIp}`);
  await writeFile(`/proc/sys/net/ipv4/conf/${link}/route_localnet`, "1");
}
