import { canonicalAddress } from "../../../base/ip-range.ts";
import { isObject, type JsonObject, listOf, stringOf, stringsOf } from "../json.ts";

/** The keys that stand for what services hold: an address or a port is taken where its key is there. */

export const ipPrefix = "/registry/pintle.local/clusterips/";
export const portPrefix = "/registry/pintle.local/nodeports/";

/** The keys a service with this spec holds. */
export function claimKeys(spec: JsonObject): string[] {
  const keys = wantsIp(spec) ? addressesOf(spec).map(claimOfIp) : [];
  const ports = [...portsOf(spec).map((port) => port.nodePort), spec.healthCheckNodePort].filter(
    isPortNumber,
  );
  return [...keys, ...new Set(ports.map((port) => portPrefix + port))];
}

/** One address has one key, however it is written. */
export const claimOfIp = (address: string) => ipPrefix + (canonicalAddress(address) ?? address);

/** Its own addresses, one a family; none where it is headless. */
export function addressesOf(spec: JsonObject): readonly string[] {
  const first = stringOf(spec.clusterIP);
  const [, ...others] = stringsOf(spec.clusterIPs);
  return [first, ...others].filter((address) => address !== "" && address !== "None");
}

export const addressesIn = (keys: readonly string[]) =>
  keys.filter((key) => key.startsWith(ipPrefix)).map((key) => key.slice(ipPrefix.length));

export function wantsIp(spec: JsonObject): boolean {
  return stringOf(spec.type) !== "ExternalName";
}

export function portsOf(spec: JsonObject): JsonObject[] {
  return listOf(spec.ports).filter(isObject);
}

export function isPortNumber(value: unknown): value is number {
  return typeof value === "number" && value > 0;
}
