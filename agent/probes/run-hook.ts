import { type Clock, sleep } from "../../base/os/clock.ts";
import { describeError } from "../../base/os/log.ts";
import type { Container } from "../../client/types.ts";
import type { Runtime } from "../runtime/seam.ts";
import { type HttpGet, httpGet, NotTlsError } from "./http-get.ts";
import { type ProbeLimits, type ProbeTarget, runProbe } from "./run-probe.ts";

type Hook = NonNullable<NonNullable<Container["lifecycle"]>["preStop"]>;

export interface HookResult {
  readonly ok: boolean;
  readonly message: string;
  /** Of an event that tells how it went well after all. */
  readonly warning?: { readonly reason: string; readonly message: string };
}

/** A hook after the start or before the stop of a container. Never rejects: what goes wrong is a failure with its message. */
export async function runHook(
  hook: Hook,
  target: ProbeTarget,
  limits: ProbeLimits,
  { runtime, clock }: { readonly runtime: Runtime; readonly clock: Clock },
): Promise<HookResult> {
  if (hook.exec) return runProbe({ exec: hook.exec }, target, limits, runtime);
  try {
    if (hook.httpGet) return await tellOverHttp(hook.httpGet, target, limits);
    if (hook.sleep) {
      await sleep(clock, hook.sleep.seconds * 1000, limits.signal);
      return { ok: true, message: "" };
    }
  } catch (error) {
    return { ok: false, message: describeError(error) };
  }
  return { ok: false, message: `invalid handler: ${Object.keys(hook).join()}` };
}

/** Whatever the answer's code is: that the container was told is all that counts. */
async function tellOverHttp(get: HttpGet, target: ProbeTarget, limits: ProbeLimits): Promise<HookResult> {
  const { container, podIp } = target;
  const options = { container, podIp, ...limits, bodyBytesMost: 0, program: "kube-lifecycle" } as const;
  try {
    await httpGet(get, options);
    return { ok: true, message: "" };
  } catch (error) {
    // Kubernetes once asked over HTTP whatever the hook's scheme was.
    if (!(error instanceof NotTlsError)) throw error;
    const isSecret = ({ name }: { readonly name: string }) => name.toLowerCase() === "authorization";
    const httpHeaders = (get.httpHeaders ?? []).filter((header) => !isSecret(header));
    await httpGet({ ...get, scheme: "HTTP", httpHeaders }, options);
    const place = `${get.host || podIp}:${get.port}`;
    const message = `request to HTTPS lifecycle hook ${place} got HTTP response, retry with HTTP succeeded`;
    return { ok: true, message: "", warning: { reason: "LifecycleHTTPFallback", message } };
  }
}
