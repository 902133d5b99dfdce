import type { KubeObject } from "../../../client/types.ts";
import { isObject, type JsonObject, listOf, objectOf, stringOf } from "../json.ts";

/** A port somewhere in the cluster. */
export interface Place {
  /** An address; a name where it is none of a pod. */
  readonly host: string;
  readonly port: number;
  /** The node whose pod has the address: its agent makes the connection. Absent: it is made from here. */
  readonly node?: string;
}

/** `10.1.2.3:80`, `[fd00::1]:80`. */
export function placeText({ host, port }: Pick<Place, "host" | "port">): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** All addresses that a pod has, the first one first. */
export function podAddresses(pod: KubeObject): readonly string[] {
  const status = objectOf((pod as unknown as JsonObject).status);
  const all = listOf(status.podIPs)
    .filter(isObject)
    .map(({ ip }) => stringOf(ip));
  const first = stringOf(status.podIP);
  return [...new Set([first, ...all])].filter((address) => address !== "");
}

export function nodeOf(pod: KubeObject): string {
  return stringOf(objectOf((pod as unknown as JsonObject).spec).nodeName);
}
