import { definitions } from "../definitions.ts";
import { resources } from "../resources.ts";
import type {
  APIService,
  CertificateSigningRequest,
  CustomResourceDefinition,
  MutatingWebhookConfiguration,
  Resource,
  ValidatingWebhookConfiguration,
} from "../types.ts";
import { bundleFindings } from "./certificate-findings.ts";
import { hasReadyEndpoint, slicesOf } from "./endpoints.ts";
import type { Facts } from "./facts.ts";
import { type Finding, finding, leadsTo, type Named, stands, wordsOf } from "./finding.ts";
import { explainService } from "./services.ts";

export const apiServices: Resource<APIService> = {
  group: "apiregistration.k8s.io",
  version: "v1",
  kind: "APIService",
  plural: "apiservices",
  namespaced: false,
};

type Hooks = ValidatingWebhookConfiguration | MutatingWebhookConfiguration;
const hookRow = (kind: string): Resource<Hooks> => ({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind,
  plural: `${kind.toLowerCase()}s`,
  namespaced: false,
});
export const webhookKinds: readonly Resource<Hooks>[] = [
  hookRow("ValidatingWebhookConfiguration"),
  hookRow("MutatingWebhookConfiguration"),
];

export const definitionKind = definitions as unknown as Resource<CustomResourceDefinition>;

/** What is wrong with a Service that the API server calls. */
function calledService(
  user: Named,
  { name, namespace, field }: { readonly name: string; readonly namespace: string; readonly field: string },
  facts: Facts,
): readonly Finding[] {
  const service = facts.find(resources.services, { name, namespace });
  if (service === undefined) return [];
  if (service === null)
    return [
      finding("webhook-unreachable", user, `there is no Service ${name} in ${namespace}`, {
        evidence: [stands(user, field, `${namespace}/${name}`)],
        change: [`the Service ${name}, with its pods`],
        next: [`kubectl get services,pods -n ${namespace}`],
      }),
    ];
  const slices = slicesOf(service, facts);
  if (slices !== undefined && hasReadyEndpoint(slices)) return [];
  const found = explainService(service, facts).filter(({ severity }) => severity === "error");
  return found.map((one) =>
    leadsTo(`its Service ${namespace}/${name}`, one, [stands(user, field, `${namespace}/${name}`)]),
  );
}

export function apiServiceFindings(service: APIService, facts: Facts): readonly Finding[] {
  const available = service.status?.conditions?.find(({ type }) => type === "Available");
  const { name } = service.metadata;
  const of = service.spec?.service;
  const bundle = bundleFindings(service, service.spec?.caBundle, "spec.caBundle", facts);
  if (of === undefined || available?.status === "True") return bundle;
  if (available === undefined && bundle.length === 0) return [];
  const said = stands(
    service,
    "status.conditions[Available]",
    `${available?.reason ?? ""}: ${available?.message ?? ""}`,
  );
  const roots = [
    ...bundle,
    ...calledService(
      service,
      { name: of.name ?? "", namespace: of.namespace ?? "", field: "spec.service" },
      facts,
    ),
  ];
  if (roots.length > 0)
    return roots.map((one) =>
      leadsTo(
        `the API ${name} is unavailable`,
        { ...one, code: one.code === "webhook-unreachable" ? "api-service" : one.code },
        [said],
      ),
    );
  return [
    finding(
      "api-service",
      service,
      `the API ${name} is unavailable: ${available?.message ?? available?.reason ?? ""}`,
      {
        evidence: [said],
        change: [
          `the Service ${of.namespace}/${of.name} answers, with a certificate that the API server trusts`,
        ],
        next: [`kubectl describe apiservice ${name}`],
      },
    ),
  ];
}

