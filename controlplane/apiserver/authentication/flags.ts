import { readFileSync } from "node:fs";
import type { FlagTable, FlagValues } from "../../../base/os/flags.ts";
import { signingKey, verifyingKeys } from "../../../base/os/signing-keys.ts";
import type { AuthenticationConfig, ServiceAccountConfig } from "./config.ts";
import { oidcConfig, type Read, remoteTokenFlags, webhookConfig } from "./remote-token-flags.ts";
import type { RequestHeaderConfig } from "./request-header.ts";
import { bundleFingerprints } from "./shown-certificate.ts";
import { parseTokenFile } from "./static-tokens.ts";

/** kube-apiserver's flags for who is known, by its names. */
export const authenticationFlags = {
  "anonymous-auth": {
    kind: "boolean",
    default: true,
    help: "Whoever shows no credential is system:anonymous; false refuses them",
  },
  "api-audiences": {
    kind: "list",
    value: "NAMES",
    default: [],
    help: "What tokens call this API (default: the service account issuers)",
  },
  "service-account-issuer": {
    kind: "list",
    value: "NAMES",
    default: [],
    help: "Issuer of service accounts' tokens, best an https URL; the first signs, all are accepted",
  },
  "service-account-key-file": {
    kind: "list",
    value: "FILES",
    default: [],
    help: "Keys that service accounts' tokens are checked with, PEM",
  },
  "service-account-signing-key-file": {
    kind: "string",
    value: "FILE",
    help: "Private key that service accounts' tokens are signed with, PEM; the same on all servers",
  },
  "service-account-max-token-expiration": {
    kind: "goDuration",
    default: 0,
    help: "The longest life of a token; 0 leaves it to who asks",
  },
  "service-account-extend-token-expiration": {
    kind: "boolean",
    default: true,
    help: "Tokens of the volume that pods get unasked live for a year",
  },
  "service-account-jwks-uri": {
    kind: "string",
    value: "URL",
    help: "Where the keys of tokens are, in the issuer's discovery document (default: this server)",
  },
  "enable-bootstrap-token-auth": {
    kind: "boolean",
    default: false,
    help: "Know new nodes by secrets of type bootstrap.kubernetes.io/token in kube-system",
  },
  ...remoteTokenFlags,
  "token-auth-file": {
    kind: "string",
    value: "FILE",
    help: "Static tokens, CSV: token, user, uid, groups",
  },
  "requestheader-client-ca-file": {
    kind: "string",
    value: "FILE",
    help: "Authority of front proxies, which say in headers who asks, PEM",
  },
  "requestheader-allowed-names": {
    kind: "list",
    value: "NAMES",
    default: [],
    help: "Common names of the front proxies to believe (default: all of that authority)",
  },
  "requestheader-username-headers": {
    kind: "list",
    value: "HEADERS",
    default: ["x-remote-user"],
    help: "Headers with the user's name",
  },
  "requestheader-uid-headers": {
    kind: "list",
    value: "HEADERS",
    default: [],
    help: "Headers with the user's uid",
  },
  "requestheader-group-headers": {
    kind: "list",
    value: "HEADERS",
    default: ["x-remote-group"],
    help: "Headers with the user's groups",
  },
  "requestheader-extra-headers-prefix": {
    kind: "list",
    value: "PREFIXES",
    default: ["x-remote-extra-"],
    help: "Prefixes of headers with more about the user",
  },
} as const satisfies FlagTable;

type Flags = FlagValues<typeof authenticationFlags> & { readonly "client-ca-file": string | undefined };

