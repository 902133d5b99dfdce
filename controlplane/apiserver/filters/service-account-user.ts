import { dns1123Label, dns1123Subdomain } from "../../../client/rules/names.ts";
import type { User } from "./authentication.ts";

/** How service accounts and nodes appear as users. Pure. */

export interface ServiceAccountName {
  readonly namespace: string;
  readonly name: string;
}

/** Of a service account's user: the node of the pod that its token is bound to. */
export const nodeNameKey = "authentication.kubernetes.io/node-name";

const serviceAccountPrefix = "system:serviceaccount:";
const nodePrefix = "system:node:";

/** The account in `system:serviceaccount:NAMESPACE:NAME`; `undefined` for any other user. */
export function serviceAccountOf(user: string): ServiceAccountName | undefined {
  if (!user.startsWith(serviceAccountPrefix)) return undefined;
  const parts = user.slice(serviceAccountPrefix.length).split(":");
  const [namespace = "", name = ""] = parts;
  return parts.length === 2 && dns1123Label(namespace).length === 0 && dns1123Subdomain(name).length === 0
    ? { namespace, name }
    : undefined;
}

/** The groups that every service account of a namespace is in, beside `system:authenticated`. */
export function serviceAccountGroups(namespace: string): readonly string[] {
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
}

/** Who a service account's token says it is, with the objects that it is bound to. */
export interface ServiceAccountIdentity extends ServiceAccountName {
  readonly uid: string;
  readonly pod?: { readonly name: string; readonly uid: string };
  readonly node?: { readonly name: string; readonly uid: string };
  readonly credentialId?: string;
}

export function serviceAccountUser({
  namespace,
  name,
  uid,
  pod,
  node,
  credentialId,
}: ServiceAccountIdentity): User {
  const said: Readonly<Record<string, string | undefined>> = {
    "pod-name": pod?.uid && pod.name,
    "pod-uid": pod?.name && pod.uid,
    "credential-id": credentialId,
    "node-name": node?.name,
    "node-uid": node?.name && node.uid,
  };
  const extra = Object.entries(said).flatMap(([key, value]) =>
    value ? [[`authentication.kubernetes.io/${key}`, [value]] as const] : [],
  );
  return {
    name: `${serviceAccountPrefix}${namespace}:${name}`,
    uid,
    groups: serviceAccountGroups(namespace),
    ...(extra.length > 0 && { extra: Object.fromEntries(extra) }),
  };
}

/** The node whose agent this is: by name and group, since a name alone proves nothing. "": it is the agent of a node that
 *  cannot be told. Undefined: it is no agent. */
export function nodeIdentity({ name, groups }: User): string | undefined {
  const isNode = groups.includes("system:nodes") && name.startsWith(nodePrefix);
  return isNode ? name.slice(nodePrefix.length) : undefined;
}

/** The node in `system:node:NAME`; `undefined` for any other user. */
export function nodeOf(user: string): string | undefined {
  if (!user.startsWith(nodePrefix)) return undefined;
  const name = user.slice(nodePrefix.length);
  return dns1123Subdomain(name).length === 0 ? name : undefined;
}
