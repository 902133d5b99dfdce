import { useSignal } from "@preact/signals";
import type { Tone } from "../../../../client/rules/tone.ts";
import { toneSigns } from "../../../../client/rules/tone.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { allows, rightsIn } from "../api/rights.ts";
import {
  type DrainPlan,
  type DrainStep,
  type DrainTick,
  drainSummary,
  planFor,
  podKey,
} from "../model/drain-plan.ts";
import { to } from "../route.ts";
import { PlainTable } from "../ui/plain-table.tsx";
import { useObjects } from "../ui/use-feed.ts";
import { beginDrain, drains } from "./drain-run.ts";

const tickTexts: Readonly<Record<DrainTick, string>> = {
  unmanaged: "Evict pods that nobody makes anew",
  emptyDir: "Evict pods whose data on this node (emptyDir) is lost with them",
};

/** What a drain of a node would do, and how one goes. */
export function DrainView({ node }: { readonly node: KubeObject }) {
  const { name } = node.metadata;
  const pods = useObjects("/api/v1/pods", { fieldSelector: `spec.nodeName=${name}` });
  const daemonSets = useObjects("/apis/apps/v1/daemonsets");
  void [pods.version.value, daemonSets.version.value];
  const ticks = useSignal<ReadonlySet<DrainTick>>(new Set());
  const grace = useSignal("");
  const run = drains.value.get(name);
  const isRunning = run?.state.value === "running";
  const rights = rightsIn("");
  const may =
    allows(rights, { verb: "patch", group: "", resource: "nodes", name }) &&
    allows(rights, { verb: "create", group: "", resource: "pods/eviction" });

  const here = [...pods.items.values()].sort((a, b) => podKey(a).localeCompare(podKey(b)));
  const lost = lostAmong(here, daemonSets.state.value.is === "live" ? daemonSets.items : undefined);
  const plans = here.map((pod) => ({ pod, plan: planFor(pod, ticks.value, lost) }));
  const all = new Set<DrainTick>(here.flatMap((pod) => neededOf(planFor(pod, new Set(), lost))));
  const evicted = plans.filter(({ plan }) => plan.is === "evict").map(({ pod }) => pod);
  const held = plans.filter(({ plan }) => plan.is === "needs").length;
  const isKnown = pods.state.value.is === "live" && daemonSets.state.value.is !== "loading";
  const cannot = !may
    ? "You may not evict pods here"
    : !isKnown
      ? "What runs there is not known yet"
      : held > 0
        ? `${held} pods need a tick above`
        : undefined;
  // Of a drain that was stopped, nothing is asked for any more.
  const inRun = new Map(
    [...(run?.pods ?? [])].filter(([key]) => isRunning || !isOpen(run?.steps.value.get(key))),
  );
  return (
    <section class="drain">
      <p>
        A drain lets no new pods come to {name} and evicts those that can go, as far as their disruption
        budgets allow. Pods of DaemonSets and static pods stay.
      </p>
      {[...all].sort().map((tick) => (
        <label key={tick} class="check">
          <input
            type="checkbox"
            disabled={isRunning}
            checked={ticks.value.has(tick)}
            onChange={(event) => {
              const next = new Set(ticks.value);
              if (event.currentTarget.checked) next.add(tick);
              else next.delete(tick);
              ticks.value = next;
            }}
          />
          {tickTexts[tick]}
        </label>
      ))}
      <div class="tools tools-left">
        <label class="check">
          Grace period
          <input
            class="short"
            type="number"
            min="0"
            max="86400"
            placeholder="theirs"
            disabled={isRunning}
            value={grace.value}
            onInput={(event) => (grace.value = event.currentTarget.value)}
          />
          s
        </label>
        {isRunning ? (
          <button type="button" class="danger" onClick={() => run.stop()}>
            Stop
          </button>
        ) : (
          <button
            type="button"
            class="primary"
            disabled={cannot !== undefined}
            title={cannot}
            onClick={() =>
              beginDrain({
                node: name,
                pods: evicted,
                gracePeriodSeconds: grace.value === "" ? undefined : Number(grace.value),
              })
            }
          >
            Cordon and drain
          </button>
        )}
        {cannot !== undefined && !isRunning && <span class="quiet">{cannot}.</span>}
      </div>
      {run && <Progress steps={run.steps.value} state={run.state.value} why={run.why.value} />}
      <PlainTable heads={["Pod", "What", "Namespace", "Owner", "Note"]}>
        {[...inRun].map(([key, pod]) => (
          <StepRow key={key} pod={pod} step={run?.steps.value.get(key)} />
        ))}
        {plans
          .filter(({ pod }) => inRun.get(podKey(pod))?.metadata.uid !== pod.metadata.uid)
          .map(({ pod, plan }) => (
            <PodRow key={pod.metadata.uid} pod={pod} look={planLook(plan)} />
          ))}
      </PlainTable>
      {isKnown && here.length === 0 && !run && <p class="empty">No pods are on this node.</p>}
    </section>
  );
}

