import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Certificate, createAuthority, issueCertificate } from "../../base/os/pki.ts";

/** What a member of loopback needs to serve its clients over TLS, in files. */
export interface ServerTlsFiles {
  readonly authority: Certificate;
  readonly authorityFile: string;
  /** The member's. */
  readonly flags: readonly string[];
}

/** Makes an authority and the certificate of a member that listens on a free port, as PEM files in `folder`. */
export async function writeServerTls(folder: string): Promise<ServerTlsFiles> {
  const authority = await createAuthority({ name: "test" });
  const certificate = await issueCertificate(authority, {
    commonName: "store",
    addresses: ["127.0.0.1"],
    usage: "both",
  });
  const write = (name: string, pem: string) => {
    const path = join(folder, name);
    writeFileSync(path, pem);
    return path;
  };
  return {
    authority,
    authorityFile: write("ca.pem", authority.certificatePem),
    flags: [
      "--listen-client-urls=https://127.0.0.1:0",
      "--advertise-client-urls=https://127.0.0.1:9",
      `--cert-file=${write("cert.pem", certificate.certificatePem)}`,
      `--key-file=${write("key.pem", certificate.privateKeyPem)}`,
    ],
  };
}
