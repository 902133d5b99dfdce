import type { X509Certificate } from "node:crypto";
import {
  type ConnectionOptions,
  createSecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from "node:tls";
import type { Log } from "../../../base/os/log.ts";
import { oneHandshake } from "../../../base/os/server-sockets.ts";
import { readPem } from "../../../base/pem.ts";
import { FreshFiles } from "./fresh-files.ts";
import { revokedOf, revokedSerials } from "./revocations.ts";
import type { TlsSettings } from "./settings.ts";
import { addressProblem, commonName, isFor, type NameLookup, systemLookup } from "./shown-names.ts";

/** The TLS of a port, and of connections from it to other members. Each connection is made with what the files say then: what
 *  is renewed on disk needs no restart, and connections that stand are left alone. A certificate that cannot be used, as while
 *  its files are being replaced, leaves the one before in place; a revocation list that cannot be read lets nobody in. */
export class PortTls {
  readonly #settings: TlsSettings;
  readonly #log: Log;
  readonly #lookup: NameLookup;
  readonly #shown: FreshFiles<SecureContextOptions>;
  readonly #dialled: FreshFiles<SecureContextOptions>;
  readonly #revoked: FreshFiles<ReadonlySet<string>> | undefined;
  #last: SecureContextOptions | undefined;

  constructor(settings: TlsSettings, log: Log, lookup = systemLookup) {
    this.#settings = settings;
    this.#log = log;
    this.#lookup = lookup;
    const { crlFile, dialFiles = settings } = settings;
    this.#shown = certificateFiles(settings, settings);
    this.#dialled = certificateFiles(settings, dialFiles);
    this.#revoked =
      crlFile === undefined
        ? undefined
        : new FreshFiles([crlFile], ([list]) => revokedSerials(list as Buffer));
  }

  /** Reads every file. Throws where one cannot be used. */
  check(): void {
    this.#shown.get();
    this.#dialled.get();
    this.#revoked?.get();
  }

  /** Whether certificates are asked for, and who has no valid one is turned away. */
  get asksForCertificate(): boolean {
    return this.#settings.trustedCaFile !== undefined;
  }

  /** What a listening server is to show now; the same object for as long as nothing has changed. Several servers may ask. */
  shown(): SecureContextOptions | undefined {
    this.#last = this.#usable(this.#shown) ?? this.#last;
    return this.#last;
  }

  /** How to connect to another member. */
  dialOptions(): SecureContextOptions & Pick<ConnectionOptions, "rejectUnauthorized" | "servername"> {
    const { selfSigned, serverName } = this.#settings;
    return {
      ...this.#usable(this.#dialled),
      rejectUnauthorized: selfSigned === undefined,
      ...(serverName !== undefined && { servername: serverName }),
    };
  }

  /** Says why whoever connected is turned away, beyond what TLS has checked itself; undefined where it is not. */
  async clientProblem(socket: TLSSocket): Promise<string | undefined> {
    const certificate = this.asksForCertificate ? socket.getPeerX509Certificate() : undefined;
    const remote = socket.remoteAddress;
    if (certificate === undefined) return undefined;
    const problem = this.#nameProblem(certificate) ?? this.#revocationProblem(certificate);
    if (problem !== undefined || !this.#settings.checksAddress || remote === undefined) return problem;
    return await addressProblem(certificate, remote, this.#lookup);
  }

  /** Says why a member that was connected to is not whom it must be; undefined where it is. */
  serverProblem(socket: TLSSocket): string | undefined {
    const certificate = socket.getPeerX509Certificate();
    return certificate === undefined ? undefined : this.#nameProblem(certificate);
  }

  #nameProblem(certificate: X509Certificate): string | undefined {
    const { allowedNames, allowedHosts } = this.#settings;
    const isAllowed =
      (allowedNames === undefined || allowedNames.includes(commonName(certificate))) &&
      (allowedHosts === undefined || allowedHosts.some((host) => isFor(certificate, host)));
    return isAllowed ? undefined : "client certificate authentication failed";
  }

  #revocationProblem(certificate: X509Certificate): string | undefined {
    if (this.#revoked === undefined) return undefined;
    try {
      const serial = revokedOf(certificate, this.#revoked.get());
      return serial === undefined ? undefined : `transport: certificate serial ${serial} revoked`;
    } catch (error) {
      return `cannot read the revocation list: ${error instanceof Error ? error.message : error}`;
    }
  }

  #usable(files: FreshFiles<SecureContextOptions>): SecureContextOptions | undefined {
    try {
      return files.get();
    } catch (error) {
      this.#log.warn("failed to create peer certificate", { "cert-file": this.#settings.certFile, error });
      return files.last;
    }
  }
}

function certificateFiles(
  { trustedCaFile, limits }: TlsSettings,
  { certFile, keyFile }: { readonly certFile: string; readonly keyFile: string },
): FreshFiles<SecureContextOptions> {
  const paths = [certFile, keyFile, ...(trustedCaFile === undefined ? [] : [trustedCaFile])];
  return new FreshFiles(paths, ([cert, key, ca]) => {
    if (ca !== undefined && !readPem(ca.toString("latin1")).some(({ type }) => type === "CERTIFICATE"))
      throw Object.assign(new Error("no certificate in PEM in it"), { path: trustedCaFile });
    const options: SecureContextOptions = { ...limits, ...oneHandshake, cert, key, ...(ca && { ca }) };
    createSecureContext(options); // throws for a key of another certificate
    return options;
  });
}
