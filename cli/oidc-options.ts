import { readFile } from "node:fs/promises";
import { UsageError } from "../base/os/flags.ts";
import type { OidcOptions } from "../controlplane/dashboard/server/oidc/provider.ts";

export const oidcFlags = {
  "oidc-issuer-url": {
    kind: "string",
    value: "URL",
    help: "OpenID provider that people may sign in with; the API server must trust it, too",
  },
  "oidc-client-id": {
    kind: "string",
    value: "ID",
    help: "the client that the provider knows the dashboard as",
  },
  "oidc-client-secret-file": {
    kind: "string",
    value: "FILE",
    help: "its secret; without it, it is a public client",
  },
  "oidc-scopes": {
    kind: "list",
    default: ["openid", "profile", "email"],
    value: "SCOPE,…",
    help: "what is asked of the provider; offline_access has some renew sign-ins",
  },
  "oidc-ca-file": {
    kind: "string",
    value: "FILE",
    help: "the provider's authority, PEM; without it, those that the system trusts",
  },
} as const;

export interface OidcGiven {
  readonly "oidc-issuer-url"?: string | undefined;
  readonly "oidc-client-id"?: string | undefined;
  readonly "oidc-client-secret-file"?: string | undefined;
  readonly "oidc-scopes": readonly string[];
  readonly "oidc-ca-file"?: string | undefined;
}

/** The provider that these flags name; undefined where they name none.
 *  @param names Of the flags that were given. */
export async function oidcOptions(
  given: OidcGiven,
  names: ReadonlySet<string>,
): Promise<OidcOptions | undefined> {
  const { "oidc-issuer-url": issuer, "oidc-client-id": clientId, "oidc-scopes": scopes } = given;
  if (issuer === undefined || clientId === undefined) {
    if (Object.keys(oidcFlags).some((flag) => names.has(flag)))
      throw new UsageError("--oidc-issuer-url and --oidc-client-id: give both, or nothing of --oidc-…");
    return undefined;
  }
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  if (
    url?.protocol !== "https:" ||
    url.username !== "" ||
    url.password !== "" ||
    url.search !== "" ||
    url.hash !== ""
  )
    throw new UsageError(
      `--oidc-issuer-url: "${issuer}" must be an https URL, without user, query or fragment, as it stands in ID tokens`,
    );
  if (!/^[\x21-\x7e]{1,512}$/.test(clientId))
    throw new UsageError("--oidc-client-id: must be one word of printable ASCII");
  if (!scopes.includes("openid")) throw new UsageError("--oidc-scopes: openid must be among them");
  const odd = scopes.find((scope) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope));
  if (odd !== undefined) throw new UsageError(`--oidc-scopes: "${odd}" is no scope`);
  const read = async (flag: "oidc-client-secret-file" | "oidc-ca-file") => {
    const file = given[flag];
    if (file === undefined) return undefined;
    try {
      return await readFile(file, "utf8");
    } catch (error) {
      throw new UsageError(
        `--${flag}: cannot read ${file}: ${error instanceof Error ? error.message : error}`,
      );
    }
  };
  const clientSecret = (await read("oidc-client-secret-file"))?.trim();
  if (clientSecret !== undefined && !/^[\x20-\x7e]+$/.test(clientSecret))
    throw new UsageError("--oidc-client-secret-file: must hold one line of printable ASCII");
  return { issuer, clientId, clientSecret, scopes, caPem: await read("oidc-ca-file") };
}