const isOpen = (step: DrainStep | undefined): boolean => step?.is === "asking" || step?.is === "blocked";

const neededOf = (plan: DrainPlan): readonly DrainTick[] => (plan.is === "needs" ? plan.ticks : []);

/** DaemonSets that pods name and that are not there, where all are known. */
function lostAmong(
  pods: readonly KubeObject[],
  daemonSets: ReadonlyMap<string, KubeObject> | undefined,
): ReadonlySet<string> {
  if (daemonSets === undefined) return new Set();
  const named = pods.flatMap(({ metadata }) =>
    (metadata.ownerReferences ?? [])
      .filter(({ controller, kind }) => controller && kind === "DaemonSet")
      .map((owner) => `${metadata.namespace}/${owner.name}`),
  );
  return new Set(named.filter((key) => !daemonSets.has(key)));
}

function Progress({
  steps,
  state,
  why,
}: {
  readonly steps: ReadonlyMap<string, DrainStep>;
  readonly state: "running" | "stopped" | "over";
  readonly why: string;
}) {
  const { text } = drainSummary(steps.values());
  const hasFailed = [...steps.values()].some(({ is }) => is === "failed");
  const heads = {
    running: "Draining",
    stopped: "Stopped; the node stays cordoned",
    over: "Drained",
  } as const;
  const gone = [...steps.values()].filter(({ is }) => is === "gone").length;
  return (
    <div class={hasFailed || why ? "banner banner-bad" : "banner banner-warn"} role="status">
      <p class="drain-head">
        <strong>{hasFailed && state === "over" ? "Not all pods could be evicted" : heads[state]}</strong>:{" "}
        {text}. {why}
      </p>
      <meter min={0} max={Math.max(1, steps.size)} value={gone} aria-label="Pods that are gone" />
    </div>
  );
}

interface Look {
  readonly tone: Tone;
  readonly what: string;
  readonly note: string;
}

function planLook(plan: DrainPlan): Look {
  switch (plan.is) {
    case "evict":
      return { tone: "busy", what: "is to go", note: plan.note };
    case "stays":
      return { tone: "quiet", what: "stays", note: plan.why };
    case "needs":
      return { tone: "warn", what: "needs a tick", note: plan.why };
  }
}

const stepLooks: Readonly<Record<DrainStep["is"], readonly [Tone, string]>> = {
  asking: ["busy", "is being evicted"],
  blocked: ["warn", "blocked"],
  ending: ["busy", "is ending"],
  gone: ["good", "gone"],
  failed: ["bad", "failed"],
};

function StepRow({ pod, step }: { readonly pod: KubeObject; readonly step: DrainStep | undefined }) {
  const [tone, what] = stepLooks[step?.is ?? "asking"];
  const note =
    step?.is === "blocked" ? `${step.why} It is asked again.` : step?.is === "failed" ? step.why : "";
  return <PodRow pod={pod} look={{ tone, what, note }} />;
}

function PodRow({ pod, look: { tone, what, note } }: { readonly pod: KubeObject; readonly look: Look }) {
  const { namespace = "_", name, ownerReferences } = pod.metadata;
  const owner = ownerReferences?.find((one) => one.controller);
  return (
    <tr>
      <td>
        <a href={to(["k", "core", "pods", namespace, name])}>{name}</a>
      </td>
      <td class={`tone-${tone}`}>
        <span aria-hidden="true">{toneSigns[tone]} </span>
        {what}
      </td>
      <td>{namespace}</td>
      <td>{owner ? `${owner.kind} ${owner.name}` : <span class="quiet">none</span>}</td>
      <td class="quiet">{note}</td>
    </tr>
  );
}
