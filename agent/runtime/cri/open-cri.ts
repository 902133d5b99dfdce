import { UsageError } from "../../../base/os/flags.ts";
import { describeError } from "../../../base/os/log.ts";
import type { Os } from "../../../base/os/os.ts";
import type { PodNetwork } from "../../network-seam.ts";
import { type LogRotation, usualLogRotation } from "../log-files.ts";
import { findCgroups } from "../oci/cgroups.ts";
import { textOf } from "./answers.ts";
import {
  type ImageClient,
  isUnknownCall,
  openImageClient,
  openRuntimeClient,
  type RuntimeClient,
} from "./cri-client.ts";
import { type CriChoice, socketOf } from "./endpoint.ts";
import type { StatusResponse } from "./messages.ts";
import { type PodGroups, podGroups } from "./pod-groups.ts";
import { CriRuntime } from "./runtime.ts";

/** A way to run containers that the runtime offers, and what it can. */
export interface CriHandler {
  readonly name: string;
  readonly recursiveReadOnlyMounts: boolean;
  readonly userNamespaces: boolean;
}

/** A container runtime that answers. */
export interface FoundCri {
  readonly client: RuntimeClient;
  readonly images: ImageClient;
  /** The scheme of container ids: `containerd`. */
  readonly scheme: string;
  /** `containerd://1.7.2`. */
  readonly description: string;
  readonly nodeName: string;
  /** The first is the usual one, of which the name is empty. */
  readonly handlers: readonly CriHandler[];
  /** `Strict` is honoured. */
  readonly supplementalGroupsPolicy: boolean;
  readonly cni: { readonly confDir: string; readonly binDir: string };
  readonly groups: PodGroups;
  /** It knows devices of the Container Device Interface. */
  readonly cdi: boolean;
}

const defaultCni = { confDir: "/etc/cni/net.d", binDir: "/opt/cni/bin" } as const;

/** Asks the runtime what it is and can. Throws UsageError where nothing answers there that speaks CRI v1. */
export async function findCri(choice: CriChoice, os: Pick<Os, "clock" | "random">): Promise<FoundCri> {
  if (process.getuid?.() !== 0)
    throw new UsageError("--container-runtime-endpoint: a container runtime needs the agent to be root");
  const client = openRuntimeClient(socketOf("container-runtime-endpoint", choice.endpoint), os);
  const images = openImageClient(
    socketOf("image-service-endpoint", choice.imageEndpoint ?? choice.endpoint),
    os,
  );
  try {
    const { runtimeName, runtimeVersion, runtimeApiVersion } = await client.ask("Version", {});
    if (runtimeApiVersion !== "v1")
      throw new Error(
        `it speaks version ${JSON.stringify(runtimeApiVersion.slice(0, 40))} of the CRI, not v1`,
      );
    await images.ask("ImageFsInfo", {});
    const status = await client.ask("Status", { verbose: true });
    const told = configOf(status);
    const scheme = /^[a-z][a-z0-9.+-]{0,62}$/.test(runtimeName) ? runtimeName : "cri";
    return {
      client,
      images,
      scheme,
      description: `${scheme}://${runtimeVersion.replace(/[^\w.+~:-]/g, "").slice(0, 100)}`,
      nodeName: choice.nodeName,
      handlers: handlersOf(status, told.runtimes),
      supplementalGroupsPolicy: status.features?.supplementalGroupsPolicy ?? false,
      cni: {
        confDir: choice.cniConfDir ?? told.confDir ?? defaultCni.confDir,
        binDir: choice.cniBinDir ?? told.binDir ?? defaultCni.binDir,
      },
      // Containerd says so from release 1.7 on; before, it passes over what it does not know.
      cdi: scheme !== "containerd" || told.cdi,
      groups: podGroups(choice.nodeName, await driverOf(client, told.isSystemd), await findCgroups()),
    };
  } catch (error) {
    client.close();
    images.close();
    throw new UsageError(`--container-runtime-endpoint: ${choice.endpoint}: ${describeError(error)}`);
  }
}

export interface CriOpening {
  readonly rootDir: string;
  readonly found: FoundCri;
  /** Absent: as usual. */
  readonly logs?: LogRotation;
}

export function openCriRuntime(
  { rootDir, found, logs = usualLogRotation }: CriOpening,
  { network, os }: { readonly network: PodNetwork; readonly os: Os },
): Promise<CriRuntime> {
  const { client, groups, nodeName, description, cni, cdi } = found;
  return CriRuntime.open({ rootDir, nodeName, description, cni, cdi, logs }, { client, groups, network, os });
}

/** What containerd tells of its configuration; nothing where it is another runtime's, or has another form. Pure. */
export function configOf({ info }: Pick<StatusResponse, "info">): {
  readonly confDir?: string;
  readonly binDir?: string;
  readonly isSystemd?: boolean;
  readonly cdi: boolean;
  readonly runtimes: readonly string[];
} {
  const text = textOf(info, "config");
  let config: unknown;
  try {
    config = text === undefined ? undefined : JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const cni = within(config, "cni");
  // Release 2 has several folders; a plugin is found in any.
  const dirs = within(cni, "binDirs");
  const [confDir, binDir] = [within(cni, "confDir"), Array.isArray(dirs) ? dirs[0] : within(cni, "binDir")];
  const containerd = within(config, "containerd");
  const usual = within(containerd, "defaultRuntimeName");
  const runtimes = within(containerd, "runtimes");
  const options = within(within(runtimes, String(usual)), "options");
  const isSystemd = within(options, "SystemdCgroup");
  return {
    ...(isPath(confDir) && { confDir }),
    ...(isPath(binDir) && { binDir }),
    ...(typeof isSystemd === "boolean" && { isSystemd }),
    cdi: within(config, "enableCDI") === true,
    runtimes: typeof runtimes === "object" && runtimes !== null ? Object.keys(runtimes) : [],
  };
}

const isPath = (value: unknown): value is string =>
  typeof value === "string" && /^\/[^\0\n]{0,254}$/.test(value);

function within(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

const handlersMost = 100;

/** What the runtime names itself; one that names none (of CRI before Kubernetes 1.30) has those of its configuration. */
function handlersOf(status: StatusResponse, configured: readonly string[]): readonly CriHandler[] {
  const named = status.runtimeHandlers.map(({ name, features }) => ({
    name,
    recursiveReadOnlyMounts: features?.recursiveReadOnlyMounts ?? false,
    userNamespaces: features?.userNamespaces ?? false,
  }));
  const plain = (name: string) => ({ name, recursiveReadOnlyMounts: false, userNamespaces: false });
  const all = named.length > 0 ? named : configured.map(plain);
  const usual = all.find(({ name }) => name === "") ?? plain("");
  const others = all.filter(({ name }) => /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name));
  return [usual, ...others].slice(0, handlersMost);
}

async function driverOf(
  client: RuntimeClient,
  isSystemd: boolean | undefined,
): Promise<"cgroupfs" | "systemd"> {
  try {
    const { linux } = await client.ask("RuntimeConfig", {});
    return linux?.cgroupDriver === "SYSTEMD" ? "systemd" : "cgroupfs";
  } catch (error) {
    if (!isUnknownCall(error)) throw error;
    return isSystemd ? "systemd" : "cgroupfs";
  }
}
