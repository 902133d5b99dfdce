import type { ContainerConfig, SandboxConfig } from "./seam.ts";

/** A sandbox and a container that ask for as little as there is, for the suite and other tests. */
export function sandboxConfig(name: string): SandboxConfig {
  return {
    pod: { namespace: "default", name, uid: `uid-${name}` },
    attempt: 0,
    hostname: name,
    hostNames: [name],
    hostNetwork: false,
    hostPid: false,
    hostIpc: false,
    sharedPid: false,
    hostPorts: [],
    dns: { servers: ["10.96.0.10"], searches: ["cluster.local"], options: ["ndots:5"] },
    hostAliases: [],
    sysctls: {},
  };
}

export function containerConfig(command: readonly string[], logPath: string): ContainerConfig {
  return {
    name: "c",
    attempt: 0,
    image: "pintle.local/host",
    imageId: "host",
    command,
    workingDir: "/",
    env: [],
    mounts: [],
    user: { uid: 0, gid: 0, groups: [] },
    resources: { cpuShares: 2, cpuQuotaUs: 0, memoryBytesMost: 0, oomScoreAdj: 0 },
    security: {
      privileged: false,
      readOnlyRoot: false,
      noNewPrivileges: false,
      addCapabilities: [],
      dropCapabilities: [],
      seccomp: { type: "Unconfined" },
      appArmor: { type: "Unconfined" },
    },
    stdin: false,
    stdinOnce: false,
    tty: false,
    stopSignal: "SIGTERM",
    logPath,
    annotations: { podUid: "uid", podName: "pod", podNamespace: "default" },
  };
}