export function explainWebhooks(hooks: Hooks, facts: Facts): readonly Finding[] {
  return (hooks.webhooks ?? []).flatMap((hook) => {
    const { name, clientConfig, failurePolicy = "Fail", rules = [] } = hook;
    const severity = failurePolicy === "Fail" ? "error" : "warning";
    const field = `webhooks[${name}].clientConfig`;
    const asked = rules
      .flatMap(({ resources: of = [], operations = [] }) => `${operations.join(",")} ${of.join(",")}`)
      .join("; ");
    const found = [
      ...(clientConfig.service
        ? calledService(hooks, { ...clientConfig.service, field: `${field}.service` }, facts)
        : []),
      ...bundleFindings(hooks, clientConfig.caBundle, `${field}.caBundle`, facts),
    ]
      .filter((one) => one.severity === "error")
      .map((one) =>
        one.code.startsWith("certificate") ? one : { ...one, code: "webhook-unreachable" as const },
      );
    const effect =
      failurePolicy === "Fail"
        ? `so that ${asked || "what it is asked about"} is refused`
        : "and is passed over";
    return found.map((one) => ({
      ...leadsTo(`the webhook ${name} cannot be called, ${effect}`, one, [
        stands(hooks, `webhooks[${name}].failurePolicy`, failurePolicy),
      ]),
      severity: severity as Finding["severity"],
      next: [...one.next, `kubectl get ${wordsOf(hooks)} -o yaml`],
    }));
  });
}

export function explainDefinition(definition: CustomResourceDefinition, _facts: Facts): readonly Finding[] {
  const { conditions = [] } = definition.status ?? {};
  const next = [`kubectl describe crd ${definition.metadata.name}`];
  const named = conditions.find(({ type, status }) => type === "NamesAccepted" && status === "False");
  const established = conditions.find(({ type }) => type === "Established");
  const schema = conditions.find(({ type, status }) => type === "NonStructuralSchema" && status === "True");
  if (named !== undefined)
    return [
      finding(
        "definition-not-established",
        definition,
        `its names are not accepted: ${named.message ?? ""}`,
        {
          evidence: [
            stands(definition, "status.conditions[NamesAccepted]", `${named.reason}: ${named.message ?? ""}`),
          ],
          change: ["names that no other kind has"],
          next,
        },
      ),
    ];
  if (established !== undefined && established.status !== "True")
    return [
      finding(
        "definition-not-established",
        definition,
        `it is not established: ${established.message ?? ""}`,
        {
          evidence: [stands(definition, "status.conditions[Established]", established.message ?? "")],
          next,
        },
      ),
    ];
  return schema === undefined
    ? []
    : [
        finding(
          "definition-not-established",
          definition,
          `its schema is not structural: ${schema.message ?? ""}`,
          {
            evidence: [stands(definition, "status.conditions[NonStructuralSchema]", schema.message ?? "")],
            next,
          },
        ),
      ];
}

const waitMs = 60_000;

export function explainCertificateRequest(
  request: CertificateSigningRequest,
  facts: Facts,
): readonly Finding[] {
  const { status = {}, spec, metadata } = request;
  const bad = (status.conditions ?? []).find(({ type }) => type === "Denied" || type === "Failed");
  const approved = (status.conditions ?? []).some(({ type }) => type === "Approved");
  const next = [`kubectl describe csr ${metadata.name}`];
  if (bad !== undefined)
    return [
      finding(
        "certificate-request",
        request,
        `${spec.username ?? "somebody"}'s request for a certificate is ${bad.type.toLowerCase()}: ${bad.message ?? ""}`,
        { evidence: [stands(request, `status.conditions[${bad.type}]`, bad.message ?? "")], next },
      ),
    ];
  if (status.certificate !== undefined || facts.nowMs - Date.parse(metadata.creationTimestamp) < waitMs)
    return [];
  return [
    finding(
      "certificate-request",
      request,
      `${spec.username ?? "somebody"}'s request for a certificate of ${spec.signerName} is ${approved ? "approved, and not signed" : "not approved"}`,
      {
        evidence: [stands(request, "spec.signerName", spec.signerName)],
        change: [approved ? `the signer ${spec.signerName} runs` : "somebody approves it"],
        next: approved ? next : [...next, `kubectl certificate approve ${metadata.name}`],
      },
    ),
  ];
}
