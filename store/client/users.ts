import { checkOptions, filledText, oneOf, shown } from "../../base/options.ts";
import type { Encodable } from "../../base/protobuf.ts";
import { type Method, methods } from "../../proto/etcd-methods.ts";
import type { CallOptions } from "./keyspace/api.ts";
import { callOptions } from "./keyspace/call-options.ts";
import type { KeyFolder, Where } from "./keyspace/places.ts";
import type { StoreClient } from "./store-client.ts";

/** What a role lets its users do. */
export type Rights = "read" | "write" | "readwrite";

/** The cluster's users and roles. `root`, who may do everything and has to be there with the role `root` before authentication is
 *  switched on, sees to them. Calls reject with CallError: `USER_EXISTS`, `ROLE_NOT_FOUND`, `PERMISSION_DENIED` … */
export interface Users {
  /** From now on everybody has to log in. */
  enable(options?: CallOptions): Promise<void>;
  disable(options?: CallOptions): Promise<void>;
  /** Their names. */
  list(options?: CallOptions): Promise<readonly string[]>;
  add(name: string, password: string, options?: CallOptions): Promise<void>;
  remove(name: string, options?: CallOptions): Promise<void>;
  setPassword(name: string, password: string, options?: CallOptions): Promise<void>;
  rolesOf(name: string, options?: CallOptions): Promise<readonly string[]>;
  give(user: string, role: string, options?: CallOptions): Promise<void>;
  take(user: string, role: string, options?: CallOptions): Promise<void>;
  readonly roles: Roles;
}
export interface Roles {
  list(options?: CallOptions): Promise<readonly string[]>;
  add(role: string, options?: CallOptions): Promise<void>;
  remove(role: string, options?: CallOptions): Promise<void>;
  /** Keys as in this client's namespace. */
  allow(role: string, rights: Rights, where: Where, options?: CallOptions): Promise<void>;
  /** Takes back what was allowed for exactly these keys. */
  forbid(role: string, where: Where, options?: CallOptions): Promise<void>;
}

const rightTypes = { read: "READ", write: "WRITE", readwrite: "READWRITE" } as const;

const rightsKinds = { rights: oneOf("read", "write", "readwrite") };
const text = { fits: (value: unknown) => typeof value === "string", must: "a text" };
const texts = { name: filledText, user: filledText, role: filledText, password: text };

/** Throws TypeError: users, roles and passwords are texts. */
function checkCall(request: object, options: CallOptions): void {
  checkOptions(options, callOptions.call);
  for (const [name, kind] of Object.entries(texts))
    if (name in request) {
      const value = (request as Record<string, unknown>)[name];
      if (!kind.fits(value))
        throw new TypeError(
          `${name}: must be ${kind.must}, not ${shown(name === "password" ? typeof value : value)}`,
        );
    }
}

export function usersOf(client: StoreClient, folder: KeyFolder): Users {
  const change = async <Q extends object, A extends object>(
    method: Method<Q, A>,
    request: Encodable<Q>,
    options: CallOptions = {},
  ): Promise<void> => {
    checkCall(request, options);
    await client.call(method, request, { ...options, effect: "write" });
  };
  const read = async <Q extends object, A extends object>(
    method: Method<Q, A>,
    request: Encodable<Q>,
    options: CallOptions = {},
  ): Promise<A> => {
    checkCall(request, options);
    return client.call(method, request, { ...options, effect: "read" });
  };
  return {
    enable: (options) => change(methods.authEnable, {}, options),
    disable: (options) => change(methods.authDisable, {}, options),
    list: async (options) => (await read(methods.userList, {}, options)).users,
    add: (name, password, options) => change(methods.userAdd, { name, password }, options),
    remove: (name, options) => change(methods.userDelete, { name }, options),
    setPassword: (name, password, options) => change(methods.userChangePassword, { name, password }, options),
    rolesOf: async (name, options) => (await read(methods.userGet, { name }, options)).roles,
    give: (user, role, options) => change(methods.userGrantRole, { user, role }, options),
    take: (name, role, options) => change(methods.userRevokeRole, { name, role }, options),
    roles: {
      list: async (options) => (await read(methods.roleList, {}, options)).roles,
      add: (name, options) => change(methods.roleAdd, { name }, options),
      remove: (role, options) => change(methods.roleDelete, { role }, options),
      allow: async (name, rights, where, options) => {
        checkOptions({ rights }, rightsKinds);
        if (rights === undefined) throw new TypeError(`rights: must be ${rightsKinds.rights.must}`);
        await change(
          methods.roleGrantPermission,
          { name, perm: { permType: rightTypes[rights], ...folder.span(where) } },
          options,
        );
      },
      forbid: async (role, where, options) =>
        change(methods.roleRevokePermission, { role, ...folder.span(where) }, options),
    },
  };
}
