import { resources } from "../../../client/resources.ts";
import type {
  EndpointSlice,
  Endpoints,
  Ingress,
  IngressClass,
  NetworkPolicy,
  Service,
} from "../../../client/types.ts";
import { labelFamilies } from "./label-families.ts";
import {
  alpha,
  count,
  created,
  createdHelp,
  deleted,
  deletedHelp,
  info,
  type Series,
  type StateKind,
  stable,
  versionSeries,
} from "./series.ts";

export const serviceKind: StateKind<Service> = {
  resource: resources.services,
  labels: ({ metadata }) => ({
    namespace: metadata.namespace ?? "",
    service: metadata.name,
    uid: metadata.uid,
  }),
  families: [
    stable("kube_service_info", "Information about service.", ({ spec }) =>
      info({
        cluster_ip: spec?.clusterIP ?? "",
        external_name: spec?.externalName ?? "",
        load_balancer_ip: spec?.loadBalancerIP ?? "",
        external_traffic_policy: spec?.externalTrafficPolicy ?? "",
      }),
    ),
    stable("kube_service_created", createdHelp, created),
    stable("kube_service_spec_type", "Type about service.", ({ spec }) => info({ type: spec?.type ?? "" })),
    ...labelFamilies<Service>("service", "services"),
    stable("kube_service_spec_external_ip", "Service external ips. One series for each ip", ({ spec }) =>
      (spec?.externalIPs ?? []).flatMap((address) => info({ external_ip: address })),
    ),
    stable(
      "kube_service_status_load_balancer_ingress",
      "Service load balancer ingress status",
      ({ status }) =>
        (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) =>
          info({ ip: ip ?? "", hostname: hostname ?? "" }),
        ),
    ),
    alpha("kube_service_deletion_timestamp", deletedHelp, deleted),
  ],
};

export const endpointsKind: StateKind<Endpoints> = {
  resource: resources.endpoints,
  labels: ({ metadata }) => ({ namespace: metadata.namespace ?? "", endpoint: metadata.name }),
  families: [
    stable("kube_endpoint_info", "Information about endpoint.", () => info()),
    stable("kube_endpoint_created", createdHelp, created),
    ...labelFamilies<Endpoints>("endpoint", "endpoints"),
    stable(
      "kube_endpoint_address",
      "Information about Endpoint available and non available addresses.",
      endpointAddresses,
    ),
    stable(
      "kube_endpoint_ports",
      "(Deprecated since v2.14.0) Information about the Endpoint ports.",
      ({ subsets }) =>
        (subsets ?? []).flatMap(({ ports }) =>
          (ports ?? []).flatMap(({ name, protocol, port }) =>
            info({ port_name: name ?? "", port_protocol: protocol ?? "", port_number: String(port) }),
          ),
        ),
    ),
  ],
};

function endpointAddresses({ subsets }: Endpoints): readonly Series[] {
  return (subsets ?? []).flatMap(({ ports, addresses, notReadyAddresses }) =>
    (ports ?? []).flatMap(({ name, protocol, port }) => {
      const common = { port_protocol: protocol ?? "", port_number: String(port), port_name: name ?? "" };
      return [
        ...(addresses ?? []).flatMap(({ ip }) => info({ ...common, ip, ready: "true" })),
        ...(notReadyAddresses ?? []).flatMap(({ ip }) => info({ ...common, ip, ready: "false" })),
      ];
    }),
  );
}

export const endpointSliceKind: StateKind<EndpointSlice> = {
  resource: resources.endpointslices,
  labels: ({ metadata }) => ({ endpointslice: metadata.name, namespace: metadata.namespace ?? "" }),
  families: [
    alpha("kube_endpointslice_info", "Information about endpointslice.", ({ addressType }) =>
      info({ addresstype: addressType }),
    ),
    alpha("kube_endpointslice_created", createdHelp, created),
    alpha(
      "kube_endpointslice_endpoints_hints",
      "Topology routing hints attached to endpoints",
      ({ endpoints }) =>
        (endpoints ?? []).flatMap(({ addresses: [address], hints }) =>
          address === undefined
            ? []
            : (hints?.forZones ?? []).flatMap(({ name }) => info({ address, for_zone: name })),
        ),
    ),
    alpha("kube_endpointslice_endpoints", "Endpoints attached to the endpointslice.", sliceEndpoints),
    alpha("kube_endpointslice_ports", "Ports attached to the endpointslice.", ({ ports }) =>
      (ports ?? []).flatMap(({ name, protocol, port }) =>
        info({
          port_name: name ?? "",
          port_protocol: protocol ?? "",
          port_number: port === undefined ? "" : String(port),
        }),
      ),
    ),
    ...labelFamilies<EndpointSlice>("endpointslice", "endpointslices", { labels: false }),
  ],
};

