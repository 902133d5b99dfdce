import { createPrivateKey, createPublicKey } from "node:crypto";
import { alternativeNames, nameBytes } from "../certificate-parts.ts";
import { pemText } from "../pem.ts";
import { hostNames, newKeys, privatePem, publicBytes } from "./pki.ts";
import { signerWith } from "./sign-bytes.ts";

/** For whom a certificate is asked. */
export interface RequestedNames {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
}

/** A new private key of the sort that our certificates have, PEM. */
export async function createPrivateKeyPem(): Promise<string> {
  return privatePem((await newKeys()).privateKey);
}

/** A request for a certificate (PKCS #10) for the owner of the key, PEM. Throws where the key signs none. */
export function makeCertificateRequest(names: RequestedNames, privateKeyPem: string): string {
  const { commonName, organizations, dnsNames = [], addresses = [] } = names;
  const key = createPrivateKey(privateKeyPem);
  const alternatives = hostNames(dnsNames, addresses);
  const request = signerWith(key).request({
    subject: nameBytes({ commonName, organizations }),
    publicKey: publicBytes(createPublicKey(key)),
    extensions: alternatives.length === 0 ? [] : [alternativeNames(alternatives)],
  });
  return pemText("CERTIFICATE REQUEST", request);
}
