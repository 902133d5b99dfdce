import type { KubeObject } from "../../../client/types.ts";
import { toKubeObject } from "../json.ts";
import type { Kind } from "./kind.ts";
import { fillNewMeta } from "./object-meta.ts";
import { putObject, type RegistryDeps } from "./registry-deps.ts";
import type { Write } from "./storage.ts";
import { kindPrefix, objectKey } from "./stored-object.ts";

export const managedByLabel = "ipaddress.kubernetes.io/managed-by";
export const managedByAllocator = "ipallocator.k8s.io";

export type AddressObjectDeps = Pick<RegistryDeps, "clock" | "random" | "recordOwn">;

/** The IPAddress of each address that a service has, as Kubernetes' allocator writes it. */
export class AddressObjects {
  readonly prefix: string;
  readonly #kind: Kind;
  readonly #deps: AddressObjectDeps;

  constructor(kind: Kind, deps: AddressObjectDeps) {
    this.#kind = kind;
    this.#deps = deps;
    this.prefix = kindPrefix(kind);
  }

  keysOf(addresses: readonly string[]): readonly string[] {
    return addresses.map((address) => objectKey(this.#kind, "", address));
  }

  put(address: string, service: KubeObject): Write {
    const object = addressObject(address, service);
    const { clock, random, recordOwn } = this.#deps;
    recordOwn(object);
    fillNewMeta(object, { random, nowMs: clock.wallMs(), hasGeneration: false });
    return putObject(this.#kind, objectKey(this.#kind, "", address), object);
  }
}

export function addressObject(address: string, { metadata }: KubeObject): KubeObject {
  return toKubeObject({
    apiVersion: "networking.k8s.io/v1",
    kind: "IPAddress",
    metadata: {
      name: address,
      labels: {
        "ipaddress.kubernetes.io/ip-family": address.includes(":") ? "IPv6" : "IPv4",
        [managedByLabel]: managedByAllocator,
      },
    },
    spec: {
      parentRef: { resource: "services", namespace: metadata.namespace ?? "", name: metadata.name },
    },
  });
}