function sliceEndpoints({ endpoints }: EndpointSlice): readonly Series[] {
  const told = (value: boolean | undefined) => (value === undefined ? "" : String(value));
  return (endpoints ?? []).flatMap(({ addresses, conditions, hostname, targetRef, nodeName, zone }) =>
    addresses.flatMap((address) =>
      info({
        ready: told(conditions?.ready),
        serving: told(conditions?.serving),
        hostname: hostname ?? "",
        terminating: told(conditions?.terminating),
        targetref_kind: targetRef?.kind ?? "",
        targetref_name: targetRef?.name ?? "",
        targetref_namespace: targetRef?.namespace ?? "",
        endpoint_nodename: nodeName ?? "",
        endpoint_zone: zone ?? "",
        address,
      }),
    ),
  );
}

export const ingressKind: StateKind<Ingress> = {
  resource: resources.ingresses,
  labels: ({ metadata }) => ({ namespace: metadata.namespace ?? "", ingress: metadata.name }),
  families: [
    stable("kube_ingress_info", "Information about ingress.", ({ metadata, spec }) =>
      info({
        ingressclass:
          metadata.annotations?.["kubernetes.io/ingress.class"] ?? spec?.ingressClassName ?? "_default",
      }),
    ),
    ...labelFamilies<Ingress>("ingress", "ingresses"),
    stable("kube_ingress_created", createdHelp, created),
    alpha(
      "kube_ingress_metadata_resource_version",
      "Resource version representing a specific version of ingress.",
      versionSeries,
    ),
    stable("kube_ingress_path", "Ingress host, paths and backend service information.", ingressPaths),
    stable("kube_ingress_tls", "Ingress TLS host and secret information.", ({ spec }) =>
      (spec?.tls ?? []).flatMap(({ hosts, secretName }) =>
        (hosts ?? []).flatMap((host) => info({ tls_host: host, secret: secretName ?? "" })),
      ),
    ),
  ],
};

function ingressPaths({ spec }: Ingress): readonly Series[] {
  return (spec?.rules ?? []).flatMap(({ host = "", http }) =>
    (http?.paths ?? []).flatMap(({ path = "", pathType, backend: { service, resource } }) => {
      const common = { host, path, path_type: pathType };
      return info(
        service !== undefined
          ? { ...common, service_name: service.name, service_port: String(service.port?.number ?? 0) }
          : {
              ...common,
              resource_api_group: resource?.apiGroup ?? "",
              resource_kind: resource?.kind ?? "",
              resource_name: resource?.name ?? "",
            },
      );
    }),
  );
}

export const ingressClassKind: StateKind<IngressClass> = {
  resource: resources.ingressclasses,
  labels: ({ metadata }) => ({ ingressclass: metadata.name }),
  families: [
    alpha("kube_ingressclass_info", "Information about ingressclass.", ({ spec }) =>
      info({ controller: spec?.controller ?? "" }),
    ),
    alpha("kube_ingressclass_created", createdHelp, created),
    ...labelFamilies<IngressClass>("ingressclass", "ingressclasses", { labels: false }),
  ],
};

export const networkPolicyKind: StateKind<NetworkPolicy> = {
  resource: resources.networkpolicies,
  labels: ({ metadata }) => ({ namespace: metadata.namespace ?? "", networkpolicy: metadata.name }),
  families: [
    alpha("kube_networkpolicy_created", "Unix creation timestamp of network policy", created),
    ...labelFamilies<NetworkPolicy>("networkpolicy", "networkpolicies", { labels: false }),
    alpha(
      "kube_networkpolicy_spec_ingress_rules",
      "Number of ingress rules on the networkpolicy",
      ({ spec }) => count(spec?.ingress?.length),
    ),
    alpha("kube_networkpolicy_spec_egress_rules", "Number of egress rules on the networkpolicy", ({ spec }) =>
      count(spec?.egress?.length),
    ),
  ],
};
