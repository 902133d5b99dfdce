import { ipv4Text, parseIpv4 } from "../../../base/ipv4.ts";
import { isIpv6 } from "../../../base/ipv6.ts";
import { specialAddress } from "../parsed-input.ts";
import { isObject, type JsonObject } from "./network-list.ts";

/** What a plugin writes is read here: JSON of the specification's versions, bounded by whoever ran it. Pure. */

/** A plugin that failed, or answered what is no answer. */
export class CniPluginError extends Error {
  override readonly name = "CniPluginError";
  /** Of the specification; undefined where the plugin told none. */
  readonly code: number | undefined;

  constructor(message: string, code?: number) {
    super(message);
    this.code = code;
  }
}

export interface PluginOutput {
  readonly stdout: string;
  readonly stderr: string;
  /** How it ended, where not well: `exit status 1`, `killed after 120 s`. */
  readonly failure?: string | undefined;
}

const textCharsMost = 1_000;

/** What a plugin said went wrong. */
export function pluginFailure(what: string, { stdout, stderr, failure = "" }: PluginOutput): CniPluginError {
  const said = jsonObject(stdout);
  if (said === undefined || typeof said.msg !== "string")
    return new CniPluginError(
      `${what}: ${failure}${stderr.trim() === "" ? "" : `: ${oneLine(stderr.trim())}`}`,
    );
  const details = typeof said.details === "string" && said.details !== "" ? `; ${said.details}` : "";
  const code = typeof said.code === "number" ? said.code : undefined;
  return new CniPluginError(`${what}: ${oneLine(`${said.msg}${details}`)}`, code);
}

/** The versions that a plugin speaks (VERSION). One from before there was that question speaks the oldest. */
export function spokenVersions(output: PluginOutput): readonly string[] | undefined {
  const said = jsonObject(output.stdout);
  if (output.failure !== undefined && said?.code !== 1 && said?.code !== 4) return undefined;
  const versions = said?.supportedVersions;
  if (!Array.isArray(versions)) return output.failure === undefined ? undefined : ["0.1.0", "0.2.0"];
  return versions.filter((version): version is string => typeof version === "string");
}

/** What an ADD answers, in the version that was asked for. */
export function pluginResult(what: string, { stdout }: PluginOutput, version: string): JsonObject {
  const result = jsonObject(stdout);
  if (result === undefined) throw new CniPluginError(`${what}: its answer is no JSON object`);
  return { ...result, cniVersion: version };
}

/** An address that a network gave a pod; both are written anew from what was read. */
export interface GivenAddress {
  readonly address: string;
  /** Empty where there is none. */
  readonly gateway: string;
}

const addressesMost = 32;

/** The addresses of the pod's own interface, in the plugin's order. Throws CniPluginError where an address is none. */
export function addressesOf(what: string, result: JsonObject, ifName: string): readonly GivenAddress[] {
  const { ips, interfaces, ip4, ip6 } = result;
  // Before release 0.3 of the specification there was one of each family.
  const rows = Array.isArray(ips)
    ? ips.filter((row) => isOf(row, interfaces, ifName)).map((row) => [row.address, row.gateway])
    : [ip4, ip6].flatMap((row) => (isObject(row) ? [[row.ip, row.gateway]] : []));
  if (rows.length > addressesMost)
    throw new CniPluginError(`${what}: it gave more than ${addressesMost} addresses`);
  return rows.map(([withBits, gateway]) => {
    const [address = "", bits = ""] = typeof withBits === "string" ? withBits.split("/") : [];
    const canonical = addressText(address);
    if (canonical === undefined || !/^\d{1,3}$/.test(bits) || mayNotBe(canonical))
      throw new CniPluginError(`${what}: ${shown(withBits)} is no address for a pod`);
    return { address: canonical, gateway: (typeof gateway === "string" && addressText(gateway)) || "" };
  });
}

/** Whether a row is an address of the interface of this name in the pod: plugins also tell of those on the node. */
function isOf(row: unknown, interfaces: unknown, ifName: string): row is JsonObject {
  if (!isObject(row)) return false;
  const index = row.interface;
  if (index === undefined || index === null) return true;
  const found: unknown =
    Array.isArray(interfaces) && typeof index === "number" ? interfaces[index] : undefined;
  return (
    isObject(found) && found.name === ifName && typeof found.sandbox === "string" && found.sandbox !== ""
  );
}

/** Written as it is kept: IPv6 in its shortest form, in lower case. */
function addressText(text: string): string | undefined {
  const number = parseIpv4(text);
  if (number !== undefined) return ipv4Text(number);
  if (!isIpv6(text)) return undefined;
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}

const mayNotBe = (address: string): boolean =>
  address.includes(":")
    ? /^(::1?|::ffff:.*|fe[89ab].*|ff.*)$/.test(address)
    : specialAddress(address) !== undefined;

const shown = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 80);

function jsonObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Goes into events, conditions and logs. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}]+/gu, " ").slice(0, textCharsMost);
}
