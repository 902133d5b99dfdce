import type { TlsLimits } from "./versions.ts";

/** How a port speaks TLS: which files it shows and trusts, and what it asks of the certificates that it is shown. */
export interface TlsSettings {
  readonly certFile: string;
  readonly keyFile: string;
  /** What a member shows when it is the one who connects; absent: the same. */
  readonly dialFiles?: { readonly certFile: string; readonly keyFile: string };
  /** Authorities of the certificates that are asked for. Absent: none is asked for. */
  readonly trustedCaFile?: string;
  /** The name that whoever is connected to must have a certificate for; absent: what its URL names. */
  readonly serverName?: string;
  /** Certificates that hold no more, PEM or DER. */
  readonly crlFile?: string;
  /** Where given, a certificate must have one of these common names. */
  readonly allowedNames?: readonly string[];
  /** Where given, a certificate must hold for one of these hosts or addresses. */
  readonly allowedHosts?: readonly string[];
  /** Whether a certificate that names hosts or addresses must name where it is shown from. */
  readonly checksAddress: boolean;
  /** Whether both files are made when they are not there, and members trust each other's without an authority. */
  readonly selfSigned?: SelfSigned;
  readonly limits: TlsLimits;
}

export interface SelfSigned {
  /** Names and addresses that the certificate is for. */
  readonly hosts: readonly string[];
  /** Members show it when they connect, too. */
  readonly usage: "server" | "both";
  readonly validYears: number;
}
