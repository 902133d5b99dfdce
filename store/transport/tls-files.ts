import { readFileSync } from "node:fs";
import { UsageError } from "../../base/os/flags.ts";
import type { TlsLimits } from "./tls-versions.ts";

/** What node:tls wants of a server; PEM texts. */
export interface ServerTls extends TlsLimits {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  /** Ask clients for a certificate and refuse those without a valid one. */
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
}

export interface TlsFiles {
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly trustedCaFile: string | undefined;
  readonly clientCertAuth: boolean;
}

/** Undefined when no certificate is named. `prefix` is that of the flags, for messages: `--` or `--peer-`. */
export function readServerTls(
  files: TlsFiles,
  prefix: string,
  limits: TlsLimits = {},
): ServerTls | undefined {
  const { certFile, keyFile, trustedCaFile, clientCertAuth } = files;
  if (certFile === undefined || keyFile === undefined) return undefined;
  const ca = trustedCaFile === undefined ? {} : { ca: read(`${prefix}trusted-ca-file`, trustedCaFile) };
  // As in etcd, naming an authority alone already asks for client certificates.
  const ask = clientCertAuth || trustedCaFile !== undefined;
  return {
    ...limits,
    cert: read(`${prefix}cert-file`, certFile),
    key: read(`${prefix}key-file`, keyFile),
    ...ca,
    requestCert: ask,
    rejectUnauthorized: ask,
  };
}

function read(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new UsageError(`${flag}: cannot read ${path}: ${cause instanceof Error ? cause.message : cause}`);
  }
}
