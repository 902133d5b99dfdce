import type { KubeObject } from "../api/object-feed.ts";

/** A port that a browser may look at. */
export interface PortLine {
  readonly port: number;
  readonly name: string;
  /** Of a pod's. */
  readonly container: string;
  readonly protocol: string;
  /** What most likely is spoken there. */
  readonly scheme: "http" | "https";
}

interface PortOf {
  readonly name?: string;
  readonly port?: number;
  readonly containerPort?: number;
  readonly protocol?: string;
  readonly appProtocol?: string;
}

/** The ports that a pod or service says it has. Pure. */
export function portsOf(kindKey: string, { spec }: KubeObject): readonly PortLine[] {
  if (kindKey === "core/services")
    return ((spec?.ports ?? []) as readonly PortOf[]).map((port) => lineOf(port, port.port ?? 0, ""));
  if (kindKey !== "core/pods") return [];
  const containers = (spec?.containers ?? []) as readonly {
    readonly name: string;
    readonly ports?: readonly PortOf[];
  }[];
  return containers.flatMap(({ name, ports = [] }) =>
    ports.map((port) => lineOf(port, port.containerPort ?? 0, name)),
  );
}

function lineOf(
  { name = "", protocol = "TCP", appProtocol = "" }: PortOf,
  port: number,
  container: string,
): PortLine {
  const isTls = /^https$|^https-|-https$/i.test(appProtocol || name) || port === 443 || port === 8443;
  return { port, name, container, protocol, scheme: isTls ? "https" : "http" };
}