/** Checks values and their relations, reads the files; what is wrong goes to `problems`. */
export function authenticationConfig(flags: Flags, problems: string[]): AuthenticationConfig {
  const read = <T>(name: string, path: string, parse: (text: string) => T): T | undefined => {
    try {
      return parse(readFileSync(path, "utf8"));
    } catch (error) {
      problems.push(`--${name}: cannot use ${path}: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  };
  const issuers = flags["service-account-issuer"];
  const audiences = flags["api-audiences"].length > 0 ? flags["api-audiences"] : issuers;
  const tokenFile = flags["token-auth-file"];
  return {
    anonymous: flags["anonymous-auth"],
    audiences,
    requestHeader: requestHeaderConfig(flags, read, problems),
    staticTokens: tokenFile ? read("token-auth-file", tokenFile, parseTokenFile) : undefined,
    serviceAccounts: serviceAccountConfig(flags, { audiences, read, problems }),
    bootstrapTokens: flags["enable-bootstrap-token-auth"],
    oidc: oidcConfig(flags, { read, problems, ownIssuers: issuers }),
    webhook: webhookConfig(flags, problems),
  };
}

function serviceAccountConfig(
  flags: Flags,
  { audiences, read, problems }: { audiences: readonly string[]; read: Read; problems: string[] },
): ServiceAccountConfig | undefined {
  const issuers = flags["service-account-issuer"];
  const keyFiles = flags["service-account-key-file"];
  const signingFile = flags["service-account-signing-key-file"];
  const jwksUri = flags["service-account-jwks-uri"];
  if (issuers.length === 0 && keyFiles.length === 0 && !signingFile) {
    if (jwksUri) problems.push("--service-account-jwks-uri: there is no --service-account-issuer");
    return undefined;
  }
  const [first] = issuers;
  if (first === undefined) problems.push("--service-account-issuer: a name is needed where keys are given");
  for (const one of issuers)
    if (one === "" || (one.includes(":") && !URL.canParse(one)))
      problems.push(`--service-account-issuer: "${one}" contains a ":" but is not a URL`);
  if (new Set(issuers).size < issuers.length)
    problems.push("--service-account-issuer: an issuer is given twice");
  if (keyFiles.length === 0) problems.push("--service-account-key-file: a file is needed for the issuer");
  if (jwksUri && !(URL.canParse(jwksUri) && new URL(jwksUri).protocol === "https:"))
    problems.push(`--service-account-jwks-uri: "${jwksUri}" is not an https URL`);
  const maxMs = flags["service-account-max-token-expiration"];
  if (maxMs !== 0 && (maxMs < hourMs || maxMs > 2 ** 32 * 1000))
    problems.push(
      "--service-account-max-token-expiration: must be at least 1 hour, and at most 2^32 seconds",
    );
  const keys = keyFiles.flatMap((path) => read("service-account-key-file", path, verifyingKeys) ?? []);
  const key = signingFile ? read("service-account-signing-key-file", signingFile, signingKey) : undefined;
  if (key !== undefined && !keys.some(({ keyId }) => keyId === key.keyId))
    problems.push("--service-account-signing-key-file: --service-account-key-file lacks its public key");
  return {
    issuers,
    keys,
    jwksUri: jwksUri || undefined,
    issuer:
      key === undefined || first === undefined
        ? undefined
        : {
            issuer: first,
            key,
            audiences,
            maxExpirationSeconds: maxMs === 0 ? undefined : Math.floor(maxMs / 1000),
            extendExpiration: flags["service-account-extend-token-expiration"],
          },
  };
}

const hourMs = 3_600_000;

function requestHeaderConfig(flags: Flags, read: Read, problems: string[]): RequestHeaderConfig | undefined {
  const path = flags["requestheader-client-ca-file"];
  const allowedNames = flags["requestheader-allowed-names"];
  if (!path) {
    if (allowedNames.length > 0)
      problems.push("--requestheader-allowed-names: there is no --requestheader-client-ca-file");
    return undefined;
  }
  const authorityPem = read("requestheader-client-ca-file", path, certificates);
  const lower = (name: keyof Flags & `requestheader-${string}`) => {
    const values = (flags[name] as readonly string[]).map((one) => one.trim().toLowerCase());
    if (values.includes("")) problems.push(`--${name}: a name is empty`);
    return values;
  };
  const clientCa = flags["client-ca-file"];
  const ofUsers = clientCa ? read("client-ca-file", clientCa, bundleFingerprints) : undefined;
  const ofProxies = bundleFingerprints(authorityPem ?? "");
  if (allowedNames.length === 0 && [...(ofUsers ?? [])].some((one) => ofProxies.has(one)))
    problems.push(
      "--requestheader-client-ca-file and --client-ca-file contain overlapping certificates; --requestheader-allowed-names must be specified to ensure regular client certificates cannot set authenticating proxy headers for arbitrary users",
    );
  return {
    authorityPem: authorityPem ?? "",
    allowedNames,
    usernameHeaders: lower("requestheader-username-headers"),
    uidHeaders: lower("requestheader-uid-headers"),
    groupHeaders: lower("requestheader-group-headers"),
    extraPrefixes: lower("requestheader-extra-headers-prefix"),
  };
}

function certificates(pem: string): string {
  if (bundleFingerprints(pem).size === 0) throw new Error("it holds no certificate, PEM");
  return pem;
}
