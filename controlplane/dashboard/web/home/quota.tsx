import type { ClusterFeeds } from "../api/cluster-feeds.ts";
import { quotaLines } from "../model/quotas.ts";
import { ObjectLink } from "../ui/object-link.tsx";
import { PlainTable } from "../ui/plain-table.tsx";
import { UsageBar } from "../ui/usage-bar.tsx";
import { useRecount } from "../ui/use-recount.ts";
import { quotaKind } from "./kinds.ts";

const shown = 20;

/** What namespaces may use, and do; nothing where no quota is set. */
export function Quotas({ feeds }: { readonly feeds: ClusterFeeds }) {
  const source = feeds.of(quotaKind);
  const lines = useRecount([source], () => quotaLines(source?.objects() ?? []));
  if (lines.length === 0) return null;
  return (
    <section>
      <h2>Quotas</h2>
      <PlainTable heads={["Namespace", "Quota", "Resource", "Used"]}>
        {lines.slice(0, shown).map(({ namespace, name, resource, share, text }) => (
          <tr key={`${namespace} ${name} ${resource}`}>
            <td>{namespace}</td>
            <td>
              <ObjectLink of={{ kind: "ResourceQuota", name, namespace }} text={name} />
            </td>
            <td>{resource}</td>
            <td>
              <span class="share">
                <UsageBar used={share} all={1} />
                <span class={share >= 1 ? "tone-warn" : ""}>
                  {text}
                  {share >= 1 && ", used up"}
                </span>
              </span>
            </td>
          </tr>
        ))}
      </PlainTable>
      {lines.length > shown && <p class="quiet">and {lines.length - shown} more</p>}
    </section>
  );
}
