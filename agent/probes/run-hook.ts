import { type Clock, sleep } from "../../base/os/clock.ts";
import { describeError } from "../../base/os/log.ts";
import type { Container } from "../../client/types.ts";
import type { Runtime } from "../runtime/seam.ts";
import { type ProbeLimits, type ProbeResult, type ProbeTarget, requestHttp, runProbe } from "./run-probe.ts";

type Hook = NonNullable<NonNullable<Container["lifecycle"]>["preStop"]>;

/** A hook after the start or before the stop of a container. Never rejects: what goes wrong is a failure with its message. */
export async function runHook(
  hook: Hook,
  target: ProbeTarget,
  limits: ProbeLimits,
  { runtime, clock }: { readonly runtime: Runtime; readonly clock: Clock },
): Promise<ProbeResult> {
  if (hook.exec) return runProbe({ exec: hook.exec }, target, limits, runtime);
  try {
    if (hook.httpGet) {
      // Whatever the answer's code is: that the container was told is all that counts.
      await requestHttp(hook.httpGet, target, limits, "kube-lifecycle");
      return { ok: true, message: "" };
    }
    if (hook.sleep) {
      await sleep(clock, hook.sleep.seconds * 1000, limits.signal);
      return { ok: true, message: "" };
    }
  } catch (error) {
    return { ok: false, message: describeError(error) };
  }
  return { ok: false, message: `invalid handler: ${Object.keys(hook).join()}` };
}
