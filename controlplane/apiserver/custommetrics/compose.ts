import { refuseLeaseClaim } from "../filters/lease-claim.ts";
import { header } from "../filters/request-info.ts";
import type { HandlerDeps } from "../handlers/call.ts";
import { mediaTypes, negotiate } from "../handlers/negotiate.ts";
import { isForPeople } from "../handlers/reader.ts";
import { bodyBytes, send } from "../handlers/respond.ts";
import { kindPrefix } from "../registry/stored-object.ts";
import { pods as podKind } from "../resources/pods.ts";
import type { Exchange } from "../server.ts";
import { Catalogue } from "./catalogue.ts";
import type { CustomMetricsConfig } from "./flags.ts";
import type { RuledGroups, RuledResource } from "./ruled-groups.ts";
import { RuledUsages } from "./ruled-usages.ts";
import { customMetric, externalMetric, type ServeDeps } from "./serve.ts";

export const customGroup = "custom.metrics.k8s.io";
export const externalGroup = "external.metrics.k8s.io";

/** custom.metrics.k8s.io and external.metrics.k8s.io, as the rules say; undefined where there are none. */
export async function ruledGroups(
  config: CustomMetricsConfig | undefined,
  { hub, kinds, clock, dialer, ...deps }: Pick<HandlerDeps, "hub" | "kinds" | "clock" | "dialer" | "log">,
): Promise<RuledGroups | undefined> {
  if (config === undefined) return undefined;
  const { rules, prometheus } = config;
  const { openSource } = await import("./open-source.ts");
  const log = deps.log.child("custom-metrics");
  const pods = async () => {
    const cache = await hub.cache(podKind);
    return cache.list(kindPrefix(podKind)).map(({ object }) => object);
  };
  const source = openSource(prometheus, { rules, pods, dialer, clock, log });
  const catalogue = new Catalogue({
    rules,
    source,
    asksForLookers: prometheus !== undefined,
    kinds,
    clock,
    log,
  });
  const serving: ServeDeps = { hub, kinds, clock, log, source, catalogue };
  const versions = [
    ...(rules.rules.length > 0
      ? ["v1beta2", "v1beta1"].map((version) => ({ group: customGroup, version }))
      : []),
    ...(rules.externalRules.length > 0 ? [{ group: externalGroup, version: "v1beta1" }] : []),
  ];
  const isServed = (group: string, version: string) =>
    versions.some((one) => one.group === group && one.version === version);
  return {
    versions,
    resources: (group, version) => {
      if (!isServed(group, version)) return undefined;
      const { custom, external } = catalogue.current;
      return group === customGroup
        ? [...custom.values()]
            .map(({ name, namespaced }) => ({ name, namespaced, kind: "MetricValueList" }))
            .sort(byName)
        : [...external.keys()]
            .map((name) => ({ name, namespaced: true, kind: "ExternalMetricValueList" }))
            .sort(byName);
    },
    delegate: (exchange) => {
      const target = exchange.info.resource;
      if (target === undefined || !isServed(target.group, target.version)) return undefined;
      return serve(exchange, serving);
    },
    usages: rules.resourceRules && new RuledUsages({ rules: rules.resourceRules, source, kinds, pods, log }),
    close: () => {
      catalogue.close();
      source.close();
    },
  };
}

const byName = (a: RuledResource, b: RuledResource) => (a.name < b.name ? -1 : 1);

async function serve(exchange: Exchange, deps: ServeDeps): Promise<void> {
  const { request, response, info, enter, cancellation } = exchange;
  refuseLeaseClaim(request.headers);
  await enter();
  const output = negotiate(header(request.headers, "accept"), {
    tables: false,
    metadata: false,
    protobuf: false,
    forPeople: isForPeople(info.query, header(request.headers, "user-agent")),
  });
  const asked = info.resource?.group === customGroup ? customMetric : externalMetric;
  const body = await asked(info, deps, cancellation.signal);
  await send(request, response, {
    code: 200,
    contentType: mediaTypes[output.format],
    body: bodyBytes(body, output),
  });
}
