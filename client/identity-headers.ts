import type { RestConfig } from "./kubeconfig.ts";

/** Who a kubeconfig's user acts as (`as`, `as-uid`, `as-groups`, `as-user-extra`). */
export interface ActingAs {
  readonly user: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** The headers of a request that say who asks, beside its connection's certificate. Pure. */
export function identityHeaders({ token, actingAs }: RestConfig): Record<string, string | string[]> {
  return {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(actingAs !== undefined && impersonationHeaders(actingAs)),
  };
}

function impersonationHeaders({ user, uid, groups, extra }: ActingAs): Record<string, string | string[]> {
  const extras = Object.entries(extra).map(([key, values]): [string, string[]] => [
    `impersonate-extra-${encodeURIComponent(key)}`,
    values.map(headerText),
  ]);
  return {
    "impersonate-user": headerText(user),
    ...(uid !== undefined && { "impersonate-uid": headerText(uid) }),
    ...(groups.length > 0 && { "impersonate-group": groups.map(headerText) }),
    ...Object.fromEntries(extras),
  };
}

/** Node writes a header's characters as bytes; the server reads UTF-8. */
function headerText(value: string): string {
  return Buffer.from(value, "utf8").toString("latin1");
}
