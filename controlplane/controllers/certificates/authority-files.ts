import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Log } from "../../../base/os/log.ts";
import type { Certificate } from "../../../base/os/pki.ts";
import { type SigningAuthority, signingAuthority } from "../../../base/os/sign-certificate.ts";
import type { SigningFiles } from "./flags.ts";

/** An authority in two files, read again for each certificate: one that was renewed signs from then on.
 *  Invariant: who signs has the key of the certificate that it signs for. */
export class AuthorityFiles {
  readonly #files: SigningFiles;
  readonly #log: Log;
  #pem: Certificate;
  #authority: Promise<SigningAuthority>;

  /** Throws where the files cannot be read, or do not belong together. */
  constructor(files: SigningFiles, log: Log) {
    this.#files = files;
    this.#log = log;
    this.#pem = readAuthority(files);
    this.#authority = signingAuthority(this.#pem);
    this.#authority.catch(() => {}); // told to whoever asks for it
  }

  async current(): Promise<SigningAuthority> {
    try {
      const pem = readAuthority(this.#files);
      const isSame =
        pem.certificatePem === this.#pem.certificatePem && pem.privateKeyPem === this.#pem.privateKeyPem;
      if (!isSame) {
        const authority = await signingAuthority(pem);
        this.#authority = Promise.resolve(authority);
        this.#pem = pem;
      }
    } catch (error) {
      // As while only one of the two files has been written.
      this.#log.warn("cannot take up the authority; the one before signs on", { ...this.#files, error });
    }
    return await this.#authority;
  }
}

function readAuthority({ certificateFile, keyFile }: SigningFiles): Certificate {
  const certificatePem = readFileSync(certificateFile, "utf8");
  const privateKeyPem = readFileSync(keyFile, "utf8");
  const certificate = new X509Certificate(certificatePem);
  if (!certificate.checkPrivateKey(createPrivateKey(privateKeyPem)))
    throw new Error(`the key in ${keyFile} is not that of the certificate in ${certificateFile}`);
  return { certificatePem, privateKeyPem };
}
