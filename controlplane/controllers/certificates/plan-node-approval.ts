import { isIP } from "node:net";
import {
  CertificateRequestError,
  type CertificateRequestInfo,
  readCertificateRequest,
} from "../../../base/os/certificate-request.ts";
import { joining, nodesGroup, nodeUserPrefix } from "../../../client/rules/joining-nodes.ts";
import { dns1123Subdomain } from "../../../client/rules/names.ts";
import { nodeOfRequest } from "../../../client/rules/node-requests.ts";
import type { CertificateSigningRequest, Node } from "../../../client/types.ts";
import { kubeletClientProblem, kubeletServingProblem } from "./kubelet-requests.ts";
import { isApproved, isDecided, isIssued, pemOf } from "./request-state.ts";

/** What is known of the cluster when a request is judged. */
export interface NodeApprovalFacts {
  readonly nodes: readonly Node[];
  readonly requests: readonly CertificateSigningRequest[];
  /** Where API servers, and the Service for them, are reached. */
  readonly apiAddresses: ReadonlySet<string>;
}

export type NodeVerdict =
  | { readonly verdict: "approve" | "deny"; readonly message: string }
  /** It stays as it is, for people to decide, or until what it waits for is there. */
  | { readonly verdict: "hold"; readonly message: string }
  /** It is none of this approver's affairs. */
  | undefined;

/** Decides about machines that ask for a node's first certificate by a token, and about nodes that ask for the one that they serve
 *  with. (Renewals are approved as in Kubernetes, by the node's right to its own.) Pure.
 *
 *  - By a token nobody becomes a node that there is: what that node may read would be anybody's who has a token.
 *  - Nobody serves under an address or a name that is not its own: an API server's least of all. */
export function judgeNodeRequest(request: CertificateSigningRequest, facts: NodeApprovalFacts): NodeVerdict {
  if (isDecided(request) || isIssued(request)) return undefined;
  const { signerName, groups = [] } = request.spec;
  const isJoin = signerName === joining.clientSigner && groups.includes(joining.group);
  const isServing = signerName === joining.servingSigner && groups.includes(nodesGroup);
  if (!isJoin && !isServing) return undefined;
  let info: CertificateRequestInfo;
  try {
    info = readCertificateRequest(pemOf(request.spec.request));
  } catch (error) {
    if (error instanceof CertificateRequestError) return { verdict: "deny", message: error.message };
    throw error;
  }
  return isJoin ? judgeJoin(request, info, facts) : judgeServing(request, info, facts);
}

function judgeJoin(
  { metadata, spec }: CertificateSigningRequest,
  info: CertificateRequestInfo,
  { nodes, requests }: NodeApprovalFacts,
): NodeVerdict {
  const deny = (message: string): NodeVerdict => ({ verdict: "deny", message });
  const problem = kubeletClientProblem(info, spec.usages ?? []);
  if (problem !== undefined) return deny(problem);
  const node = info.commonName.slice(nodeUserPrefix.length);
  if (dns1123Subdomain(node).length > 0) return deny(`${JSON.stringify(node)} is no name of a node`);
  if (isApiServerName(node)) return deny(`${node} is a name of the API servers; choose another`);
  const remedy = `remove that one first (pintle node remove ${node}), or choose another name (--node-name)`;
  if (nodes.some((one) => one.metadata.name === node)) return deny(`there is a node ${node}: ${remedy}`);
  const sameKey = (other: CertificateSigningRequest) =>
    Buffer.from(readCertificateRequest(pemOf(other.spec.request)).publicKeyInfo).equals(info.publicKeyInfo);
  const rival = requests.find(
    (other) =>
      other.metadata.name !== metadata.name &&
      other.spec.signerName === joining.clientSigner &&
      isApproved(other) &&
      nodeOfRequest(other.spec.request) === node &&
      !sameKey(other),
  );
  if (rival !== undefined) return deny(`another machine joins as ${node}: ${remedy}`);
  return { verdict: "approve", message: `A machine joins as node ${node} by a token.` };
}

function judgeServing(
  { spec }: CertificateSigningRequest,
  info: CertificateRequestInfo,
  { nodes, apiAddresses }: NodeApprovalFacts,
): NodeVerdict {
  const hold = (message: string): NodeVerdict => ({ verdict: "hold", message });
  const problem = kubeletServingProblem(info, spec.usages ?? []);
  if (problem !== undefined) return hold(problem);
  if (spec.username !== info.commonName) return hold(`${spec.username} asks for ${info.commonName}`);
  const name = info.commonName.slice(nodeUserPrefix.length);
  const foreign = info.dnsNames.find((one) => one !== name);
  if (foreign !== undefined) return hold(`${JSON.stringify(foreign)} is not the node's name`);
  if (isApiServerName(name)) return hold(`${name} is a name of the API servers`);
  const node = nodes.find(({ metadata }) => metadata.name === name);
  if (node === undefined) return hold("there is no such node yet");
  for (const bytes of info.addresses) {
    const address = addressText(bytes);
    if (address === undefined) return hold("an address is neither IPv4 nor IPv6");
    if (isNobodysOwn(address)) return hold(`${address} is no address of one machine alone`);
    if (apiAddresses.has(address))
      return hold(`${address} is an API server's; approve by hand if that is right`);
    if (!addressesOf(node).includes(address)) return hold(`the node does not say that ${address} is its own`);
    const other = nodes.find((one) => one !== node && addressesOf(one).includes(address));
    if (other !== undefined) return hold(`${address} is node ${other.metadata.name}'s, too`);
  }
  return { verdict: "approve", message: `Node ${name} serves under its own name and addresses.` };
}

/** What API servers' certificates are for, whatever their machine is called. */
const isApiServerName = (name: string) =>
  name === "localhost" || name === "kubernetes" || name.startsWith("kubernetes.default");

const addressesOf = ({ status }: Node): readonly string[] =>
  (status?.addresses ?? []).flatMap(({ type, address }) =>
    type === "InternalIP" || type === "ExternalIP" ? [plainAddress(address)] : [],
  );

/** In the one way to write it. */
export const plainAddress = (text: string): string =>
  isIP(text) === 6 ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : text;

function addressText(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) return undefined;
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  return plainAddress(groups.join(":"));
}

/** Unspecified, loopback, link-local, multicast, or IPv4 dressed as IPv6. */
const isNobodysOwn = (address: string) =>
  /^(0|127|22[4-9]|23\d|24\d|25\d)\.|^169\.254\./.test(address) || /^(::|fe[89ab]|ff)/.test(address);
