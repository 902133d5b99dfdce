import {
  attribute,
  cString,
  encodeMessage,
  errorOf,
  joined,
  messageFlags,
  messageTypes,
  type NetlinkMessage,
  readAttributes,
  readMessages,
  readU16,
} from "./netlink-message.ts";
import type { Netlink } from "./netlink-socket.ts";

/** Generic netlink (`linux/genetlink.h`): families of commands, whose numbers the kernel gives when they are loaded. */
export interface GenericRequest {
  readonly command: number;
  readonly attributes: readonly Uint8Array[];
}

export interface GenericAnswer {
  readonly command: number;
  readonly attributes: ReadonlyMap<number, Uint8Array>;
}

const controller = { type: 0x10, version: 2, getFamily: 3, idAttribute: 1, nameAttribute: 2 } as const;
const headBytes = 4;

export function encodeGeneric(
  { type, flags, sequence }: Omit<NetlinkMessage, "payload">,
  { version, command, attributes }: GenericRequest & { readonly version: number },
): Uint8Array {
  const payload = joined([Uint8Array.of(command, version, 0, 0), ...attributes]);
  return encodeMessage({ type, flags: flags | messageFlags.request, sequence, payload });
}

export function readGeneric({ payload }: NetlinkMessage): GenericAnswer {
  return { command: payload[0] ?? 0, attributes: readAttributes(payload.subarray(headBytes)) };
}

/** The family's number; `undefined` where the kernel has none of this name, nor a module that brings it. */
export async function genericFamily(netlink: Netlink, name: string): Promise<number | undefined> {
  const request = encodeGeneric(
    { type: controller.type, flags: messageFlags.acknowledge, sequence: 1 },
    {
      version: controller.version,
      command: controller.getFamily,
      attributes: [attribute(controller.nameAttribute, cString(name))],
    },
  );
  for (const message of readMessages(await netlink.ask(request))) {
    if (message.type === messageTypes.error) {
      const error = errorOf(message);
      if (error === "ENOENT") return undefined;
      if (error !== undefined) throw new Error(`generic netlink: ${error} for the family ${name}`);
    } else return readU16(readGeneric(message).attributes.get(controller.idAttribute));
  }
  throw new Error(`generic netlink: no answer for the family ${name}`);
}
