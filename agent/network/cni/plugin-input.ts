import { isAtLeast } from "./cni-versions.ts";
import type { JsonObject, PluginConfig } from "./network-list.ts";

export type CniCommand = "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION";

/** A pod's interface that a network makes. */
export interface CniAttachment {
  readonly containerId: string;
  readonly ifName: string;
}

/** What the specification has in a plugin's environment. */
export interface PluginWords {
  readonly command: CniCommand;
  /** Where plugins are: they run others. */
  readonly binDirs: readonly string[];
  readonly attachment?: CniAttachment;
  /** Empty where the namespace is gone. */
  readonly netnsPath?: string;
  readonly args?: readonly (readonly [name: string, value: string])[];
}

/** Where plugins find the system's programs: iptables, for one. */
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A plugin's whole environment: nothing of the agent's own is in it. Throws where a value would be read as two. Pure. */
export function pluginEnvironment(words: PluginWords): Record<string, string> {
  const { command, binDirs, attachment, netnsPath = "", args = [] } = words;
  const environment: Record<string, string> = {
    PATH: systemPath,
    CNI_COMMAND: command,
    CNI_PATH: binDirs.join(":"),
  };
  if (attachment !== undefined) {
    environment.CNI_CONTAINERID = plain("CNI_CONTAINERID", attachment.containerId);
    environment.CNI_IFNAME = plain("CNI_IFNAME", attachment.ifName);
    environment.CNI_NETNS = plain("CNI_NETNS", netnsPath);
    environment.CNI_ARGS = args.map(([name, value]) => `${name}=${plain(name, value)}`).join(";");
  }
  return environment;
}

function plain(name: string, value: string): string {
  if (/[;=\s\0]/.test(value)) throw new Error(`${name} ${JSON.stringify(value)} cannot be told to a plugin`);
  return value;
}

/** What a plugin is told beside its own configuration. */
export interface PluginNews {
  /** What the plugin before it answered; or, later, what the last one did. */
  readonly prevResult?: JsonObject | undefined;
  /** By the capability that asks for it. */
  readonly capabilityArgs?: JsonObject;
  /** All that may still be there (GC). */
  readonly validAttachments?: readonly CniAttachment[];
}

/** A plugin's standard input. Pure. */
export function pluginInput(
  { written, capabilities }: PluginConfig,
  network: { readonly name: string; readonly version: string },
  { prevResult, capabilityArgs = {}, validAttachments }: PluginNews = {},
): string {
  const { prevResult: _, ...own } = written;
  const wanted = Object.entries(capabilityArgs).filter(([name]) => capabilities.includes(name));
  return JSON.stringify({
    ...own,
    name: network.name,
    cniVersion: network.version,
    ...(wanted.length > 0 && { runtimeConfig: Object.fromEntries(wanted) }),
    ...(prevResult !== undefined && isAtLeast(network.version, "0.3.0") && { prevResult }),
    ...(validAttachments !== undefined && {
      "cni.dev/valid-attachments": validAttachments.map(({ containerId, ifName }) => ({
        containerID: containerId,
        ifname: ifName,
      })),
    }),
  });
}
