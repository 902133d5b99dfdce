import type { CertificateRequestInfo } from "../../../base/os/certificate-request.ts";
import { nodesGroup, nodeUserPrefix } from "../../../client/rules/joining-nodes.ts";

/** What nodes' agents may be certified as: by these rules alone a signature never makes more of somebody than a node. Texts and
 *  rules: k8s.io/kubernetes pkg/apis/certificates. Pure. */

/** Why a request is none of a node's for a client certificate. */
export function kubeletClientProblem(
  request: CertificateRequestInfo,
  usages: readonly string[],
): string | undefined {
  if (!isOfNodes(request)) return "subject organization is not system:nodes";
  if (request.dnsNames.length > 0) return "DNS subjectAltNames are not allowed";
  if (request.emails.length > 0) return "Email subjectAltNames are not allowed";
  if (request.addresses.length > 0) return "IP subjectAltNames are not allowed";
  if (request.uris.length > 0) return "URI subjectAltNames are not allowed";
  return nameProblem(request) ?? usageProblem(usages, "client auth");
}

/** Why a request is none of a node's for the certificate that it serves with. */
export function kubeletServingProblem(
  request: CertificateRequestInfo,
  usages: readonly string[],
): string | undefined {
  if (!isOfNodes(request)) return "subject organization is not system:nodes";
  if (request.dnsNames.length === 0 && request.addresses.length === 0)
    return "DNS or IP subjectAltName is required";
  if (request.emails.length > 0) return "Email subjectAltNames are not allowed";
  if (request.uris.length > 0) return "URI subjectAltNames are not allowed";
  return usageProblem(usages, "server auth") ?? nameProblem(request);
}

export function apiClientProblem(usages: readonly string[]): string | undefined {
  const wrong = usages.find(
    (usage) => !["digital signature", "key encipherment", "client auth"].includes(usage),
  );
  if (wrong !== undefined) return `invalid usage for client certificate: ${wrong}`;
  return usages.includes("client auth")
    ? undefined
    : "missing required usage for client certificate: client auth";
}

const isOfNodes = ({ organizations }: CertificateRequestInfo) =>
  organizations.length === 1 && organizations[0] === nodesGroup;

function nameProblem({ commonName }: CertificateRequestInfo): string | undefined {
  return commonName.startsWith(nodeUserPrefix)
    ? undefined
    : "subject common name does not begin with system:node:";
}

/** Encipherment of keys is for RSA alone, and may be left out. */
function usageProblem(usages: readonly string[], auth: string): string | undefined {
  const asked = new Set(usages);
  const needed = ["digital signature", auth];
  const fits = needed.every((usage) => asked.has(usage));
  const rest = [...asked].filter((usage) => !needed.includes(usage));
  if (fits && rest.every((usage) => usage === "key encipherment")) return undefined;
  return `usages did not match [${["digital signature", "key encipherment", auth].sort().join(" ")}]`;
}
