import type { PodSpec } from "../types.ts";

/** A port of the host itself that a pod takes. */
export interface HostPort {
  readonly protocol: string;
  readonly port: number;
  /** 0.0.0.0: every address. */
  readonly address: string;
}

/** Of containers that run side by side: init containers come and go, but for sidecars. */
export function hostPortsOf(spec: PodSpec): readonly HostPort[] {
  const containers = [
    ...spec.containers,
    ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always"),
  ];
  return containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, protocol = "TCP", hostIP = "0.0.0.0" }) =>
      hostPort ? [{ protocol, port: hostPort, address: hostIP || "0.0.0.0" }] : [],
    ),
  );
}

/** One pod each per protocol and address. */
export function hostPortsClash(some: readonly HostPort[], others: readonly HostPort[]): boolean {
  return some.some((one) => others.some((other) => clash(one, other)));
}

function clash(a: HostPort, b: HostPort): boolean {
  const sameAddress = a.address === b.address || a.address === "0.0.0.0" || b.address === "0.0.0.0";
  return a.port === b.port && a.protocol === b.protocol && sameAddress;
}
