import { parseExactJson } from "../../../base/exact-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import {
  applyDefaults,
  type Mutable,
  type Plugin,
  type Requester,
  Rounds,
  where,
} from "../admission/admission.ts";
import { type AskedRequest, askedConnection, askedRequest } from "../admission/matching/asked-request.ts";
import { isExempt } from "../admission/matching/rules.ts";
import { Answers } from "../admission/matching/variables.ts";
import { TwoTurns } from "../admission/two-turns.ts";
import { internalError } from "../api-error.ts";
import { goJsonError, goKindOf } from "../go-json-error.ts";
import { isObject, type JsonObject } from "../json.ts";
import { nestsTooDeep, tooDeep } from "../nesting.ts";
import { sameJson } from "../registry/object-meta.ts";
import type { Schemas } from "../schemas.ts";
import { type Asking, callHook, counted, settle } from "./call-hook.ts";
import { HookFailure } from "./hook-failure.ts";
import type { Hooks } from "./hooks.ts";
import { patchedObject } from "./patched-object.ts";
import { shouldAsk } from "./should-ask.ts";
import type { WebhookDeps } from "./validating.ts";

export interface MutatingDeps extends WebhookDeps {
  readonly schemas: Schemas;
}

const type = "admit";

/** Kubernetes' MutatingAdmissionWebhook: webhooks are asked one after the other, each sees what those before it made. Where
 *  one changes the object after another was asked that wants to see it again, all plugins have a second turn. */
export function mutatingWebhooks(deps: MutatingDeps, hooks: Hooks): Plugin {
  return {
    mutate: where(
      () => !hooks.areNone,
      async (attributes) => {
        const asked = askedRequest(attributes);
        if (!(await concernsSome(hooks, asked))) return;
        const turn = new Turn(deps, attributes.by, roundsOf(attributes), attributes);
        await turn.ask(hooks, asked, attributes.object);
      },
    ),
    mutateConnect: async (connection) => {
      const asked = askedConnection(connection);
      if (!(await concernsSome(hooks, asked))) return;
      await new Turn(deps, connection.by, new Rounds()).ask(hooks, asked, undefined);
    },
  };
}

const roundsOf = ({ rounds }: Mutable) => rounds ?? new Rounds();

async function concernsSome(hooks: Hooks, asked: AskedRequest): Promise<boolean> {
  return (await hooks.for(asked)).length > 0 && !isExempt(asked);
}

class Turn {
  readonly #deps: MutatingDeps;
  readonly #by: Requester;
  readonly #turns: TwoTurns;
  /** Undefined: there is no object. */
  readonly #write: Mutable | undefined;

  constructor(deps: MutatingDeps, by: Requester, rounds: Rounds, write?: Mutable) {
    this.#deps = deps;
    this.#by = by;
    this.#write = write;
    this.#turns = new TwoTurns(rounds, mutatingWebhooks);
  }

  async ask(hooks: Hooks, asked: AskedRequest, object: KubeObject | undefined): Promise<void> {
    this.#turns.begin(object);
    const answers = new Answers(this.#deps.authorizer);
    // Where the object is changed, in place, its labels may let others match.
    for (const hook of await hooks.for(asked)) {
      const form = await shouldAsk(this.#deps, hook, asked, { answers, type });
      if (form === undefined || !this.#turns.mayAsk(hook.id)) continue;
      const asking: Asking = { hook, asked, form, by: this.#by, type };
      const changed = await this.#askOne(asking, object);
      if (changed) this.#turns.changed();
      if (hook.reinvoked) this.#turns.wantsMore(hook.id);
    }
    this.#turns.end(object);
  }

  /** Whether it changed the object. */
  async #askOne(asking: Asking, object: KubeObject | undefined): Promise<boolean> {
    const { hook } = asking;
    const place = `round_${this.#turns.isSecond ? 1 : 0}_index_${hook.index}`;
    let changed = false;
    try {
      changed = await counted(this.#deps, asking, async () => {
        const { patch, patchType } = await callHook(this.#deps, asking);
        return patch !== "" && (await this.#apply(asking, { patch, patchType, object, place }));
      });
    } catch (error) {
      settle(this.#deps, asking, error, `failed-open.mutation.webhook.admission.k8s.io/${place}`);
    }
    const noted = { configuration: hook.configuration, webhook: hook.name, mutated: changed };
    this.#by.annotate(`mutation.webhook.admission.k8s.io/${place}`, JSON.stringify(noted));
    return changed;
  }

  async #apply({ hook, form }: Asking, given: GivenPatch): Promise<boolean> {
    const { patch, patchType, object, place } = given;
    const operations = operationsOf(hook.name, patch);
    if (operations.length === 0) return false;
    if (object === undefined)
      throw internalError(
        `admission webhook ${JSON.stringify(hook.name)} attempted to modify the object, which is not supported for this operation`,
      );
    if (patchType !== "JSONPatch")
      throw new HookFailure(hook.name, `unsupported patch type ${JSON.stringify(patchType)}`, 400);
    const next = await patchedObject(this.#deps.schemas, form, { object, operations });
    const changed = !sameJson(object, next);
    for (const field of Object.keys(object)) Reflect.deleteProperty(object, field);
    Object.assign(object, next);
    if (this.#write !== undefined) applyDefaults(this.#write, object);
    const { configuration, name: webhook } = hook;
    const noted = { configuration, webhook, patch: operations, patchType };
    this.#by.annotate(`patch.webhook.admission.k8s.io/${place}`, JSON.stringify(noted));
    return changed;
  }
}

interface GivenPatch {
  readonly patch: string;
  readonly patchType: string;
  readonly object: KubeObject | undefined;
  readonly place: string;
}

/** Of a patch around its values. */
const operationLevels = 2;

function operationsOf(hook: string, text: string): readonly JsonObject[] {
  const undecodable = (why: string) =>
    new HookFailure(hook, `received undecodable patch in webhook response: ${why}`, 503);
  let patch: unknown;
  try {
    patch = parseExactJson(text);
  } catch (error) {
    throw undecodable(goJsonError(text) ?? String(error));
  }
  if (nestsTooDeep(patch, operationLevels)) throw undecodable(tooDeep);
  if (patch === null) return [];
  if (Array.isArray(patch) && patch.every(isObject)) return patch;
  throw undecodable(`json: cannot unmarshal ${goKindOf(patch)} into Go value of type jsonpatch.Patch`);
}
