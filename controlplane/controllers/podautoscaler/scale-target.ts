import type { Clock } from "../../../base/os/clock.ts";
import { sleep } from "../../../base/os/clock.ts";
import { isConflict } from "../../../client/api-error.ts";
import type * as models from "../../../client/models.ts";
import { objectPath } from "../../../client/paths.ts";
import type { KubeObject, Resource } from "../../../client/types.ts";
import type { ControllerClient, ControllerContext } from "../controller.ts";
import { answerProblem } from "./answer-problem.ts";

export type Scale = models.Scale;

/** An autoscaler's target as a number of replicas, whatever kind it is. */
export interface ScaleTarget {
  readonly resource: Resource<KubeObject>;
  readonly namespace: string;
  readonly name: string;
  readonly scale: Scale;
}

/** Why there is no scale to be read, in Kubernetes' words. */
export class ScaleProblem extends Error {
  override readonly name = "ScaleProblem";
  /** The autoscaler itself says something that means nothing. */
  readonly isSpec: boolean;

  constructor(message: string, isSpec = false) {
    super(message);
    this.isSpec = isSpec;
  }
}

const conflictAttemptsMax = 5;
const conflictPauseMs = 10;

export interface ScaleDeps {
  readonly client: Pick<ControllerClient, "raw">;
  readonly served: Pick<ControllerContext["served"], "current">;
  readonly clock: Clock;
}

/** Rejects with ScaleProblem. */
export async function readScale(
  { client, served }: ScaleDeps,
  namespace: string,
  {
    apiVersion = "",
    kind,
    name,
  }: { readonly apiVersion?: string; readonly kind: string; readonly name: string },
  signal: AbortSignal,
): Promise<ScaleTarget> {
  const parts = apiVersion.split("/");
  if (parts.length > 2) throw new ScaleProblem(`unexpected GroupVersion string: ${apiVersion}`, true);
  const group = parts.length === 2 ? (parts[0] ?? "") : "";
  const resource = (await served.current(signal)).find((one) => one.group === group && one.kind === kind);
  if (resource === undefined)
    throw new ScaleProblem(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`);
  const qualified = group === "" ? resource.plural : `${resource.plural}.${group}`;
  try {
    const scale = await getScale(client, resource, { namespace, name }, signal);
    return { resource, namespace, name, scale };
  } catch (error) {
    throw new ScaleProblem(answerProblem(error, `get ${qualified} ${name}`, signal));
  }
}

async function getScale(
  client: Pick<ControllerClient, "raw">,
  resource: Resource<KubeObject>,
  ref: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<Scale> {
  const path = objectPath(resource, ref, "scale");
  return JSON.parse(await client.raw("GET", path, undefined, { signal })) as Scale;
}

/** Gives the target so many replicas. Where it changed meanwhile, again on what it is now. Rejects with ScaleProblem. */
export async function writeScale(
  { client, clock }: ScaleDeps,
  { resource, namespace, name, scale }: ScaleTarget,
  replicas: number,
  signal: AbortSignal,
): Promise<void> {
  const path = objectPath(resource, { namespace, name }, "scale");
  let current = scale;
  for (let attempt = 1; ; attempt++)
    try {
      const body = { ...current, spec: { ...current.spec, replicas } };
      await client.raw("PUT", path, body, { signal });
      return;
    } catch (error) {
      if (!isConflict(error) || attempt === conflictAttemptsMax)
        throw new ScaleProblem(answerProblem(error, `put ${resource.plural} ${name}`, signal));
      await sleep(clock, conflictPauseMs, signal);
      current = await getScale(client, resource, { namespace, name }, signal).catch((problem: unknown) => {
        throw new ScaleProblem(answerProblem(problem, `get ${resource.plural} ${name}`, signal));
      });
    }
}
