import { constants } from "node:fs";
import { open, readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Clock, sleep } from "../../base/os/clock.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import { describeError } from "../../base/os/log.ts";
import { runCommand } from "../runtime/supervised/run-command.ts";
import { ConfigError } from "../sync/environment.ts";
import { type ChapSecret, IscsiAdmin, NoIscsiadm } from "./iscsi-admin.ts";
import { type DevicePlaces, disksOfUnit, hasIscsi, hostsOfPortals, multipathOf } from "./iscsi-sessions.ts";
import { type IscsiSource, ifaceOf } from "./remote-source.ts";

/** The kubelet's. */
export const attachLimits = {
  /** A device appears so long after its unit was looked for. */
  deviceMs: 30_000,
  /** And the one that stands for several paths. */
  multipathMs: 10_000,
  lookMs: 1_000,
  /** So often all portals are tried, and at least so often where not all of them answer. */
  attempts: { most: 5, least: 2 },
  /** Paths that are enough. */
  pathsLeast: 2,
} as const;

export interface AttachDeps {
  readonly places: DevicePlaces;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Logs in to a target over all of its portals, and answers the device of its unit: the one that stands for all paths, where
 *  there is one. Rejects with ConfigError where no portal leads to it. What is attached already stays. */
export async function attachIscsi(
  source: IscsiSource,
  secret: ChapSecret,
  deps: AttachDeps,
): Promise<string> {
  const { places, signal } = deps;
  const { iqn, portals, baseIface, initiatorName } = source;
  const admin = new IscsiAdmin(signal);
  const transport = await admin.transportOf(baseIface);
  if (initiatorName !== undefined) await admin.cloneIface(source);
  const devices = new Map<string, string>();
  const problems: string[] = [];
  const attempts = attachLimits.attempts;
  for (let attempt = 1; attempt <= attempts.most && devices.size < portals.length; attempt++) {
    if (devices.size >= attachLimits.pathsLeast && attempt > attempts.least) break;
    for (const portal of portals) {
      if (devices.has(portal)) continue;
      try {
        const known = (await hostsOfPortals(iqn, places)).get(portal);
        if (known === undefined) await admin.login(portal, source, secret);
        const host = known ?? (await hostsOfPortals(iqn, places)).get(portal);
        if (host === undefined)
          throw new ConfigError(`could not get SCSI host number for portal ${portal} after logging in`);
        devices.set(portal, await deviceOf(portal, source, { ...deps, host, transport }));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        problems.push(error.message);
      }
    }
    if (devices.size === 0) {
      if (initiatorName !== undefined) await admin.removeIface(ifaceOf(source));
      const hint = (await hasIscsi(places)) ? "" : "; the kernel has no iSCSI loaded (modprobe iscsi_tcp)";
      throw new ConfigError(
        `failed to get any path for iscsi disk, last err seen: ${problems.at(-1)}${hint}`,
      );
    }
  }
  return (await multipathAmong([...devices.values()], portals.length > 1, deps)) ?? firstOf(devices);
}

const firstOf = (devices: ReadonlyMap<string, string>): string => [...devices.values()][0] ?? "";

/** Has the kernel look for one unit alone, and waits for its device. */
async function deviceOf(
  portal: string,
  { iqn, lun }: IscsiSource,
  {
    places,
    clock,
    signal,
    host,
    transport,
  }: AttachDeps & { readonly host: number; readonly transport: string },
): Promise<string> {
  await writeFile(join(places.sys, "class/scsi_host", `host${host}`, "scan"), `0 0 ${lun}`).catch(
    (error: unknown) => {
      throw new ConfigError(`cannot have host ${host} look for unit ${lun}: ${describeError(error)}`);
    },
  );
  const tail = `ip-${portal.replace(/[[\]]/g, "")}-iscsi-${iqn}-lun-${lun}`;
  const folder = join(places.dev, "disk/by-path");
  const isIt = (name: string) =>
    transport === "tcp" ? name === tail : name.startsWith("pci-") && name.endsWith(`-${tail}`);
  const giveUpMs = clock.monotonicMs() + attachLimits.deviceMs;
  for (;;) {
    const found = ((await ifPresent(readdir(folder))) ?? []).sort().find(isIt);
    if (found !== undefined) return join(folder, found);
    if (clock.monotonicMs() >= giveUpMs)
      throw new ConfigError(
        `Timed out waiting for device at path ${join(folder, tail)} after ${attachLimits.deviceMs / 1000}s`,
      );
    await sleep(clock, attachLimits.lookMs, signal);
  }
}

/** With one portal only what is there counts. */
async function multipathAmong(
  devices: readonly string[],
  isWaitedFor: boolean,
  { places, clock, signal }: AttachDeps,
): Promise<string | undefined> {
  const giveUpMs = clock.monotonicMs() + (isWaitedFor ? attachLimits.multipathMs : 0);
  for (;;) {
    for (const device of devices) {
      const found = await multipathOf(device, places);
      if (found !== undefined) return found;
    }
    if (clock.monotonicMs() >= giveUpMs) return undefined;
    await sleep(clock, attachLimits.lookMs, signal);
  }
}

/** Has the kernel forget a unit, and ends the sessions of its target where nothing else of it is used. Rejects with ConfigError. */
export async function detachIscsi(source: IscsiSource, isLast: boolean, places: DevicePlaces): Promise<void> {
  const disks = await disksOfUnit(source, places);
  const multipaths = new Set<string>();
  for (const disk of disks) {
    const found = await multipathOf(join(places.dev, disk), places);
    if (found !== undefined) multipaths.add(found);
  }
  for (const device of multipaths) await runCommand(["multipath", "-f", device]).catch(() => undefined); // the session's end takes the disks with it
  for (const disk of disks) {
    // Nobody but who writes it may open it.
    const file = await ifPresent(
      open(join(places.sys, "block", basename(disk), "device/delete"), constants.O_WRONLY),
    );
    await file?.writeFile("1").finally(() => file.close());
  }
  if (!isLast) return;
  const hasSessions = (await hostsOfPortals(source.iqn, places)).size > 0;
  await new IscsiAdmin().logout(source).catch((error: unknown) => {
    // Where there is nothing to end, a pod does not wait for who would end it.
    if (hasSessions || !(error instanceof NoIscsiadm)) throw error;
  });
}

/** What a target's units have in common. */
export const targetOf = ({ portals, iqn }: IscsiSource): string => `${portals[0]}-${iqn}`;

/** Where a disk is mounted for all pods that have it, below the folder of plugins; kubelets have the same names. */
export const sharedFolder = (pluginsDir: string, source: IscsiSource): string =>
  join(
    pluginsDir,
    "kubernetes.io/iscsi",
    `iface-${ifaceOf(source)}`,
    `${targetOf(source)}-lun-${source.lun}`,
  );
