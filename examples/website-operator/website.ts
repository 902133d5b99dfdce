import type { V1ObjectMeta } from "@kubernetes/client-node";

/** What users write. `v1` is what is stored and what the operator works on; `v1alpha1` said host and port in one string. */
export interface Website {
  readonly apiVersion: "operator.example/v1";
  readonly kind: "Website";
  readonly metadata: V1ObjectMeta & { readonly name: string; readonly namespace: string };
  readonly spec: WebsiteSpec;
  readonly status?: WebsiteStatus;
}

export interface WebsiteSpec {
  readonly html: string;
  readonly replicas?: number;
  readonly host?: string;
  readonly port?: number;
}

export interface WebsiteStatus {
  readonly observedGeneration?: number | undefined;
  readonly replicas?: number;
  readonly selector?: string;
  readonly conditions?: readonly Condition[];
}

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number | undefined;
  readonly lastTransitionTime: string;
}

export const group = "operator.example";
export const version = "v1";
export const plural = "websites";

/** On every child, so that one watch of each kind finds them: the name of the website. */
export const websiteLabel = "operator.example/website";
/** Where the operator keeps what is its own: its lease, and the directory of all websites. */
export const operatorNamespace = "website-operator";
/** Whoever applies something under this name owns the fields that it names. */
export const fieldManager = "website-operator";
