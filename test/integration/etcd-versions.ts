import { join } from "node:path";
import { etcdMissing } from "./etcd-processes.ts";

/** An etcd and the tool that restores its snapshots. */
export interface EtcdVersion {
  readonly name: string;
  readonly server: readonly string[];
  /** What comes before the file's name, and flags. */
  readonly restore: readonly string[];
  readonly status: readonly string[];
  /** So many members stay alike under a generated history. Of etcd 3.4's three come to differ, by themselves. */
  readonly members: 1 | 3;
  /** `restore` knows --bump-revision. */
  readonly bumps: boolean;
}

/** Debian's etcd, and in the folder that $PINTLE_ETCD_37 names the binaries `etcd` and `etcdutl` of release 3.7. */
export const etcdVersions: readonly EtcdVersion[] = [
  ...(etcdMissing
    ? []
    : [
        {
          name: "etcd 3.4",
          server: ["etcd"],
          restore: ["etcdctl", "snapshot", "restore"],
          status: ["etcdctl", "snapshot", "status"],
          members: 1 as const,
          bumps: false,
        },
      ]),
  ...(process.env.PINTLE_ETCD_37 === undefined ? [] : [release37(process.env.PINTLE_ETCD_37)]),
];

function release37(folder: string): EtcdVersion {
  const tool = join(folder, "etcdutl");
  return {
    name: "etcd 3.7",
    server: [join(folder, "etcd")],
    restore: [tool, "snapshot", "restore"],
    status: [tool, "snapshot", "status"],
    members: 3,
    bumps: true,
  };
}
