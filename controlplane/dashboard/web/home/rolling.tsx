import type { ClusterFeeds } from "../api/cluster-feeds.ts";
import { rolloutsOf } from "../model/rollouts.ts";
import { ObjectLink } from "../ui/object-link.tsx";
import { PlainTable } from "../ui/plain-table.tsx";
import { Age } from "../ui/table.tsx";
import { UsageBar } from "../ui/usage-bar.tsx";
import { useRecount } from "../ui/use-recount.ts";
import { workloadKinds } from "./kinds.ts";

const shown = 20;

/** What is being rolled out, or runs to its end. */
export function Rolling({ feeds }: { readonly feeds: ClusterFeeds }) {
  const sources = Object.values(workloadKinds).map((kind) => feeds.of(kind));
  const rollouts = useRecount(sources, () => rolloutsOf(sources.flatMap((one) => one?.objects() ?? [])));
  return (
    <section>
      <h2>Under way</h2>
      {rollouts.length === 0 ? (
        <p class="empty">Nothing is being rolled out, and no job runs.</p>
      ) : (
        <PlainTable heads={["What", "Done", "For", "It waits for"]}>
          {rollouts.slice(0, shown).map(({ kind, name, namespace, done, all, says, isStuck, since }) => (
            <tr key={`${kind} ${namespace} ${name}`}>
              <td>
                <ObjectLink of={{ kind, name, namespace }} />
                <div class="quiet">{namespace}</div>
              </td>
              <td>
                <span class="bar">
                  <UsageBar used={done} all={all} /> {done} / {all}
                </span>
              </td>
              <td>
                <Age of={since} />
              </td>
              <td class={isStuck ? "tone-bad" : ""}>
                {isStuck && <span aria-hidden="true">✕ </span>}
                {says}
              </td>
            </tr>
          ))}
        </PlainTable>
      )}
      {rollouts.length > shown && <p class="quiet">and {rollouts.length - shown} more</p>}
    </section>
  );
}
