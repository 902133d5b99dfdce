import "reflect-metadata";
import { createPrivateKey, createPublicKey, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { alternativeNames, certificateAlgorithm, certificateSubject } from "./pki.ts";

/** For whom a certificate is asked. */
export interface RequestedNames {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
}

/** A new private key of the sort that our certificates have, PEM. */
export async function createPrivateKeyPem(): Promise<string> {
  const keys = await webcrypto.subtle.generateKey(certificateAlgorithm, true, ["sign", "verify"]);
  const bytes = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return x509.PemConverter.encode(bytes, "PRIVATE KEY");
}

/** A request for a certificate (PKCS #10) for the owner of the key, PEM. Throws where the key is not one of ours. */
export async function makeCertificateRequest(names: RequestedNames, privateKeyPem: string): Promise<string> {
  const { commonName, organizations, dnsNames = [], addresses = [] } = names;
  const key = createPrivateKey(privateKeyPem);
  const der = (bytes: Buffer) => new Uint8Array(bytes);
  const [privateKey, publicKey] = await Promise.all([
    webcrypto.subtle.importKey(
      "pkcs8",
      der(key.export({ type: "pkcs8", format: "der" })),
      certificateAlgorithm,
      false,
      ["sign"],
    ),
    webcrypto.subtle.importKey(
      "spki",
      der(createPublicKey(key).export({ type: "spki", format: "der" })),
      certificateAlgorithm,
      true,
      ["verify"],
    ),
  ]);
  const alternatives = alternativeNames(dnsNames, addresses);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: certificateSubject(commonName, organizations),
    keys: { privateKey, publicKey },
    signingAlgorithm: certificateAlgorithm,
    extensions: alternatives.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternatives)],
  });
  return request.toString("pem");
}
