import { join } from "node:path";
import { type FlagValues, UsageError } from "../base/os/flags.ts";
import { silentLog } from "../base/os/log.ts";
import type { ListenUrl } from "./listen-url.ts";
import type { tlsFlagRows } from "./tls-flag-rows.ts";
import { PortTls } from "./transport/tls/port-tls.ts";
import type { TlsSettings } from "./transport/tls/settings.ts";
import type { TlsLimits } from "./transport/tls/versions.ts";

/** What etcd's flags say of one of the two ports; `--peer-` is left out of the names. */
export interface TlsFlags {
  readonly "cert-file": string | undefined;
  readonly "key-file": string | undefined;
  readonly "trusted-ca-file": string | undefined;
  readonly "client-cert-auth": boolean;
  readonly "crl-file": string | undefined;
  readonly "auto-tls": boolean;
  /** Both only members have: what they show when they connect. */
  readonly "client-cert-file"?: string | undefined;
  readonly "client-key-file"?: string | undefined;
  readonly "cert-allowed-cn"?: readonly string[];
  readonly "cert-allowed-hostname": readonly string[];
  readonly "skip-client-san-verification"?: boolean;
}

export interface TlsContext {
  readonly port: "client" | "peer";
  readonly urls: readonly ListenUrl[];
  /** The DNS domain that the members were discovered by. */
  readonly domain?: string | undefined;
  readonly dataDir: string;
  readonly validYears: number;
  readonly limits: TlsLimits;
}

/** The flags of one port by the names that both have. */
export function tlsFlags(flags: FlagValues<typeof tlsFlagRows>, port: "client" | "peer"): TlsFlags {
  if (port === "client")
    return {
      "cert-file": flags["cert-file"],
      "key-file": flags["key-file"],
      "trusted-ca-file": flags["trusted-ca-file"],
      "client-cert-auth": flags["client-cert-auth"],
      "crl-file": flags["client-crl-file"],
      "auto-tls": flags["auto-tls"],
      "cert-allowed-hostname": flags["client-cert-allowed-hostname"],
    };
  return {
    "cert-file": flags["peer-cert-file"],
    "key-file": flags["peer-key-file"],
    "trusted-ca-file": flags["peer-trusted-ca-file"],
    "client-cert-auth": flags["peer-client-cert-auth"],
    "crl-file": flags["peer-crl-file"],
    "auto-tls": flags["peer-auto-tls"],
    "client-cert-file": flags["peer-client-cert-file"],
    "client-key-file": flags["peer-client-key-file"],
    "cert-allowed-cn": flags["peer-cert-allowed-cn"],
    "cert-allowed-hostname": flags["peer-cert-allowed-hostname"],
    "skip-client-san-verification": flags["peer-skip-client-san-verification"],
  };
}

/** Flags that others leave without effect, and why, in etcd's words. */
export function ignoredTlsFlags(
  flags: FlagValues<typeof tlsFlagRows>,
): readonly { readonly flag: string; readonly why: string }[] {
  return (["client", "peer"] as const).flatMap((port) => {
    const { "auto-tls": auto, "cert-file": certFile } = tlsFlags(flags, port);
    const flag = port === "peer" ? "peer-auto-tls" : "auto-tls";
    return auto && certFile ? [{ flag, why: `ignoring ${port} auto TLS since certs given` }] : [];
  });
}

