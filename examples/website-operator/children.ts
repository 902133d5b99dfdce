import type { KubernetesObject, V1ConfigMap, V1Deployment, V1Service } from "@kubernetes/client-node";
import { operatorNamespace, type Website, websiteLabel } from "./website.ts";

/** What a website is made of, whole: applying it again and again changes nothing, and mends what others changed. Pure. */
export function childrenOf(website: Website): readonly KubernetesObject[] {
  const { name, namespace, uid } = website.metadata;
  const { html, replicas, port } = website.spec;
  const labels = { [websiteLabel]: name };
  const metadata = {
    name,
    namespace,
    labels,
    // The garbage collector deletes what it owns when the website goes.
    ownerReferences: [
      {
        apiVersion: website.apiVersion,
        kind: website.kind,
        name,
        uid: uid ?? "",
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  };
  const pages: V1ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "index.html": html } };
  const server: V1Deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      ...(replicas !== undefined && { replicas }),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: "server",
              image: "busybox:1.37",
              command: ["httpd", "-f", "-p", String(port), "-h", "/pages"],
              ports: [{ name: "http", containerPort: port ?? 80 }],
              readinessProbe: { tcpSocket: { port: "http" } },
              volumeMounts: [{ name: "pages", mountPath: "/pages", readOnly: true }],
            },
          ],
          volumes: [{ name: "pages", configMap: { name } }],
        },
      },
    },
  };
  const service: V1Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { selector: labels, ports: [{ name: "http", port: port ?? 80, targetPort: "http" }] },
  };
  return [pages, server, service];
}

/** A website's line in the directory of all of them, in the operator's own namespace. No owner can be named across
 *  namespaces, so that a finalizer sees to it: applied without a host, the line goes. Pure. */
export function directoryLine(website: Website, host: string | undefined): KubernetesObject & V1ConfigMap {
  const { name, namespace } = website.metadata;
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "directory", namespace: operatorNamespace },
    ...(host !== undefined && { data: { [`${namespace}.${name}`]: host } }),
  };
}

/** Each line is applied by a manager of its own: many write one object without knowing of each other. */
export const directoryManager = ({ metadata }: Website) => `website-${metadata.uid}`;
