import { lstat, readdir, readFile, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";

/** Where the kernel shows what it has. */
export interface DevicePlaces {
  /** `/sys` */
  readonly sys: string;
  /** `/dev` */
  readonly dev: string;
}

export const hostDevices: DevicePlaces = { sys: "/sys", dev: "/dev" };

interface Session {
  readonly host: number;
  readonly folder: string;
  readonly iqn: string;
}

/** The kernel is able to talk iSCSI. */
export const hasIscsi = async ({ sys }: DevicePlaces): Promise<boolean> =>
  (await ifPresent(readdir(join(sys, "class/iscsi_transport")))) !== undefined;

async function sessions({ sys }: DevicePlaces): Promise<readonly Session[]> {
  const hosts = join(sys, "class/iscsi_host");
  const found: Session[] = [];
  for (const name of (await ifPresent(readdir(hosts))) ?? []) {
    const host = /^host(\d{1,9})$/.exec(name)?.[1];
    if (host === undefined) continue;
    const device = join(hosts, name, "device");
    for (const session of (await ifPresent(readdir(device))) ?? []) {
      if (!/^session\d+$/.test(session)) continue;
      const folder = join(device, session);
      // One that ends meanwhile has no name any more.
      const iqn = await ifPresent(readFile(join(folder, "iscsi_session", session, "targetname"), "utf8"));
      if (iqn !== undefined) found.push({ host: Number(host), folder, iqn: iqn.trim() });
    }
  }
  return found;
}

/** The SCSI hosts by which a target's portals are logged in to. */
export async function hostsOfPortals(
  iqn: string,
  places: DevicePlaces,
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (const { host, folder, iqn: own } of await sessions(places)) {
    if (own !== iqn) continue;
    for (const name of (await ifPresent(readdir(folder))) ?? []) {
      if (!name.startsWith("connection")) continue;
      const connection = join(folder, name, "iscsi_connection", name);
      const read = async (file: string) =>
        (await ifPresent(readFile(join(connection, file), "utf8")))?.trim();
      for (const kind of ["", "persistent_"]) {
        const [address, port] = [await read(`${kind}address`), await read(`${kind}port`)];
        if (address !== undefined && port !== undefined)
          found.set(address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`, host);
      }
    }
  }
  return found;
}

/** Names of the disks that a unit of a target is, one a path: `sdb`. */
export async function disksOfUnit(
  { iqn, lun }: { readonly iqn: string; readonly lun: number },
  places: DevicePlaces,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { folder, iqn: own } of await sessions(places)) {
    if (own !== iqn) continue;
    for (const target of (await ifPresent(readdir(folder))) ?? []) {
      if (!target.startsWith("target")) continue;
      for (const unit of (await ifPresent(readdir(join(folder, target)))) ?? []) {
        // host:channel:target:lun
        if (!/^\d+:\d+:\d+:\d+$/.test(unit) || Number(unit.split(":")[3]) !== lun) continue;
        found.push(...((await ifPresent(readdir(join(folder, target, unit, "block")))) ?? []));
      }
    }
  }
  return found;
}

/** The device that stands for a disk and its other paths, where there is one. */
export async function multipathOf(device: string, { sys, dev }: DevicePlaces): Promise<string | undefined> {
  const disk = basename((await ifPresent(realpath(device))) ?? device);
  if (disk.startsWith("dm-")) return join(dev, disk);
  const block = join(sys, "block");
  for (const name of (await ifPresent(readdir(block))) ?? [])
    if (name.startsWith("dm-") && (await ifPresent(lstat(join(block, name, "slaves", disk)))) !== undefined)
      return join(dev, name);
  return undefined;
}