/** A port's TLS; undefined when no certificate is named or made. Throws UsageError with the flags and the rule. */
export function tlsSettings(flags: TlsFlags, context: TlsContext): TlsSettings | undefined {
  const { port, limits, domain } = context;
  const name = (flag: keyof TlsFlags) =>
    port === "client" && (flag === "crl-file" || flag === "cert-allowed-hostname")
      ? `--client-${flag}`
      : `--${port === "peer" ? "peer-" : ""}${flag}`;
  const need = (holds: boolean, problem: string) => {
    if (!holds) throw new UsageError(problem);
  };
  // An empty name, as in `key-file: ""`, names nothing.
  const certFile = flags["cert-file"] || undefined;
  const keyFile = flags["key-file"] || undefined;
  const trustedCaFile = flags["trusted-ca-file"] || undefined;
  const crlFile = flags["crl-file"] || undefined;
  const dialCert = flags["client-cert-file"] || undefined;
  const dialKey = flags["client-key-file"] || undefined;
  const allowedNames = given(flags["cert-allowed-cn"]);
  const allowedHosts = given(flags["cert-allowed-hostname"]);
  const together = (cert: keyof TlsFlags, key: keyof TlsFlags) =>
    `${name(cert)} and ${name(key)} must be given together`;
  need((certFile === undefined) === (keyFile === undefined), together("cert-file", "key-file"));
  need((dialCert === undefined) === (dialKey === undefined), together("client-cert-file", "client-key-file"));
  need(
    allowedNames === undefined || allowedHosts === undefined,
    `${name("cert-allowed-cn")} and ${name("cert-allowed-hostname")} are mutually exclusive`,
  );
  // Without an authority no certificate is asked for, and nothing that is said of it would be looked at.
  const asking: readonly [keyof TlsFlags, boolean][] = [
    ["client-cert-auth", flags["client-cert-auth"]],
    ["crl-file", crlFile !== undefined],
    ["cert-allowed-cn", allowedNames !== undefined],
    ["cert-allowed-hostname", allowedHosts !== undefined],
  ];
  for (const [flag, isGiven] of asking)
    need(!isGiven || trustedCaFile !== undefined, `${name(flag)} needs ${name("trusted-ca-file")}`);
  const selfSigned = certFile === undefined && flags["auto-tls"] ? madeFiles(context) : undefined;
  need(
    selfSigned === undefined || port === "client" || trustedCaFile === undefined,
    `${name("auto-tls")}: certificates that members make themselves are not of ${name("trusted-ca-file")}`,
  );
  if (selfSigned !== undefined)
    need(context.validYears > 0, `--self-signed-cert-validity must be at least 1`);
  const files = certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : selfSigned;
  if (files === undefined) return undefined;
  const settings: TlsSettings = {
    ...files,
    ...(dialCert !== undefined &&
      dialKey !== undefined && { dialFiles: { certFile: dialCert, keyFile: dialKey } }),
    ...(trustedCaFile !== undefined && { trustedCaFile }),
    // As in etcd: an authority of the members' own may name them as it likes, others answer for the domain that named them.
    ...(domain !== undefined && trustedCaFile === undefined && { serverName: domain }),
    ...(crlFile !== undefined && { crlFile }),
    ...(allowedNames !== undefined && { allowedNames }),
    ...(allowedHosts !== undefined && { allowedHosts }),
    checksAddress: port === "peer" && flags["skip-client-san-verification"] !== true,
    limits,
  };
  if (selfSigned === undefined) checkFiles(settings, name);
  return settings;
}

function given(names: readonly string[] | undefined): readonly string[] | undefined {
  return names === undefined || names.length === 0 ? undefined : names;
}

/** Where etcd keeps what it makes, too, so that a directory of its keeps its certificates. */
function madeFiles({ dataDir, port, urls, validYears }: TlsContext) {
  const folder = join(dataDir, "fixtures", port);
  const hosts = urls.flatMap((url) => ("host" in url ? [url.host] : []));
  return {
    certFile: join(folder, "cert.pem"),
    keyFile: join(folder, "key.pem"),
    selfSigned: {
      hosts: [...new Set(hosts)],
      usage: port === "peer" ? ("both" as const) : ("server" as const),
      validYears,
    },
  };
}

/** Every file must be there and fit before anything is started. */
function checkFiles(settings: TlsSettings, name: (flag: keyof TlsFlags) => string): void {
  try {
    new PortTls(settings, silentLog).check();
  } catch (cause) {
    const path = cause instanceof Error && "path" in cause ? String(cause.path) : settings.certFile;
    const flags: readonly (readonly [string | undefined, keyof TlsFlags])[] = [
      [settings.certFile, "cert-file"],
      [settings.keyFile, "key-file"],
      [settings.trustedCaFile, "trusted-ca-file"],
      [settings.crlFile, "crl-file"],
      [settings.dialFiles?.certFile, "client-cert-file"],
      [settings.dialFiles?.keyFile, "client-key-file"],
    ];
    const [, flag = "cert-file"] = flags.find(([file]) => file === path) ?? [];
    throw new UsageError(
      `${name(flag)}: cannot read ${path}: ${cause instanceof Error ? cause.message : cause}`,
    );
  }
}
