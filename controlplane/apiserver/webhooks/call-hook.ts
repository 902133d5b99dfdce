import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { Random } from "../../../base/os/random.ts";
import type { Requester } from "../admission/admission.ts";
import type { AskedRequest, RequestForm } from "../admission/matching/asked-request.ts";
import { newUid } from "../registry/object-meta.ts";
import { type AdmissionAnswer, questionText, readAnswer, reviewVersion } from "./admission-review.ts";
import { type HookClients, shownUrl } from "./hook-client.ts";
import { dryRunRefused, HookDenial, HookFailure } from "./hook-failure.ts";
import type { Hook } from "./hooks.ts";
import type { WebhookMetrics } from "./metrics.ts";

export interface CallDeps {
  readonly clients: HookClients;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: WebhookMetrics;
}

/** Nobody has more to say to one request: an object of the largest size, patched as a whole, in base64. */
const answerBytesMax = 8 * 1024 * 1024;

export interface Asking {
  readonly hook: Hook;
  readonly asked: AskedRequest;
  readonly form: RequestForm;
  readonly by: Requester;
  readonly type: "admit" | "validating";
}

/** Asks a webhook once. Its warnings and annotations are passed on. Fails with HookFailure, HookDenial, with what the
 *  request's cancellation says, and with 400 where a dry run is nothing for it. */
export async function callHook(
  { clients, clock, random }: CallDeps,
  { hook, asked, form, by, type }: Asking,
): Promise<AdmissionAnswer> {
  const { name, timeoutSeconds, sideEffects } = hook;
  if (asked.dryRun && sideEffects !== "None" && sideEffects !== "NoneOnDryRun") throw dryRunRefused(name);
  const version = reviewVersion(hook.reviewVersions);
  if (version === undefined)
    throw new HookFailure(
      name,
      "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)",
      400,
    );
  const uid = newUid(random);
  const startedMs = clock.monotonicMs();
  const ended = new AbortController();
  const late = new Error("context deadline exceeded");
  const cancel = clock.after(timeoutSeconds * 1000, () => ended.abort(late));
  const { signal } = by.cancellation;
  const onAbort = () => ended.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const body = questionText({ uid, version, asked, form });
    const answer = await clients
      .post(hook.address, { body, timeoutSeconds, signal: ended.signal, answerBytesMax })
      .catch((error: unknown) => {
        if (signal.aborted) throw signal.reason;
        const why = error instanceof Error ? error.message : String(error);
        const url = shownUrl(hook.address, timeoutSeconds);
        throw new HookFailure(name, `failed to call webhook: Post ${JSON.stringify(url)}: ${why}`, 503);
      });
    const read = readAnswer(answer, { uid, version, mutates: type === "admit" });
    if ("problem" in read) {
      const what = read.stage === "call" ? "failed to call webhook" : "received invalid webhook response";
      throw new HookFailure(name, `${what}: ${read.problem}`, 503);
    }
    for (const [key, value] of Object.entries(read.answer.annotations)) by.annotate(`${name}/${key}`, value);
    for (const text of read.answer.warnings) if (isPrintable(text)) by.warn(text);
    if (!read.answer.allowed) throw new HookDenial(name, read.answer.result);
    return read.answer;
  } finally {
    cancel();
    by.waited?.(clock.monotonicMs() - startedMs);
    signal.removeEventListener("abort", onAbort);
  }
}

/** What holds control characters is no text for a header. */
const isPrintable = (text: string) => !/\p{Cc}/u.test(text);

/** Runs one call of a webhook and counts it. */
export async function counted<T>(
  { metrics, clock }: CallDeps,
  { hook, asked, type }: Asking,
  call: () => Promise<T>,
): Promise<T> {
  const startedMs = clock.monotonicMs();
  const labels = { name: hook.name, type, operation: asked.operation };
  const note = (code: number, rejected: boolean) => {
    metrics.seconds.observe(
      { ...labels, rejected: String(rejected) },
      (clock.monotonicMs() - startedMs) / 1000,
    );
    metrics.requests.inc({ ...labels, code: String(code), rejected: String(rejected) });
  };
  const reject = (errorType: string, code: number) =>
    metrics.rejections.inc({ ...labels, error_type: errorType, rejection_code: String(Math.min(code, 600)) });
  try {
    const result = await call();
    note(200, false);
    return result;
  } catch (error) {
    if (error instanceof HookFailure) {
      note(error.code, !hook.ignoresFailure);
      if (!hook.ignoresFailure) reject("calling_webhook_error", error.code);
    } else if (error instanceof HookDenial) {
      note(error.status.code, true);
      reject("no_error", error.status.code);
    } else {
      note(0, true);
      reject("apiserver_internal_error", 0);
    }
    throw error;
  }
}

/** What a failed call means: nothing where the webhook's failures are ignored, else what it throws. */
export function settle(
  { log, metrics }: CallDeps,
  { hook, by, type }: Asking,
  error: unknown,
  auditKey: string,
): void {
  if (error instanceof HookDenial) throw error.status;
  if (!(error instanceof HookFailure)) throw error;
  if (!hook.ignoresFailure) {
    log.warn("a webhook failed, and so did the request", { webhook: hook.name, why: error.message });
    throw error.refusal();
  }
  log.warn("a webhook failed, and is ignored", { webhook: hook.name, why: error.message });
  metrics.failOpen.inc({ name: hook.name, type });
  by.annotate(auditKey, hook.name);
}
