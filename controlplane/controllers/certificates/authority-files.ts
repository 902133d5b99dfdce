import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Log } from "../../../base/os/log.ts";
import type { Certificate } from "../../../base/os/pki.ts";
import { type SigningAuthority, signingAuthority } from "../../../base/os/sign-certificate.ts";
import type { SigningFiles } from "./flags.ts";

/** An authority in two files, read again for each certificate: one that was renewed signs from then on.
 *  Invariant: who signs has the key of the certificate that it signs for. */
export class AuthorityFiles {
  readonly #files: SigningFiles;
  readonly #readText: ReadText;
  readonly #log: Log;
  /** What the files held at first. */
  readonly #first: Certificate;
  #signing: Signing | undefined;

  /** Throws where the files cannot be read, or do not belong together. */
  constructor(files: SigningFiles, { log, readText }: { readonly log: Log; readonly readText: ReadText }) {
    this.#files = files;
    this.#readText = readText;
    this.#log = log;
    this.#first = readAuthority(files, readText);
  }

  /** Throws where nothing that the files held can sign. */
  current(): SigningAuthority {
    try {
      const pem = readAuthority(this.#files, this.#readText);
      if (this.#signing === undefined || !isSame(pem, this.#signing.pem)) this.#signing = signingWith(pem);
    } catch (error) {
      // As while only one of the two files has been written.
      this.#log.warn("cannot take up the authority; the one before signs on", { ...this.#files, error });
      this.#signing ??= signingWith(this.#first);
    }
    return this.#signing.authority;
  }
}

type ReadText = (path: string) => string;

interface Signing {
  readonly pem: Certificate;
  readonly authority: SigningAuthority;
}

const signingWith = (pem: Certificate): Signing => ({ pem, authority: signingAuthority(pem) });

const isSame = (a: Certificate, b: Certificate): boolean =>
  a.certificatePem === b.certificatePem && a.privateKeyPem === b.privateKeyPem;

function readAuthority({ certificateFile, keyFile }: SigningFiles, readText: ReadText): Certificate {
  const certificatePem = readText(certificateFile);
  const privateKeyPem = readText(keyFile);
  const certificate = new X509Certificate(certificatePem);
  if (!certificate.checkPrivateKey(createPrivateKey(privateKeyPem)))
    throw new Error(`the key in ${keyFile} is not that of the certificate in ${certificateFile}`);
  return { certificatePem, privateKeyPem };
}
