import { type FlagTable, type FlagValues, UsageError } from "../../../base/os/flags.ts";
import { isSignatureAlgorithm, signatureAlgorithms } from "../../../base/os/jws.ts";
import type { OidcConfig } from "./oidc-tokens.ts";
import { bundleFingerprints } from "./shown-certificate.ts";
import { webhookAccess } from "./webhook-access.ts";
import type { WebhookConfig } from "./webhook-tokens.ts";

/** kube-apiserver's flags for tokens that somebody elsewhere gives out or judges, by its names. */
export const remoteTokenFlags = {
  "oidc-issuer-url": {
    kind: "string",
    value: "URL",
    help: "OpenID provider whose ID tokens are known, https",
  },
  "oidc-client-id": { kind: "string", value: "NAME", help: "What the provider's tokens call this cluster" },
  "oidc-ca-file": {
    kind: "string",
    value: "FILE",
    help: "Authority of the provider (default: the system's), PEM",
  },
  "oidc-username-claim": { kind: "string", default: "sub", help: "Claim with the user's name" },
  "oidc-username-prefix": {
    kind: "string",
    help: "Goes before the name; - for nothing (default: the issuer and #, but for email)",
  },
  "oidc-groups-claim": { kind: "string", help: "Claim with the user's groups" },
  "oidc-groups-prefix": { kind: "string", help: "Goes before each group" },
  "oidc-signing-algs": { kind: "list", default: ["RS256"], help: "Algorithms that tokens may be signed by" },
  "oidc-required-claim": {
    kind: "list",
    value: "NAME=VALUE",
    default: [],
    help: "Claims that tokens must have; may be given more than once",
  },
  "authentication-token-webhook-config-file": {
    kind: "string",
    value: "FILE",
    help: "Server that judges tokens, as a kubeconfig",
  },
  "authentication-token-webhook-version": {
    kind: "string",
    default: "v1beta1",
    help: "Version of the TokenReview that it is asked with: v1 or v1beta1",
  },
  "authentication-token-webhook-cache-ttl": {
    kind: "goDuration",
    default: 120_000,
    help: "How long its answers hold",
  },
} as const satisfies FlagTable;

type Flags = FlagValues<typeof remoteTokenFlags>;

export type Read = <T>(name: string, path: string, parse: (text: string) => T) => T | undefined;

export function oidcConfig(
  flags: Flags,
  { read, problems, ownIssuers }: { read: Read; problems: string[]; ownIssuers: readonly string[] },
): OidcConfig | undefined {
  const issuer = flags["oidc-issuer-url"] ?? "";
  const clientId = flags["oidc-client-id"] ?? "";
  const file = flags["oidc-ca-file"];
  const others = ["oidc-ca-file", "oidc-username-prefix", "oidc-groups-claim", "oidc-groups-prefix"] as const;
  if (issuer === "" && clientId === "") {
    const alone =
      others.find((name) => flags[name]) ??
      (flags["oidc-required-claim"].length > 0 && "oidc-required-claim");
    if (alone) problems.push(`--${alone}: there is no --oidc-issuer-url`);
    return undefined;
  }
  if (issuer === "" || clientId === "")
    problems.push("--oidc-issuer-url, --oidc-client-id: give both or neither");
  if (!URL.canParse(issuer) || new URL(issuer).protocol !== "https:")
    problems.push(`--oidc-issuer-url: "${issuer}" is not an https URL`);
  if (ownIssuers.includes(issuer))
    problems.push("--oidc-issuer-url: is this server's own, --service-account-issuer");
  const algorithms = flags["oidc-signing-algs"].filter(isSignatureAlgorithm);
  for (const one of flags["oidc-signing-algs"])
    if (!isSignatureAlgorithm(one))
      problems.push(`--oidc-signing-algs: "${one}" is none of ${signatureAlgorithms.join(", ")}`);
  const requiredClaims = new Map<string, string>();
  for (const one of flags["oidc-required-claim"]) {
    const at = one.indexOf("=");
    if (at < 1) problems.push(`--oidc-required-claim: "${one}" is not NAME=VALUE`);
    else requiredClaims.set(one.slice(0, at), one.slice(at + 1));
  }
  const usernameClaim = flags["oidc-username-claim"];
  const prefix = flags["oidc-username-prefix"] ?? "";
  const usualPrefix = usernameClaim === "email" ? "" : `${issuer}#`;
  return {
    issuer,
    clientId,
    caPem: file ? read("oidc-ca-file", file, bundle) : undefined,
    usernameClaim,
    usernamePrefix: prefix === "-" ? "" : prefix || usualPrefix,
    groupsClaim: flags["oidc-groups-claim"] ?? "",
    groupsPrefix: flags["oidc-groups-prefix"] ?? "",
    algorithms,
    requiredClaims,
  };
}

function bundle(pem: string): string {
  if (bundleFingerprints(pem).size === 0) throw new Error("it holds no certificate, PEM");
  return pem;
}

export function webhookConfig(flags: Flags, problems: string[]): WebhookConfig | undefined {
  const file = flags["authentication-token-webhook-config-file"];
  const version = flags["authentication-token-webhook-version"];
  if (version !== "v1" && version !== "v1beta1") {
    problems.push(`--authentication-token-webhook-version: "${version}" is neither v1 nor v1beta1`);
    return undefined;
  }
  if (!file) return undefined;
  try {
    return {
      ...webhookAccess(file),
      version,
      cacheMs: flags["authentication-token-webhook-cache-ttl"],
    };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    problems.push(`--authentication-token-webhook-config-file: ${error.message}`);
    return undefined;
  }
}
