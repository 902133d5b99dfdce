import type { ClusterFeeds } from "../api/cluster-feeds.ts";
import { foldEvents } from "../model/overview.ts";
import { ObjectLink } from "../ui/object-link.tsx";
import { PlainTable } from "../ui/plain-table.tsx";
import { Age } from "../ui/table.tsx";
import { useRecount } from "../ui/use-recount.ts";
import { eventKind } from "./kinds.ts";

const shown = 30;

/** What went wrong of late, folded by cause. */
export function Warnings({ feeds }: { readonly feeds: ClusterFeeds }) {
  const source = feeds.of(eventKind, { fieldSelector: "type=Warning" });
  const folded = useRecount([source], () => foldEvents(source?.objects() ?? []));
  return (
    <section>
      <h2>Warnings</h2>
      {source?.state.value.is === "refused" ? (
        <p class="empty">{source.state.value.why}</p>
      ) : folded.length === 0 ? (
        <p class="empty">None of the last hour.</p>
      ) : (
        <PlainTable>
          {folded.slice(0, shown).map(({ reason, message, count, lastSeen, objects: [first, ...rest] }) => (
            <tr key={`${reason} ${message}`}>
              <td>
                <Age of={lastSeen} />
              </td>
              <td>
                {reason} <span class="quiet">×{count}</span>
              </td>
              <td>
                {first && <ObjectLink of={first} />}
                {rest.length > 0 && <span class="quiet"> and {rest.length} more</span>}
              </td>
              <td class="quiet">{message}</td>
            </tr>
          ))}
        </PlainTable>
      )}
    </section>
  );
}
