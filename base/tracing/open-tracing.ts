import type { Os } from "../os/os.ts";
import { collectorOf, type TracingConfig } from "./config.ts";
import type { Resource } from "./otlp-message.ts";
import { grpcSender } from "./send-grpc.ts";
import { httpSender } from "./send-http.ts";
import { SpanQueue } from "./span-queue.ts";
import { Tracer } from "./tracer.ts";

export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what is left. */
  close(): Promise<void>;
}

/** @param resource Who traces: `service.name`, `service.instance.id`. Throws where the endpoint is none. */
export function openTracing(
  { endpoint, ratePerMillion }: TracingConfig,
  { resource, scope }: { readonly resource: Resource; readonly scope: string },
  { clock, random, log, metrics }: Pick<Os, "clock" | "random" | "log" | "metrics">,
): Tracing {
  const to = collectorOf(endpoint);
  if (to === undefined) throw new Error(`${JSON.stringify(endpoint)} is no collector`);
  const sending = { resource, scope, clock, random };
  const sender = to.protocol === "http" ? httpSender(to.url, sending) : grpcSender(to.place, sending);
  const queue = new SpanQueue(sender, { clock, log: log.child("tracing"), metrics });
  return {
    tracer: new Tracer(ratePerMillion, { clock, random, ended: queue.add }),
    close: () => queue.close(),
  };
}
