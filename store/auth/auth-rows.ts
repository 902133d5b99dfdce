import type { Of } from "../../base/protobuf.ts";
import { latin1, text, utf8 } from "../../base/wire.ts";
import { type Permission, role, user } from "../../proto/etcd-auth-requests.ts";
import type { Row } from "../backend/backend.ts";

/** Users, roles and the switch as etcd keeps them: rows of `authUsers` and `authRoles` by name (authpb.User, authpb.Role), and
 *  in `auth` the rows `authEnabled` (one byte) and `authRevision` (8 bytes, big-endian). */
export type AuthBucket = "auth" | "authUsers" | "authRoles";
export type AllAuthRows = Readonly<Record<AuthBucket, readonly Row[]>>;

/** Where changes go; the rows belong to the caller's group of writes. */
export interface AuthRows {
  put(bucket: AuthBucket, key: string, value: Uint8Array): void;
  delete(bucket: AuthBucket, key: string): void;
}

export interface User {
  readonly name: string;
  /** A bcrypt hash; empty where none is kept. */
  readonly password: Uint8Array;
  /** Sorted by their bytes. */
  readonly roles: readonly string[];
  readonly options: { readonly noPassword: boolean } | undefined;
}

export interface Role {
  readonly name: string;
  /** Sorted by their keys. */
  readonly permissions: readonly Permission[];
}

export const enabledKey = "authEnabled";
export const revisionKey = "authRevision";

export const rowKey = (name: string): string => latin1(utf8(name));

export const encodeUser = ({ name, ...kept }: User): Uint8Array => user.encode({ name: utf8(name), ...kept });

export const encodeRole = ({ name, permissions }: Role): Uint8Array =>
  role.encode({ name: utf8(name), keyPermission: permissions });

/** What is decoded from rows lives as long as the state: nothing of it is a view into them. Throws WireError. */
export function decodeUser(value: Uint8Array): User {
  const { name, password, roles, options }: Of<typeof user> = user.decode(value);
  return { name: text(name), password: password.slice(), roles, options };
}

export function decodeRole(value: Uint8Array): Role {
  const { name, keyPermission } = role.decode(value);
  return { name: text(name), permissions: keyPermission.map(ownPermission) };
}

/** A permission apart from the message that it came in. */
export function ownPermission({ permType, key, rangeEnd }: Permission): Permission {
  return { permType, key: key.slice(), rangeEnd: rangeEnd.slice() };
}

export const encodeEnabled = (isOn: boolean): Uint8Array => Uint8Array.of(isOn ? 1 : 0);

export const decodeEnabled = (value: Uint8Array | undefined): boolean =>
  value?.length === 1 && value[0] === 1;

export function encodeRevision(revision: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(revision));
  return bytes;
}

/** 0 where none was written yet. */
export function decodeRevision(value: Uint8Array | undefined): number {
  return value?.length === 8 ? Number(Buffer.from(value).readBigUInt64BE()) : 0;
}
