import type { Os, Running } from "../os/os.ts";
import type { TracingConfig } from "./config.ts";

/** Starts a part of the program that traces, and sends its last spans when it has ended. Nothing is loaded for one that does not.
 *  @param name `service.name`. */
export async function withTracing<R extends Running>(
  config: TracingConfig | undefined,
  { name, instance }: { readonly name: string; readonly instance?: string | undefined },
  os: Os,
  start: (os: Os) => Promise<R>,
): Promise<R> {
  if (config === undefined) return start(os);
  const { openTracing } = await import("./open-tracing.ts");
  const resource = { "service.name": name, ...(instance && { "service.instance.id": instance }) };
  const tracing = openTracing(config, { resource, scope: "pintle" }, os);
  const started = await start({ ...os, tracer: tracing.tracer }).catch(async (error: unknown) => {
    await tracing.close();
    throw error;
  });
  const done = started.done.finally(() => tracing.close());
  const stop = async (signal?: string) => {
    await started.stop(signal);
    await tracing.close();
  };
  return { ...started, done, stop };
}
