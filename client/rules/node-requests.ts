import { CertificateRequestError, readCertificateRequest } from "../../base/os/certificate-request.ts";
import { nodeUserPrefix } from "./joining-nodes.ts";

/** The node whose agent a request for a certificate is for, by its base64 text; undefined where it is for something else, or cannot
 *  be read. Pure. */
export function nodeOfRequest(request: string): string | undefined {
  try {
    const { commonName } = readCertificateRequest(Buffer.from(request, "base64").toString("latin1"));
    return commonName.startsWith(nodeUserPrefix) ? commonName.slice(nodeUserPrefix.length) : undefined;
  } catch (error) {
    if (error instanceof CertificateRequestError) return undefined;
    throw error;
  }
}
