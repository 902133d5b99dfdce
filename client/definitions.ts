import type { KubeObject, Resource } from "./types.ts";

/** Definitions of kinds, as far as those look at them who follow such a kind where a cluster has it. Pure. */

export const definitions: Resource<KubeObject> = {
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  namespaced: false,
};

interface Shape {
  readonly spec?: { readonly versions?: readonly { readonly name?: string; readonly served?: boolean }[] };
  readonly status?: { readonly conditions?: readonly { readonly type?: string; readonly status?: string }[] };
}

/** A definition without its schema, most of it. */
export function smallDefinition(definition: KubeObject): KubeObject {
  const { apiVersion, kind, metadata } = definition;
  const { spec, status } = definition as Shape;
  return {
    apiVersion,
    kind,
    metadata: { ...metadata, annotations: {} },
    spec: { versions: spec?.versions?.map(({ name, served }) => ({ name, served })) },
    status: { conditions: status?.conditions },
  };
}

export function isEstablished(definition: KubeObject): boolean {
  const { status } = definition as Shape;
  return status?.conditions?.some(({ type, status }) => type === "Established" && status === "True") ?? false;
}

export function servedVersions(definition: KubeObject): readonly string[] {
  const { spec } = definition as Shape;
  return (spec?.versions ?? []).flatMap(({ name, served }) => (name !== undefined && served ? [name] : []));
}
