import type { RestClient } from "../../../../client/rest.ts";

/** What a forward leads to, as a browser names it. */
export interface ForwardTarget {
  readonly kind: "pod" | "service";
  readonly namespace: string;
  readonly name: string;
  /** Of a service its own port. */
  readonly port: number;
  /** What is spoken there. */
  readonly scheme: "http" | "https";
}

/** A port of a pod. */
export interface PodPort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

const objectName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** Throws TypeError saying what is wrong. Pure. */
export function readTarget(given: Readonly<Record<string, unknown>>): ForwardTarget {
  const { kind, namespace, name, port, scheme } = given;
  if (kind !== "pod" && kind !== "service") throw new TypeError("kind: it must be pod or service");
  for (const [field, value] of Object.entries({ namespace, name }))
    if (typeof value !== "string" || !objectName.test(value))
      throw new TypeError(`${field}: it must be a name`);
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535)
    throw new TypeError("port: it must be from 1 to 65535");
  if (scheme !== "http" && scheme !== "https") throw new TypeError("scheme: it must be http or https");
  return { kind, namespace: namespace as string, name: name as string, port: port as number, scheme };
}

interface ServiceLike {
  readonly spec?: {
    readonly ports?: readonly { readonly name?: string; readonly port: number; readonly protocol?: string }[];
  };
}
interface SliceLike {
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[];
  readonly endpoints?: readonly {
    readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean };
    readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly namespace?: string };
  }[];
}

/** The pod that answers a service's port: the first ready one of its slices. Throws Error saying why there is none. Pure. */
export function podBehind(
  target: ForwardTarget,
  service: ServiceLike,
  slices: readonly SliceLike[],
): PodPort {
  const { namespace, name, port } = target;
  const found = service.spec?.ports?.find((one) => one.port === port);
  if (found === undefined) throw new Error(`service ${name} has no port ${port}`);
  if (found.protocol !== undefined && found.protocol !== "TCP")
    throw new Error(`port ${port} of service ${name} is ${found.protocol}, and only TCP is forwarded`);
  for (const { ports, endpoints = [] } of slices) {
    const podPort = ports?.find((one) => (one.name ?? "") === (found.name ?? ""))?.port;
    const pod = endpoints.find(
      ({ conditions, targetRef }) => conditions?.ready !== false && targetRef?.kind === "Pod",
    )?.targetRef?.name;
    if (podPort !== undefined && pod !== undefined) return { namespace, name: pod, port: podPort };
  }
  throw new Error(`service ${name} has no ready pod behind port ${port}`);
}

/** The pod that a forward leads to now. Rejects with ApiError, or Error saying why there is none. */
export async function findPod(target: ForwardTarget, client: RestClient): Promise<PodPort> {
  const { kind, namespace, name, port } = target;
  if (kind === "pod") return { namespace, name, port };
  const ask = async <T>(path: string) => JSON.parse(await client.raw("GET", path)) as T;
  const inNamespace = encodeURIComponent(namespace);
  const selector = encodeURIComponent(`kubernetes.io/service-name=${name}`);
  const [service, slices] = await Promise.all([
    ask<ServiceLike>(`/api/v1/namespaces/${inNamespace}/services/${encodeURIComponent(name)}`),
    ask<{ readonly items?: readonly SliceLike[] }>(
      `/apis/discovery.k8s.io/v1/namespaces/${inNamespace}/endpointslices?labelSelector=${selector}&limit=100`,
    ),
  ]);
  return podBehind(target, service, slices.items ?? []);
}
