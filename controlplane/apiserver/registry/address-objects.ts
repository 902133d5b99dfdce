import type { Clock } from "../../../base/os/clock.ts";
import type { Random } from "../../../base/os/random.ts";
import type { KubeObject } from "../../../client/types.ts";
import { toKubeObject } from "../json.ts";
import type { Kind } from "./kind.ts";
import { fillNewMeta } from "./object-meta.ts";
import { putObject } from "./registry-deps.ts";
import type { Write } from "./storage.ts";
import { kindPrefix, objectKey } from "./stored-object.ts";

export const managedByLabel = "ipaddress.kubernetes.io/managed-by";
export const managedByAllocator = "ipallocator.k8s.io";

/** The IPAddress of each address that a service has, as Kubernetes' allocator writes it. */
export class AddressObjects {
  readonly prefix: string;
  readonly #kind: Kind;
  readonly #os: { readonly clock: Clock; readonly random: Random };

  constructor(kind: Kind, os: { readonly clock: Clock; readonly random: Random }) {
    this.#kind = kind;
    this.#os = os;
    this.prefix = kindPrefix(kind);
  }

  keysOf(addresses: readonly string[]): readonly string[] {
    return addresses.map((address) => objectKey(this.#kind, "", address));
  }

  put(address: string, service: KubeObject): Write {
    const object = addressObject(address, service);
    const { clock, random } = this.#os;
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
      labels: { "ipaddress.kubernetes.io/ip-family": "IPv4", [managedByLabel]: managedByAllocator },
    },
    spec: {
      parentRef: { resource: "services", namespace: metadata.namespace ?? "", name: metadata.name },
    },
  });
}
