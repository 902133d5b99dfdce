import { type Plugin, type Requester, where } from "../admission/admission.ts";
import { type AskedRequest, askedConnection, askedRequest } from "../admission/matching/asked-request.ts";
import { isExempt } from "../admission/matching/rules.ts";
import { Answers } from "../admission/matching/variables.ts";
import type { Authorizer } from "../filters/authorizer.ts";
import { type Asking, type CallDeps, callHook, counted, settle } from "./call-hook.ts";
import type { Hooks } from "./hooks.ts";
import { type ShouldAskDeps, shouldAsk } from "./should-ask.ts";

export interface WebhookDeps extends CallDeps, ShouldAskDeps {
  readonly authorizer: Authorizer;
}

/** Kubernetes' ValidatingAdmissionWebhook: all webhooks that the request concerns are asked at once, and each may refuse. */
export function validatingWebhooks(deps: WebhookDeps, hooks: Hooks): Plugin {
  return {
    validate: where(
      () => !hooks.areNone,
      (attributes) => askAll(deps, hooks, askedRequest(attributes), attributes.by),
    ),
    validateConnect: (connection) => askAll(deps, hooks, askedConnection(connection), connection.by),
  };
}

const type = "validating";

async function askAll(deps: WebhookDeps, hooks: Hooks, asked: AskedRequest, by: Requester): Promise<void> {
  const candidates = await hooks.for(asked);
  if (candidates.length === 0 || isExempt(asked)) return;
  const answers = new Answers(deps.authorizer);
  const askings: Asking[] = [];
  for (const hook of candidates) {
    const form = await shouldAsk(deps, hook, asked, { answers, type });
    if (form !== undefined) askings.push({ hook, asked, form, by, type });
  }
  const ends = await Promise.allSettled(askings.map((asking, at) => ask(deps, asking, at)));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

async function ask(deps: WebhookDeps, asking: Asking, at: number): Promise<void> {
  try {
    await counted(deps, asking, () => callHook(deps, asking));
  } catch (error) {
    settle(deps, asking, error, `failed-open.validating.webhook.admission.k8s.io/round_0_index_${at}`);
  }
}
