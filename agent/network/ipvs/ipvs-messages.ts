import { addressText, parseAddress } from "../../../base/ip-range.ts";
import { encodeGeneric, readGeneric } from "../netlink/generic-netlink.ts";
import {
  attribute,
  be16,
  cString,
  joined,
  messageFlags,
  NetlinkFormatError,
  type NetlinkMessage,
  nested,
  readAttributes,
  readBe16,
  readCString,
  readU16,
  readU32,
  u16,
  u32,
} from "../netlink/netlink-message.ts";
import type { Command, CountedDestination, ServerPlace, ServerSettings } from "./ipvs-model.ts";

/** Commands to IPVS as bytes, and what it lists (`linux/ip_vs.h`, the generic netlink family IPVS). Pure. */
export const ipvsFamilyName = "IPVS";
const familyVersion = 1;

const commandNumbers = {
  addServer: 1,
  setServer: 2,
  removeServer: 3,
  listServers: 4,
  addDestination: 5,
  setDestination: 6,
  removeDestination: 7,
  listDestinations: 8,
  flush: 17,
} as const;
const commandAttributes = { server: 1, destination: 2 } as const;
const serverAttributes = {
  family: 1,
  protocol: 2,
  address: 3,
  port: 4,
  mark: 5,
  scheduler: 6,
  flags: 7,
  timeout: 8,
  netmask: 9,
} as const;
const destinationAttributes = {
  address: 1,
  port: 2,
  method: 3,
  weight: 4,
  upperThreshold: 5,
  lowerThreshold: 6,
  activeConnections: 7,
  inactiveConnections: 8,
  family: 11,
} as const;

const familyNumbers = { 4: 2, 6: 10 } as const;
const protocolNumbers = { tcp: 6, udp: 17, sctp: 132 } as const;
const persistent = 1;
const everyFlag = 0xffff_ffff;
/** A client is one address: all bits of it count. In IPv4 a mask, in IPv6 their number. */
const oneClient = { 4: 0xffff_ffff, 6: 128 } as const;
/** Addresses are translated, both ways. */
const masquerading = 0;
const addressBytesMax = 16;

export interface Envelope {
  /** The family's number. */
  readonly family: number;
  readonly sequence: number;
}

export function encodeCommand({ family, sequence }: Envelope, command: Command): Uint8Array {
  const isWhole = command.kind === "addServer" || command.kind === "setServer";
  const server = nested(
    commandAttributes.server,
    serverPlace(command.server),
    ...(isWhole ? [serverSettings(command.server)] : []),
  );
  const destination =
    "destination" in command ? [encodeDestination(command.server.version, command.destination)] : [];
  return encodeGeneric(
    { type: family, flags: messageFlags.acknowledge, sequence },
    {
      command: commandNumbers[command.kind],
      version: familyVersion,
      attributes: [server, ...destination],
    },
  );
}

/** A server without an address: for packets of a mark that nobody sets. It shows whether the scheduler is there. */
export function encodeTrial(
  { family, sequence }: Envelope,
  {
    mark,
    settings,
    kind,
  }: {
    readonly mark: number;
    readonly settings: ServerSettings;
    readonly kind: "addServer" | "removeServer";
  },
): Uint8Array {
  const server = nested(
    commandAttributes.server,
    attribute(serverAttributes.family, u16(familyNumbers[4])),
    attribute(serverAttributes.mark, u32(mark)),
    serverSettings({ version: 4, ...settings }),
  );
  return encodeGeneric(
    { type: family, flags: messageFlags.acknowledge, sequence },
    { command: commandNumbers[kind], version: familyVersion, attributes: [server] },
  );
}

export function encodeFlush({ family, sequence }: Envelope): Uint8Array {
  return encodeGeneric(
    { type: family, flags: messageFlags.acknowledge, sequence },
    { command: commandNumbers.flush, version: familyVersion, attributes: [] },
  );
}

export function encodeListServers({ family, sequence }: Envelope): Uint8Array {
  return encodeGeneric(
    { type: family, flags: messageFlags.dump, sequence },
    { command: commandNumbers.listServers, version: familyVersion, attributes: [] },
  );
}

export function encodeListDestinations({ family, sequence }: Envelope, server: ServerPlace): Uint8Array {
  return encodeGeneric(
    { type: family, flags: messageFlags.dump, sequence },
    {
      command: commandNumbers.listDestinations,
      version: familyVersion,
      attributes: [nested(commandAttributes.server, serverPlace(server))],
    },
  );
}

