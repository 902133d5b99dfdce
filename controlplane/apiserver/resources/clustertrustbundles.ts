import { X509Certificate } from "node:crypto";
import { readPem } from "../../../base/pem.ts";
import type { ClusterTrustBundle } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { column } from "./cell-text.ts";
import { immutable, invalid, tooLong } from "./field-errors.ts";
import { signerNameProblems } from "./signer-names.ts";
import { trustBundleName } from "./trust-bundle-names.ts";
import { kindOf } from "./typed-kind.ts";

const field = "spec.trustBundle";
const bundleBytesMax = 1024 * 1024;

/** Certificates of authorities that pods may trust, as PEM. Served where the feature is on: it is off in Kubernetes 1.36. */
export const clusterTrustBundles = kindOf<ClusterTrustBundle>({
  group: "certificates.k8s.io",
  version: "v1beta1",
  kind: "ClusterTrustBundle",
  plural: "clustertrustbundles",
  singular: "clustertrustbundle",
  shortNames: [],
  categories: [],
  namespaced: false,
  needsVersion: true,
  nameRule: trustBundleName(""),
  nameRuleOf: ({ spec }) => trustBundleName(spec.signerName ?? ""),
  subresources: {},
  applyDefaults: () => undefined,
  validate: ({ spec: { signerName = "", trustBundle = "" } }, _context, current) => [
    ...(signerName === "" ? [] : signerNameProblems(signerName, "spec.signerName")),
    ...(trustBundle === current?.spec.trustBundle ? [] : bundleProblems(trustBundle)),
  ],
  validateUpdate: (next, current) =>
    immutable("spec.signerName", next.spec.signerName ?? "", current.spec.signerName ?? ""),
  selectableFields: ({ spec }) => ({ "spec.signerName": spec.signerName ?? "" }),
  columns: [column("SignerName")],
  cells: ({ spec }) => [spec.signerName || "<none>"],
});

function bundleProblems(text: string): readonly FieldError[] {
  if (Buffer.byteLength(text) > bundleBytesMax) return [tooLong(field, bundleBytesMax)];
  const blocks = readPem(text);
  const told = (why: string) => invalid(field, "<value omitted>", why);
  const faults = blocks.flatMap((block, index) => {
    const why = faultOf(block);
    return why === undefined ? [] : [told(`entry ${index} ${why}`)];
  });
  if (faults.length > 0) return faults;
  if (blocks.length === 0) return [told("at least one trust anchor must be provided")];
  const places = new Map<string, number[]>();
  for (const [index, { bytes }] of blocks.entries()) {
    const key = Buffer.from(bytes).toString("base64");
    places.set(key, [...(places.get(key) ?? []), index]);
  }
  return [...places.values()]
    .filter(({ length }) => length > 1)
    .map((indices) => told(`duplicate trust anchor (indices [${indices.join(" ")}])`));
}

function faultOf({ type, hasHeaders, bytes }: ReturnType<typeof readPem>[number]): string | undefined {
  if (type !== "CERTIFICATE") return `has bad block type: ${type}`;
  if (hasHeaders) return "has PEM block headers";
  try {
    return new X509Certificate(bytes).ca ? undefined : "does not have the CA bit set";
  } catch {
    return "does not parse as X.509";
  }
}
