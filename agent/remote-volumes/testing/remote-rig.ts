import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Clock } from "../../../base/os/clock.ts";
import { systemClock } from "../../../base/os/clock.ts";
import type { Pod } from "../../../client/types.ts";
import { mustRun } from "../../runtime/supervised/run-command.ts";
import { removeMounts } from "../../volumes/sub-paths.ts";
import { RemoteVolumes } from "../remote-volumes.ts";

export const iqn = "iqn.2001-04.com.example:storage";

/** Stands in for the host's programs, and for what its kernel shows of iSCSI. */
export class RemoteRig {
  readonly dir: string;
  readonly #path = process.env.PATH ?? "";
  readonly #loops: string[] = [];
  secrets: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
  clock: Clock = systemClock;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async open(): Promise<RemoteRig> {
    const rig = new RemoteRig(await mkdtemp(join(tmpdir(), "pintle-remote-")));
    for (const name of [
      "bin",
      "helpers",
      "pods",
      "sys/class/iscsi_transport",
      "sys/block",
      "dev/disk/by-path",
      "fails",
    ])
      await mkdir(join(rig.dir, name), { recursive: true });
    await rig.program("helpers/mount.nfs", "exit 1");
    await writeFile(join(rig.dir, "filesystems"), "nodev\ttmpfs\nnodev\tnfs4\n");
    await rig.program("bin/mount", mountScript);
    await rig.program("bin/iscsiadm", iscsiadmScript);
    process.env.PATH = `${join(rig.dir, "bin")}:${process.env.PATH}`;
    return rig;
  }

  async program(path: string, script: string): Promise<void> {
    const file = join(this.dir, path);
    await writeFile(file, `#!/bin/sh\nrig='${this.dir}'\n${script}\n`);
    await chmod(file, 0o755);
  }

  /** As another agent would find it. */
  volumes(): RemoteVolumes {
    return new RemoteVolumes({
      podsDir: join(this.dir, "pods"),
      pluginsDir: join(this.dir, "plugins"),
      tools: {
        helperFolders: [join(this.dir, "helpers")],
        filesystemsFile: join(this.dir, "filesystems"),
      },
      places: { sys: join(this.dir, "sys"), dev: join(this.dir, "dev") },
      clock: this.clock,
      client: {
        get: async (_: unknown, { name }: { name: string }) => ({
          metadata: { name },
          data: Object.fromEntries(
            Object.entries(this.secrets[name] ?? {}).map(([key, text]) => [
              key,
              Buffer.from(text).toString("base64"),
            ]),
          ),
        }),
      } as never,
    });
  }

  pod(uid: string, more: Partial<Pod["spec"]> = {}): Pod {
    return {
      metadata: { name: uid, namespace: "shop", uid },
      spec: { containers: [], ...more },
    } as unknown as Pod;
  }

  /** What programs were called with, one call a line. */
  async calls(): Promise<readonly string[]> {
    const text = await readFile(join(this.dir, "calls"), "utf8").catch(() => "");
    await rm(join(this.dir, "calls"), { force: true });
    return text.split("\n").filter((line) => line !== "");
  }

  /** From now on that portal does not answer; or it does again. */
  async cut(portal: string, isCut = true): Promise<void> {
    const file = join(this.dir, "fails", portal);
    if (isCut) await writeFile(file, "");
    else await rm(file, { force: true });
  }

  /** A disk of this size, which logging in to `iqn` shows as its unit. */
  async disk(
    lun: number,
    portals: readonly string[],
    { dm }: { readonly dm?: string } = {},
  ): Promise<string> {
    const file = join(this.dir, `disk-${lun}`);
    await writeFile(file, "");
    await mustRun(["truncate", "-s", "16M", file]);
    const device = (await mustRun(["losetup", "--find", "--show", file])).trim();
    this.#loops.push(device);
    const name = basename(device);
    for (const portal of portals) {
      const link = `ip-${portal}-iscsi-${iqn}-lun-${lun}`;
      await writeFile(join(this.dir, "units"), `${portal} ${link} ${device} ${lun}\n`, { flag: "a" });
    }
    await mkdir(join(this.dir, "sys/block", name, "device"), { recursive: true });
    await writeFile(join(this.dir, "sys/block", name, "device/delete"), "");
    if (dm !== undefined) {
      await mkdir(join(this.dir, "sys/block", dm, "slaves", name), { recursive: true });
      await symlink(device, join(this.dir, "dev", dm));
    }
    return device;
  }

  async deleted(device: string): Promise<boolean> {
    return (await readFile(join(this.dir, "sys/block", basename(device), "device/delete"), "utf8")) === "1";
  }

  async close(): Promise<void> {
    process.env.PATH = this.#path;
    await removeMounts(this.dir);
    for (const device of this.#loops) await mustRun(["losetup", "--detach", device]);
    await rm(this.dir, { recursive: true, force: true });
  }
}

const mountScript = `
if [ "$1 $2" = "-t nfs" ]; then
  echo "mount $*" >> "$rig/calls"
  [ -p "$rig/held" ] && echo held > "$rig/held"
  if [ -e "$rig/fails/nfs" ]; then echo "mount.nfs: access denied by server" >&2; exit 32; fi
  for last; do :; done
  exec /bin/mount -t tmpfs -o size=1m tmpfs "$last"
fi
exec /bin/mount "$@"`;

/** Hosts and sessions are numbered by the portal's last digit. */
const iscsiadmScript = `
echo "iscsiadm $*" >> "$rig/calls"
portal=; iface=; mode=$2; target=
while [ $# -gt 0 ]; do
  case $1 in -p) portal=$2;; -I) iface=$2;; -T) target=$2;; esac
  last=$1; shift
done
host=\${portal%:*}; number=\${host##*.}
session="$rig/sys/class/iscsi_host/host$number/device/session$number"
case "$mode $last" in
"iface show")
  [ -e "$rig/fails/iface" ] && { echo "iscsiadm: Could not read iface" >&2; exit 6; }
  printf 'iface.iscsi_ifacename = default\\niface.transport_name = tcp\\niface.initiatorname = <empty>\\niface.mtu = 0\\n';;
"discoverydb --discover")
  [ -e "$rig/fails/$portal" ] && { echo "iscsiadm: cannot make connection to $portal" >&2; exit 4; };;
"node --login")
  mkdir -p "$session/iscsi_session/session$number" "$session/connection$number:0/iscsi_connection/connection$number:0" \\
    "$rig/sys/class/scsi_host/host$number"
  echo "$target" > "$session/iscsi_session/session$number/targetname"
  connection="$session/connection$number:0/iscsi_connection/connection$number:0"
  for kind in "" persistent_; do
    echo "$host" > "$connection/\${kind}address"; echo "\${portal##*:}" > "$connection/\${kind}port"
  done
  while read -r at link device lun; do
    [ "$at" = "$portal" ] || continue
    ln -sf "$device" "$rig/dev/disk/by-path/$link"
    mkdir -p "$session/target$number:0:0/$number:0:0:$lun/block/\${device##*/}"
  done < "$rig/units";;
"node --logout")
  [ -d "$session" ] || { echo "iscsiadm: No matching sessions found" >&2; exit 21; }
  rm -r "$rig/sys/class/iscsi_host/host$number"
  rm -f "$rig/dev/disk/by-path/ip-$portal"-*;;
esac
exit 0`;
