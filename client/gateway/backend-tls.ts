import { X509Certificate } from "node:crypto";
import { readPem } from "../../base/pem.ts";
import type { ConfigMap } from "../types.ts";
import type { BackendTlsPolicy } from "./gateway-types.ts";
import type { Fault } from "./listeners.ts";

/** How backends are spoken to by TLS (BackendTLSPolicy). Pure. */

/** By what a backend's certificate is checked. */
export interface BackendTrust {
  /** The host that the backend is told in the handshake. */
  readonly name: string;
  /** Certificates of authorities; undefined: those that are well known. */
  readonly authoritiesPem: string | undefined;
  /** One of these names it must be for. */
  readonly hosts: readonly string[];
  readonly uris: readonly string[];
}

export interface PolicyView {
  readonly policy: BackendTlsPolicy;
  /** Why it does not hold. */
  readonly fault: Fault | undefined;
  /** What of its references is none. */
  readonly unresolved: Fault | undefined;
  /** Undefined: nothing is to be asked of its targets. */
  readonly trust: BackendTrust | undefined;
}

export interface TlsPolicies {
  readonly views: readonly PolicyView[];
  /** The one for a port of a Service, if any. */
  readonly of: (namespace: string, service: string, portName: string | undefined) => PolicyView | undefined;
}

export const noPolicies: TlsPolicies = { views: [], of: () => undefined };

/** @param configMap By `namespace/name`; undefined while it is not known, or not there. */
export function tlsPolicies(
  policies: readonly BackendTlsPolicy[],
  configMap: (key: string) => ConfigMap | undefined,
): TlsPolicies {
  const held = new Map<string, PolicyView>();
  const views = [...policies].sort(inPrecedence).map((policy) => {
    const targets = targetsOf(policy);
    const isConflicted = targets.some((key) => held.has(key));
    const view = isConflicted ? conflicted(policy) : viewOf(policy, configMap);
    if (!isConflicted) for (const key of targets) held.set(key, view);
    return view;
  });
  return {
    views,
    of: (namespace, service, portName) =>
      (portName === undefined ? undefined : held.get(`${namespace}/${service}:${portName}`)) ??
      held.get(`${namespace}/${service}`),
  };
}

/** `namespace/name` of the ConfigMaps that policies have authorities from. */
export const authorityMaps = ({ metadata, spec }: BackendTlsPolicy): readonly string[] =>
  (spec.validation.caCertificateRefs ?? [])
    .filter(isConfigMap)
    .map(({ name }) => `${metadata.namespace ?? ""}/${name}`);

const isConfigMap = ({ group = "", kind = "" }: { readonly group?: string; readonly kind?: string }) =>
  group === "" && kind === "ConfigMap";

/** Services of its namespace, or ports of them; what else it is for is others' to look at. */
export const targetsOf = ({ metadata, spec }: BackendTlsPolicy): readonly string[] =>
  spec.targetRefs
    .filter(({ group = "", kind }) => group === "" && kind === "Service")
    .map(
      ({ name, sectionName }) => `${metadata.namespace ?? ""}/${name}${sectionName ? `:${sectionName}` : ""}`,
    );

function inPrecedence({ metadata: a }: BackendTlsPolicy, { metadata: b }: BackendTlsPolicy): number {
  const key = ({ creationTimestamp = "", namespace = "", name }: typeof a) =>
    `${creationTimestamp} ${namespace}/${name}`;
  return key(a) < key(b) ? -1 : 1;
}

const conflicted = (policy: BackendTlsPolicy): PolicyView => ({
  policy,
  fault: { reason: "Conflicted", message: "an older BackendTLSPolicy is for the same Service and port" },
  unresolved: undefined,
  trust: undefined,
});

const hostPattern = /^(\*\.)?[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const uriPattern = /^[a-zA-Z][-a-zA-Z0-9+.]{0,30}:[\x21-\x7e]{1,2000}$/;

function viewOf(policy: BackendTlsPolicy, configMap: (key: string) => ConfigMap | undefined): PolicyView {
  const { validation, options = {} } = policy.spec;
  const { hostname, subjectAltNames = [], wellKnownCACertificates: wellKnown = "" } = validation;
  const refuse = (message: string): PolicyView => ({
    policy,
    fault: { reason: "Invalid", message },
    unresolved: undefined,
    trust: undefined,
  });
  if (Object.keys(options).length > 0)
    return refuse(`spec.options: not honoured here: ${Object.keys(options).join(", ")}`);
  if (!hostPattern.test(hostname) || hostname.startsWith("*"))
    return refuse("spec.validation.hostname: is no host");
  const hosts = subjectAltNames.flatMap(({ type, hostname: host }) =>
    type === "Hostname" ? [host ?? ""] : [],
  );
  const uris = subjectAltNames.flatMap(({ type, uri }) => (type === "URI" ? [uri ?? ""] : []));
  if (
    hosts.length + uris.length !== subjectAltNames.length ||
    !hosts.every((host) => hostPattern.test(host)) ||
    !uris.every((uri) => uriPattern.test(uri))
  )
    return refuse("spec.validation.subjectAltNames: has what is no host or URI");
  const names = subjectAltNames.length === 0 ? { hosts: [hostname], uris: [] } : { hosts, uris };
  if (wellKnown !== "")
    return wellKnown === "System"
      ? {
          policy,
          fault: undefined,
          unresolved: undefined,
          trust: { name: hostname, authoritiesPem: undefined, ...names },
        }
      : refuse(`spec.validation.wellKnownCACertificates: ${JSON.stringify(wellKnown)} is not known here`);
  const { pem, unresolved } = authoritiesOf(policy, configMap);
  return pem === ""
    ? {
        policy,
        fault: { reason: "NoValidCACertificate", message: "no reference leads to a certificate" },
        unresolved,
        trust: undefined,
      }
    : {
        policy,
        fault: undefined,
        unresolved,
        // With an invalid one among them no connection is to be made.
        trust: unresolved === undefined ? { name: hostname, authoritiesPem: pem, ...names } : undefined,
      };
}

const certificatesMost = 100;

function authoritiesOf(
  { metadata, spec }: BackendTlsPolicy,
  configMap: (key: string) => ConfigMap | undefined,
): { readonly pem: string; readonly unresolved: Fault | undefined } {
  let pem = "";
  let unresolved: Fault | undefined;
  for (const ref of spec.validation.caCertificateRefs ?? []) {
    const where = `${ref.kind} ${JSON.stringify(ref.name)}`;
    if (!isConfigMap(ref)) {
      unresolved ??= { reason: "InvalidKind", message: `${where}: authorities are in ConfigMaps` };
      continue;
    }
    const text = configMap(`${metadata.namespace ?? ""}/${ref.name}`)?.data?.["ca.crt"];
    if (text !== undefined && isAuthorities(text)) pem += `${text.trim()}\n`;
    else
      unresolved ??= {
        reason: "InvalidCACertificateRef",
        message: `${where}: ${text === undefined ? "there is none with a ca.crt" : "its ca.crt is no certificate"}`,
      };
  }
  return { pem, unresolved };
}

function isAuthorities(text: string): boolean {
  try {
    const blocks = readPem(text);
    if (blocks.length === 0 || blocks.length > certificatesMost) return false;
    for (const { type, bytes } of blocks) {
      if (type !== "CERTIFICATE") return false;
      new X509Certificate(bytes);
    }
    return true;
  } catch {
    return false;
  }
}
