import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from "node:http";
import type { AnyRoute, BackendTlsPolicy, HttpRoute } from "../../../client/gateway/gateway-types.ts";
import { gateway, gatewayClass, httpRoute } from "../../../client/gateway/testing/gateway-objects.ts";
import type { ConfigMap, Service } from "../../../client/types.ts";
import { planGateways } from "../gateways/gateway-plan.ts";
import { ServingRig } from "./serving-rig.ts";

const configMap = (name: string, text: string): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, uid: name, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
  data: { "ca.crt": text },
});

export interface GatewayAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers: IncomingHttpHeaders;
}

/** A node that answers for one Gateway at its port 80. Every Service is there but those named `none`. */
export class GatewayRig {
  readonly rig: ServingRig;
  readonly port: number;

  private constructor(rig: ServingRig, port: number) {
    this.rig = rig;
    this.port = port;
  }

  static async open(): Promise<GatewayRig> {
    const rig = await ServingRig.open();
    const { http } = await rig.serving.open({
      entry: "ns/gw:80",
      address: "127.0.0.1",
      http: 0,
      reachedBy: 80,
    });
    if (typeof http !== "number") throw new Error(`no port: ${http}`);
    return new GatewayRig(rig, http);
  }

  serve(rules: HttpRoute["spec"]["rules"]): void {
    this.serveRoutes([httpRoute("r", { ...(rules && { rules }) })]);
  }

  serveRoutes(
    routes: readonly AnyRoute[],
    {
      policies = [],
      authorities,
    }: { readonly policies?: readonly BackendTlsPolicy[]; readonly authorities?: string } = {},
  ): void {
    const service: Service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "x", uid: "x", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
      spec: { ports: [{ port: 80 }] },
    };
    const plan = planGateways({
      classes: [gatewayClass()],
      gateways: [gateway("gw")],
      routes,
      grants: [],
      policies,
      configMap: (key) => (authorities === undefined ? undefined : configMap(key, authorities)),
      namespaceLabels: () => undefined,
      service: (key) => (key.endsWith("/none") ? undefined : service),
    });
    for (const change of plan.changes.values()) this.rig.serving.apply(change);
  }

  ask(
    path: string,
    { body, headers, ...more }: RequestOptions & { readonly body?: string } = {},
  ): Promise<GatewayAnswer> {
    return new Promise((resolve, reject) => {
      const request = httpRequest({
        host: "127.0.0.1",
        port: this.port,
        agent: false,
        path,
        headers: { host: "a.test", ...headers },
        ...more,
      });
      request.on("response", async (response) => {
        let text = "";
        for await (const bytes of response) text += bytes;
        resolve({ status: response.statusCode ?? 0, text, headers: response.headers });
      });
      request.on("error", reject);
      request.end(body);
    });
  }
}