/** `undefined` for one that is not reached by its address, or of a protocol or family that Services do not have. */
export function readServer(message: NetlinkMessage): (ServerPlace & ServerSettings) | undefined {
  const found = readAttributes(
    readGeneric(message).attributes.get(commandAttributes.server) ?? new Uint8Array(),
  );
  if (found.has(serverAttributes.mark)) return undefined;
  const version = versionOf(readU16(found.get(serverAttributes.family)));
  const number = readU16(found.get(serverAttributes.protocol));
  const protocol = (["tcp", "udp", "sctp"] as const).find((one) => protocolNumbers[one] === number);
  if (version === undefined || protocol === undefined) return undefined;
  // Two numbers: the flags, and which of them are said.
  const flags = readU32(found.get(serverAttributes.flags)?.subarray(0, 4));
  return {
    version,
    protocol,
    address: readAddress(version, found.get(serverAttributes.address)),
    port: readBe16(found.get(serverAttributes.port)),
    scheduler: readCString(found.get(serverAttributes.scheduler)),
    persistSeconds: (flags & persistent) === 0 ? 0 : readU32(found.get(serverAttributes.timeout)),
  };
}

export function readDestination(version: 4 | 6, message: NetlinkMessage): CountedDestination {
  const found = readAttributes(
    readGeneric(message).attributes.get(commandAttributes.destination) ?? new Uint8Array(),
  );
  const count = (of: number) => readU32(found.get(of));
  return {
    address: readAddress(version, found.get(destinationAttributes.address)),
    port: readBe16(found.get(destinationAttributes.port)),
    weight: count(destinationAttributes.weight),
    connections:
      count(destinationAttributes.activeConnections) + count(destinationAttributes.inactiveConnections),
  };
}

function serverPlace({ version, protocol, address, port }: ServerPlace): Uint8Array {
  return joined([
    attribute(serverAttributes.family, u16(familyNumbers[version])),
    attribute(serverAttributes.protocol, u16(protocolNumbers[protocol])),
    attribute(serverAttributes.address, addressBytes(version, address)),
    attribute(serverAttributes.port, be16(port)),
  ]);
}

function serverSettings({
  version,
  scheduler,
  persistSeconds,
}: ServerSettings & Pick<ServerPlace, "version">): Uint8Array {
  return joined([
    attribute(serverAttributes.scheduler, cString(scheduler)),
    attribute(serverAttributes.flags, joined([u32(persistSeconds > 0 ? persistent : 0), u32(everyFlag)])),
    attribute(serverAttributes.timeout, u32(persistSeconds)),
    attribute(serverAttributes.netmask, u32(oneClient[version])),
  ]);
}

function encodeDestination(
  version: 4 | 6,
  { address, port, weight }: { readonly address: string; readonly port: number; readonly weight: number },
): Uint8Array {
  return nested(
    commandAttributes.destination,
    attribute(destinationAttributes.address, addressBytes(version, address)),
    attribute(destinationAttributes.port, be16(port)),
    attribute(destinationAttributes.method, u32(masquerading)),
    attribute(destinationAttributes.weight, u32(weight)),
    attribute(destinationAttributes.upperThreshold, u32(0)),
    attribute(destinationAttributes.lowerThreshold, u32(0)),
    attribute(destinationAttributes.family, u16(familyNumbers[version])),
  );
}

const versionOf = (family: number): 4 | 6 | undefined =>
  ([4, 6] as const).find((version) => familyNumbers[version] === family);

/** Of either family as many bytes; an IPv4 address is the first four. */
function addressBytes(version: 4 | 6, text: string): Uint8Array {
  const address = parseAddress(text);
  if (address?.family !== version) throw new Error(`${JSON.stringify(text)} is no address of IPv${version}`);
  const bytes = new Uint8Array(addressBytesMax);
  let rest = address.value;
  for (let at = bytesOf(version) - 1; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return bytes;
}

function readAddress(version: 4 | 6, bytes: Uint8Array | undefined): string {
  if (bytes?.length !== addressBytesMax)
    throw new NetlinkFormatError("an address of IPVS has another length");
  let value = 0n;
  for (const byte of bytes.subarray(0, bytesOf(version))) value = (value << 8n) | BigInt(byte);
  return addressText(version, value);
}

const bytesOf = (version: 4 | 6): number => (version === 4 ? 4 : 16);
