import { isIPv4 } from "node:net";
import type { PodAddress } from "../../network-seam.ts";

/** What a container runtime asks of its network plugin (CNI 1.1), as far as the agent needs it. */
export type CniRequest =
  | {
      readonly command: "ADD" | "CHECK";
      readonly sandboxId: string;
      readonly netnsPath: string;
      readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
    }
  | { readonly command: "DEL"; readonly sandboxId: string }
  | { readonly command: "STATUS" | "GC" };

/** The one interface that a pod has. */
const interfaceName = "eth0";

/** Reads what the plugin passes on: the words of CNI, a NUL between two. A text is why it is refused. Pure. */
export function cniRequest(line: string): CniRequest | string {
  const [command = "", sandboxId = "", netnsPath = "", name = "", args = ""] = line.split("\0");
  if (command === "STATUS" || command === "GC") return { command };
  // Written into a batch of ip's: no more than names are made of.
  if (!/^[A-Za-z0-9][\w.-]{0,127}$/.test(sandboxId)) return "CNI_CONTAINERID is no container's id";
  if (command === "DEL") return { command, sandboxId };
  if (command !== "ADD" && command !== "CHECK")
    return "CNI_COMMAND is none of ADD, DEL, CHECK, STATUS and GC";
  if (!/^\/[\w./-]{1,254}$/.test(netnsPath) || netnsPath.split("/").includes(".."))
    return "CNI_NETNS is no path of a network namespace";
  if (name !== interfaceName) return `CNI_IFNAME is not ${interfaceName}`;
  const given = new Map(
    args.split(";").map((pair) => [pair.split("=")[0] ?? "", pair.slice(pair.indexOf("=") + 1)] as const),
  );
  const pod = {
    namespace: given.get("K8S_POD_NAMESPACE") ?? "",
    name: given.get("K8S_POD_NAME") ?? "",
    uid: given.get("K8S_POD_UID") ?? "",
  };
  return { command, sandboxId, netnsPath, pod };
}

/** What an ADD answers (CNI 1.0). Pure. */
export function cniResult(netnsPath: string, { podIp, secondIp, gateway }: PodAddress): string {
  const whole = (ip: string) => `${ip}/${isIPv4(ip) ? 32 : 128}`;
  const gateways = gateway === "" ? {} : { gateway };
  return JSON.stringify({
    cniVersion: "1.0.0",
    interfaces: [{ name: interfaceName, sandbox: netnsPath }],
    ips: [
      { address: whole(podIp), ...gateways, interface: 0 },
      ...(secondIp === undefined ? [] : [{ address: whole(secondIp), interface: 0 }]),
    ],
    routes: gateway === "" ? [] : [{ dst: isIPv4(podIp) ? "0.0.0.0/0" : "::/0", gw: gateway }],
    dns: {},
  });
}

export const cniFailure = (message: string): string =>
  JSON.stringify({ cniVersion: "1.0.0", code: 100, msg: message });
