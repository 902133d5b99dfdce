import { formatBytes } from "../../client/why/amounts.ts";
import { type Check, error, ok, type Result, unknown, warning } from "./check.ts";
import type { MachineFacts } from "./machine-facts.ts";

const checks: Readonly<Record<string, (facts: MachineFacts) => Result>> = {
  "Node.js": ({ nodeVersion }) => {
    const [major = 0, minor = 0] = nodeVersion.split(".").map(Number);
    const isNew = major > 20 || (major === 20 && minor >= 10);
    return isNew ? ok(nodeVersion) : error(`${nodeVersion} is too old`, "Node.js 20.10 or later");
  },
  system: ({ platform, kernel, architecture, cpus, memoryBytes }) => {
    const says = `${platform} ${kernel}, ${architecture}, ${cpus} CPUs, ${formatBytes(memoryBytes)} of memory`;
    if (platform !== "linux") return warning(says, "Linux, for pods that are containers");
    return memoryBytes < 2 ** 30 ? warning(says, "1 Gi of memory or more") : ok(says);
  },
  root: ({ isRoot }) =>
    isRoot
      ? ok("runs as root: pods can be containers")
      : warning("does not run as root: pods are plain processes", "sudo, for pods that are containers"),
  runtime: ({ programs }) => {
    const found = programs.crun ?? programs.runc;
    return found === undefined
      ? warning(
          "neither crun nor runc is installed: pods are plain processes",
          "apt-get install crun (or runc)",
        )
      : ok(found);
  },
  nftables: ({ programs }) =>
    programs.nft !== undefined
      ? ok(programs.nft)
      : programs.iptables !== undefined
        ? warning(
            `nft is not installed; ${programs.iptables} is`,
            "apt-get install nftables, or --proxy-mode iptables",
          )
        : warning(
            "nft is not installed: Services are proxied in user space, network policies do not hold",
            "apt-get install nftables",
          ),
  "ip command": ({ programs, isRoot }) =>
    programs.ip === undefined
      ? isRoot
        ? error("ip is not installed: pods get no network of their own", "apt-get install iproute2")
        : warning("ip is not installed", "apt-get install iproute2, for pods that are containers")
      : ok(programs.ip),
  cgroups: cgroupResult,
  "user namespaces": ({ maxUserNamespaces, userNamespacesForAll }) => {
    if (maxUserNamespaces === undefined) return unknown("/proc/sys/user/max_user_namespaces is not there");
    if (maxUserNamespaces === 0)
      return warning(
        "are switched off: pods with hostUsers: false cannot run",
        "sysctl user.max_user_namespaces=15000",
      );
    return ok(`up to ${maxUserNamespaces}${userNamespacesForAll === false ? ", for root alone" : ""}`);
  },
  inotify: ({ inotifyInstances, inotifyWatches }) => {
    if (inotifyInstances === undefined || inotifyWatches === undefined)
      return unknown("/proc/sys/fs/inotify is not there");
    const says = `${inotifyInstances} instances, ${inotifyWatches} watches a user`;
    return inotifyInstances < 128 || inotifyWatches < 8192
      ? warning(
          says,
          "sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288: programs that watch files fail without a word",
        )
      : ok(says);
  },
  "open files": ({ openFiles }) => {
    if (openFiles === undefined) return unknown("/proc/self/limits does not say");
    return openFiles < 4096
      ? warning(`${openFiles} a process`, "ulimit -n 65536")
      : ok(`${openFiles} a process`);
  },
  forwarding: ({ ipForward, isRoot }) => {
    if (ipForward === undefined) return unknown("/proc/sys/net/ipv4/ip_forward is not there");
    return ipForward || !isRoot
      ? ok(ipForward ? "packets are forwarded" : "off; plain processes need none")
      : warning(
          "packets are not forwarded; `pintle up` and agents switch it on",
          "sysctl net.ipv4.ip_forward=1",
        );
  },
  "disk space": ({ disk }) => {
    if (disk === undefined) return unknown("nobody knows");
    const { folder, freeBytes, allBytes, freeFiles } = disk;
    const percent = allBytes === 0 ? 0 : Math.round((freeBytes / allBytes) * 100);
    const says = `${formatBytes(freeBytes)} of ${formatBytes(allBytes)} (${percent} %) free at ${folder}`;
    if (freeFiles === 0 && allBytes > 0)
      return warning(`${says}, and no inodes are reported free`, "a file system with free inodes");
    if (freeBytes < 2 ** 30)
      return error(says, "1 Gi or more: the store stops taking writes when the disk is full");
    return freeBytes < 5 * 2 ** 30 || percent < 10
      ? warning(says, "more space: nodes evict pods below 10 %")
      : ok(says);
  },
  "disk syncs": ({ syncMs }) => {
    if (syncMs === undefined || syncMs.length === 0) return unknown("the folder may not be written in");
    const sorted = [...syncMs].sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    const says = `half of them take less than ${shownMs(at(0.5))}, all but few less than ${shownMs(at(0.9))}`;
    if (at(0.5) > 50) return error(says, "a quicker disk: every write to the cluster waits for one");
    return at(0.5) > 10 ? warning(says, "a disk that syncs in less than 10 ms") : ok(says);
  },
  clock: ({ isClockKept }) => {
    if (isClockKept === undefined)
      return unknown("nobody says whether a time server keeps it (no timedatectl)");
    return isClockKept
      ? ok("a time server keeps it")
      : warning(
          "no time server keeps it",
          "systemd-timesyncd or chrony: certificates and tokens hold by the clock",
        );
  },
};

const shownMs = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

const wanted = ["cpu", "memory", "pids"];

function cgroupResult({ mounts, controllers }: MachineFacts): Result {
  const types = new Map(
    mounts.split("\n").flatMap((line) => {
      const [before = "", after = ""] = line.split(" - ");
      const [type = ""] = after.split(" ");
      return type.startsWith("cgroup")
        ? [[before.split(" ")[4] ?? "", { type, options: after }] as const]
        : [];
    }),
  );
  if (types.size === 0)
    return error("no cgroups are mounted: pods have no limits", "mount cgroup2 at /sys/fs/cgroup");
  const isUnified = types.get("/sys/fs/cgroup")?.type === "cgroup2";
  const has = isUnified
    ? (controllers ?? "").trim().split(" ")
    : [...types.values()].flatMap(({ options }) => (options.split(" ").at(-1) ?? "").split(","));
  const missing = wanted.filter((name) => !has.includes(name));
  const says = `version ${isUnified ? "2" : "1"}${isUnified ? ` with ${has.join(", ")}` : ""}`;
  if (missing.length > 0)
    return warning(
      `${says}; without ${missing.join(", ")}`,
      `the controllers ${missing.join(", ")}: limits of these do not hold`,
    );
  return ok(says);
}

/** What there is to say of a machine. Pure. */
export const machineChecks = (facts: MachineFacts): readonly Check[] =>
  Object.entries(checks).map(([name, check]) => ({ of: "machine", name, ...check(facts) }));
