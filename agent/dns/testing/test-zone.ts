import { parseIpRange } from "../../../base/ip-range.ts";
import type { EndpointSlice, Service } from "../../../client/types.ts";
import { type Answer, type AnswerOptions, answer } from "../answer.ts";
import { serviceNames } from "../service-names.ts";
import { recordTypes } from "../types.ts";
import { ServiceZone } from "../zone.ts";

export const zoneOptions: AnswerOptions = {
  domain: "cluster.local",
  serverAddresses: ["10.96.0.10"],
  ttlSeconds: 5,
  ownRanges: ["10.96.0.0/16", "10.244.0.0/16"].flatMap((text) => parseIpRange(text) ?? []),
};

export function service(namespace: string, name: string, spec: object): Service {
  const metadata = { namespace, name, uid: name };
  return { apiVersion: "v1", kind: "Service", metadata, spec } as unknown as Service;
}

export function slice(
  endpoints: readonly object[],
  ports: readonly object[] = [],
  addressType = "IPv4",
): EndpointSlice {
  return { metadata: { name: "s" }, addressType, endpoints, ports } as unknown as EndpointSlice;
}

/** A zone of these Services, each with its slices. */
export function zoneOf(...rows: readonly (readonly [Service, ...(readonly EndpointSlice[])])[]): ServiceZone {
  const zone = new ServiceZone();
  for (const [one, ...slices] of rows)
    zone.set(one.metadata.namespace ?? "", one.metadata.name, serviceNames(one, slices));
  return zone;
}

export const https = { name: "https", protocol: "TCP", port: 443 };

/** The Services of the specification's examples, and what people add to them. */
export const exampleZone = (): ServiceZone =>
  zoneOf(
    [
      service("default", "kubernetes", {
        clusterIP: "10.96.0.1",
        ports: [https, { port: 80, protocol: "TCP" }],
      }),
    ],
    [
      service("default", "headless", {
        clusterIP: "None",
        ports: [https, { name: "other", port: 9, protocol: "UDP" }],
      }),
      slice(
        [
          { addresses: ["10.244.0.100"], hostname: "my-pet", conditions: { ready: true } },
          { addresses: ["10.244.0.101"], hostname: "my-pet-2" },
          { addresses: ["10.244.0.102"], conditions: { ready: true } },
          { addresses: ["10.244.0.103"], hostname: "tired", conditions: { ready: false } },
        ],
        [{ name: "https", protocol: "TCP", port: 8443 }],
      ),
    ],
    [service("default", "nobody", { clusterIP: "None", ports: [https] }), slice([])],
    [
      service("default", "six", { clusterIP: "None" }),
      slice([{ addresses: ["2001:db8::1"], hostname: "a" }], [], "IPv6"),
      slice([{ addresses: ["10.244.0.7"], hostname: "a" }]),
    ],
    [service("default", "both", { clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9", "fd00::9"] })],
    [service("default", "foo", { type: "ExternalName", externalName: "www.Example.com." })],
    [
      service("default", "near", {
        type: "ExternalName",
        externalName: "kubernetes.default.svc.cluster.local",
      }),
    ],
    [service("default", "far", { type: "ExternalName", externalName: "absent.default.svc.cluster.local" })],
    [service("default", "loop", { type: "ExternalName", externalName: "pool.default.svc.cluster.local" })],
    [service("default", "pool", { type: "ExternalName", externalName: "loop.default.svc.cluster.local" })],
    [service("default", "number", { type: "ExternalName", externalName: "192.0.2.1" })],
    [service("other", "pending", { clusterIP: "" })],
  );

/** A question and its answer in the words of a zone file. */
export function ask(
  zone: ServiceZone,
  name: string,
  type: keyof typeof recordTypes,
  options = zoneOptions,
): string[] {
  const question = { labels: name.toLowerCase().split("."), type: recordTypes[type], class: 1 };
  return inWords(answer(zone, question, options));
}

function inWords(given: Answer): string[] {
  if (given.kind === "elsewhere") return ["elsewhere"];
  const line = (record: (typeof given.answers)[number]) => {
    const data =
      record.type === "SRV"
        ? `${record.data.priority} ${record.data.weight} ${record.data.port} ${record.data.target}`
        : record.type === "SOA"
          ? `${record.data.mname} ${record.data.rname}`
          : record.type === "HINFO"
            ? record.data.cpu
            : String(record.data);
    return `${record.name} ${record.ttl} IN ${record.type} ${data}`;
  };
  const rcode = ["", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"][given.rcode] ?? "";
  return [
    ...(rcode === "" ? [] : [rcode]),
    ...given.answers.map(line),
    ...given.authorities.map((record) => `authority ${line(record)}`),
    ...given.additionals.map((record) => `additional ${line(record)}`),
    ...(given.elsewhere === undefined ? [] : [`then ${given.elsewhere}`]),
  ];
}
