import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../base/os/log.ts";
import { type Certificate, createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { PortTls } from "../transport/tls/port-tls.ts";
import type { TlsSettings } from "../transport/tls/settings.ts";

/** The files of a port's TLS: an authority, and a certificate of it for 127.0.0.1 and localhost with its key. */
export class TlsFolder {
  readonly path: string;
  readonly authority: Certificate;

  private constructor(path: string, authority: Certificate) {
    this.path = path;
    this.authority = authority;
  }

  static async make(): Promise<TlsFolder> {
    const folder = new TlsFolder(
      await mkdtemp(join(tmpdir(), "pintle-tls-")),
      await createAuthority({ name: "test" }),
    );
    await folder.write("ca.pem", folder.authority.certificatePem);
    await folder.renew();
    return folder;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** A certificate of the authority, and of a client, too. */
  issue(commonName = "member", addresses: readonly string[] = ["127.0.0.1"]): Promise<Certificate> {
    return issueCertificate(this.authority, {
      commonName,
      addresses,
      dnsNames: addresses.length > 0 ? ["localhost"] : [],
      usage: "both",
    });
  }

  /** Puts another certificate in the place of the present one. */
  async renew(certificate?: Certificate): Promise<Certificate> {
    const made = certificate ?? (await this.issue());
    await this.write("key.pem", made.privateKeyPem);
    await this.write("cert.pem", made.certificatePem);
    return made;
  }

  /** Replaces a file whole, as whoever renews certificates does. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    await writeFile(this.file(`${name}.part`), content);
    await rename(this.file(`${name}.part`), this.file(name));
  }

  /** @param options `asks`: whoever connects must show a certificate of the authority. */
  portTls({ asks = false, ...more }: Partial<TlsSettings> & { readonly asks?: boolean } = {}): PortTls {
    const settings: TlsSettings = {
      certFile: this.file("cert.pem"),
      keyFile: this.file("key.pem"),
      ...(asks && { trustedCaFile: this.file("ca.pem") }),
      checksAddress: false,
      limits: {},
      ...more,
    };
    return new PortTls(settings, silentLog);
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
