import type { SandboxConfig } from "../seam.ts";

/** /etc/hosts as the kubelet writes it; in the node's network the node's own follows the marker. Pure. */
export function hostsFile(config: SandboxConfig, podIps: readonly string[], nodeHosts: string): string {
  const aliases = config.hostAliases.map(({ ip, hostnames }) => `${ip}\t${hostnames.join("\t")}\n`);
  const added = aliases.length === 0 ? "" : `\n# Entries added by HostAliases.\n${aliases.join("")}`;
  if (config.hostNetwork) return `# Kubernetes-managed hosts file (host network).\n${nodeHosts}${added}`;
  const own = podIps.map((ip) => `${ip}\t${config.hostNames.join("\t")}\n`);
  return `${fixedLines.join("\n")}\n${own.join("")}${added}`;
}

const fixedLines = [
  "# Kubernetes-managed hosts file.",
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::0\tip6-localnet",
  "fe00::0\tip6-mcastprefix",
  "fe00::1\tip6-allnodes",
  "fe00::2\tip6-allrouters",
];
