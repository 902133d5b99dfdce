import type { Pod } from "../../client/types.ts";

/** Sysctls that belong to a pod's namespaces and do no other pod harm, as the kubelet's list of release 1.36. */
const safeSysctls: readonly string[] = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_wmem",
];

const wellFormed = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;

/** Why a pod's sysctls are refused; undefined when they are fine. `allowed` are names or prefixes ending in `*` that this
 *  node's owner allows beside the safe ones. Pure. */
export function forbiddenSysctl(pod: Pod, allowed: readonly string[]): string | undefined {
  for (const { name } of pod.spec.securityContext?.sysctls ?? []) {
    const problem = problemOf(normalized(name), pod, allowed);
    if (problem !== undefined) return `forbidden sysctl: ${JSON.stringify(normalized(name))} ${problem}`;
  }
  return undefined;
}

function problemOf(name: string, { spec }: Pod, allowed: readonly string[]): string | undefined {
  const listed = [...safeSysctls, ...allowed.map(normalized)].some((pattern) =>
    pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
  const namespace = namespaceOf(name);
  if (!listed || !wellFormed.test(name) || namespace === undefined) return "not allowlisted";
  if (namespace === "Net" && spec.hostNetwork) return "not allowed with host Net enabled";
  if (namespace === "IPC" && spec.hostIPC) return "not allowed with host IPC enabled";
  return undefined;
}

/** Which namespace a sysctl (or a prefix) belongs to; undefined for one of the whole machine. */
export function namespaceOf(name: string): "IPC" | "Net" | undefined {
  if (name.startsWith("net.")) return "Net";
  if (/^(kernel\.(shm|msg)[^.]*|kernel\.sem|fs\.mqueue\..*)$/.test(name)) return "IPC";
  return undefined;
}

/** A name may be written with slashes, dots then standing for themselves: `net/ipv4/conf/eth0.1/arp_filter`. */
export function normalized(name: string): string {
  const first = /[./]/.exec(name)?.[0];
  if (first !== "/") return name;
  return name.replace(/[./]/g, (one) => (one === "/" ? "." : "/"));
}
