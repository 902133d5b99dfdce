import { useComputed } from "@preact/signals";
import type { ClusterFeeds } from "../api/cluster-feeds.ts";
import { call } from "../api/session.ts";
import { apiServersOf, type HealthCheck, healthChecks, leadershipsOf } from "../model/components.ts";
import { nowMs } from "../ui/clock.ts";
import { PlainTable } from "../ui/plain-table.tsx";
import { usePolled } from "../ui/poll.ts";
import { Age, Value } from "../ui/table.tsx";
import { useRecount } from "../ui/use-recount.ts";
import { leaseKind, sliceKind } from "./kinds.ts";

const askedEveryMs = 10_000;

const readChecks = async (signal: AbortSignal): Promise<readonly HealthCheck[]> => {
  try {
    return healthChecks(await (await call("/readyz?verbose", { accept: "text/plain", signal })).text());
  } catch (error) {
    // A server that is not ready says so with the same lines.
    const lines = healthChecks(error instanceof Error ? error.message : "");
    if (lines.length === 0) throw error;
    return lines;
  }
};

/** The parts of the control plane: who is there, who leads and since when. */
export function ControlPlane({ feeds }: { readonly feeds: ClusterFeeds }) {
  const leases = feeds.of(leaseKind, {}, "kube-system");
  const slices = feeds.of(sliceKind, { labelSelector: "kubernetes.io/service-name=kubernetes" }, "default");
  const checks = usePolled(readChecks, askedEveryMs);
  const servers = useRecount([slices], () => apiServersOf(slices?.objects() ?? []));
  const held = useRecount([leases], () => leases?.objects() ?? []);
  // A lease that nobody renews changes by time alone.
  const leading = useComputed(() => leadershipsOf(held, Math.floor(nowMs.value / 1000) * 1000));
  const failing = checks?.filter(({ isWell }) => !isWell) ?? [];
  const isHidden = leases?.state.value.is === "refused" && slices?.state.value.is === "refused";
  if (isHidden) return null;
  return (
    <section>
      <h2>Control plane</h2>
      <PlainTable heads={["Part", "State", "Who", "For"]}>
        {servers.map(({ address, isReady }) => (
          <tr key={address}>
            <td>API server</td>
            <td>
              <Value column="Status" text={isReady ? "Ready" : "NotReady"} />
            </td>
            <td class="mono">{address}</td>
            <td />
          </tr>
        ))}
        <tr>
          <td>Checks</td>
          <td>
            {checks === undefined ? (
              <span class="quiet">not known</span>
            ) : (
              <Value column="Status" text={failing.length === 0 ? "Ready" : "NotReady"} />
            )}
          </td>
          <td class={failing.length > 0 ? "tone-bad" : "quiet"}>
            {failing.length > 0
              ? `failing: ${failing.map(({ name }) => name).join(", ")}`
              : checks && `${checks.length} of ${checks.length} pass`}
          </td>
          <td />
        </tr>
        {leading.value.map(({ name, holder, since, isHeld, transitions }) => (
          <tr key={name}>
            <td>{name}</td>
            <td>
              <Value column="Status" text={isHeld ? "Active" : "Lost"} />
            </td>
            <td>
              {isHeld ? (
                <>
                  <span class="mono">{holder}</span>
                  <span class="quiet"> leads{transitions > 0 ? `, after ${transitions} changes` : ""}</span>
                </>
              ) : (
                "nobody leads"
              )}
            </td>
            <td>{isHeld && <Age of={since} />}</td>
          </tr>
        ))}
      </PlainTable>
    </section>
  );
}
