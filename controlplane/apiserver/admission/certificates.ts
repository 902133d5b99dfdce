import { CertificateRequestError, readCertificateRequest } from "../../../base/os/certificate-request.ts";
import type { CertificateSigningRequest, KubeObject } from "../../../client/types.ts";
import type { User } from "../filters/authentication.ts";
import type { Authorizer } from "../filters/authorizer.ts";
import { sameValue } from "../schema/same-value.ts";
import { type Attributes, type Plugin, refusal, where } from "./admission.ts";

type Request = CertificateSigningRequest;

const apiClientSigner = "kubernetes.io/kube-apiserver-client";
const asRequest = (object: KubeObject) => object as unknown as Request;

const isThrough =
  (subresource: string) =>
  ({ kind, by }: Attributes): boolean =>
    kind.group === "certificates.k8s.io" &&
    kind.plural === "certificatesigningrequests" &&
    by.subresource === subresource;

interface Deps {
  readonly authorizer: Authorizer;
}

/** Kubernetes' CertificateApproval: who decides about a request needs the right to do so for its signer. */
export function certificateApproval({ authorizer }: Deps): Plugin {
  return {
    validate: where(isThrough("approval"), async (attributes) => {
      if (attributes.operation !== "update") return;
      const { signerName } = asRequest(attributes.old).spec;
      if (await isAllowed(authorizer, attributes.by.user, "approve", signerName)) return;
      throw refusal(
        attributes,
        `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`,
      );
    }),
  };
}

/** Kubernetes' CertificateSigning: the same for who signs, or says that it will not. */
export function certificateSigning({ authorizer }: Deps): Plugin {
  return {
    validate: where(isThrough("status"), async (attributes) => {
      if (attributes.operation !== "update") return;
      const [next, old] = [asRequest(attributes.object), asRequest(attributes.old)];
      const isUntouched =
        next.status?.certificate === old.status?.certificate &&
        sameValue(next.status?.conditions ?? [], old.status?.conditions ?? []);
      if (isUntouched) return;
      const { signerName } = old.spec;
      if (await isAllowed(authorizer, attributes.by.user, "sign", signerName)) return;
      throw refusal(
        attributes,
        `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`,
      );
    }),
  };
}

/** For the signer by its name, or for all of its domain. */
export async function isAllowed(
  authorizer: Authorizer,
  user: User,
  verb: "approve" | "attest" | "sign",
  signerName: string,
): Promise<boolean> {
  const wanted = {
    verb,
    group: "certificates.k8s.io",
    version: "*",
    plural: "signers",
    subresource: "",
    namespace: "",
  };
  const all = `${signerName.split("/")[0]}/*`;
  for (const name of [signerName, all])
    if ((await authorizer(user, { ...wanted, name })).allowed) return true;
  return false;
}

/** Kubernetes' CertificateSubjectRestriction: nobody becomes a superuser by a signature. */
export const certificateSubjectRestriction: Plugin = {
  validate: where(isThrough(""), async (attributes) => {
    if (attributes.operation !== "create") return;
    const { signerName, request } = asRequest(attributes.object).spec;
    if (signerName !== apiClientSigner) return;
    if (organizationsOf(attributes, request).includes("system:masters"))
      throw refusal(attributes, `use of ${apiClientSigner} signer with system:masters group is not allowed`);
  }),
};

function organizationsOf(attributes: Attributes, request: string): readonly string[] {
  try {
    return readCertificateRequest(Buffer.from(request, "base64").toString("latin1")).organizations;
  } catch (error) {
    if (!(error instanceof CertificateRequestError)) throw error;
    throw refusal(attributes, `failed to parse CSR: ${error.message}`);
  }
}
