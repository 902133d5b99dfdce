import { join } from "node:path";
import { etcdMissing } from "./etcd-processes.ts";

/** An etcd and the tool that restores its snapshots. */
export interface EtcdVersion {
  readonly name: string;
  readonly server: readonly string[];
  /** What comes before the file's name, and flags. */
  readonly restore: readonly string[];
  readonly status: readonly string[];
  /** HashKV of a file; absent: this version's tools do not tell it, or fall over leases. */
  readonly hashKv?: readonly string[];
  /** Where a transaction's range is refused, the member that was asked refuses all of it, and the others, which leave ranges out,
   *  write it: up to 3.6 they come to differ. */
  readonly refusesAlike: boolean;
  /** It starts on a database of its own version only: ours is written in that once the cluster was downgraded. */
  readonly downgradeTo?: string;
  /** `restore` knows --bump-revision. */
  readonly bumps: boolean;
}

/** Debian's etcd, and of releases 3.5 to 3.7 those whose folder $PINTLE_ETCD_35, $PINTLE_ETCD_36 and $PINTLE_ETCD_37 name, with the
 *  binaries `etcd` and `etcdutl`. */
export const etcdVersions: readonly EtcdVersion[] = [
  ...(etcdMissing
    ? []
    : [
        {
          name: "etcd 3.4",
          server: ["etcd"],
          restore: ["etcdctl", "snapshot", "restore"],
          status: ["etcdctl", "snapshot", "status"],
          refusesAlike: false,
          bumps: false,
        },
      ]),
  ...[5, 6, 7].flatMap((minor) => {
    const folder = process.env[`PINTLE_ETCD_3${minor}`];
    return folder === undefined ? [] : [release(minor, folder)];
  }),
];

function release(minor: number, folder: string): EtcdVersion {
  const tool = join(folder, "etcdutl");
  return {
    name: `etcd 3.${minor}`,
    server: [join(folder, "etcd")],
    restore: [tool, "snapshot", "restore"],
    status: [tool, "snapshot", "status"],
    ...(minor >= 7 && { hashKv: [tool, "hashkv"] }),
    ...(minor === 6 && { downgradeTo: "3.6.0" }),
    refusesAlike: minor >= 7,
    bumps: true,
  };
}
