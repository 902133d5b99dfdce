import type { ClusterFeeds } from "../api/cluster-feeds.ts";
import { endingCertificates } from "../model/certificates.ts";
import { ObjectLink } from "../ui/object-link.tsx";
import { PlainTable } from "../ui/plain-table.tsx";
import { useRecount } from "../ui/use-recount.ts";
import { requestKind } from "./kinds.ts";

const shown = 20;

/** Certificates that the cluster signed and that end soon; nothing where none does. */
export function EndingCertificates({ feeds }: { readonly feeds: ClusterFeeds }) {
  const source = feeds.of(requestKind);
  const ending = useRecount([source], () => endingCertificates(source?.objects() ?? [], Date.now()), {
    everyMs: 5_000,
  });
  if (ending.length === 0) return null;
  return (
    <section>
      <h2>Certificates near their end</h2>
      <PlainTable heads={["Ends", "Holder", "Signer", "Request"]}>
        {ending.slice(0, shown).map(({ request, signer, holder, endsMs }) => (
          <tr key={request}>
            <td class={endsMs < Date.now() ? "tone-bad" : "tone-warn"}>
              {endsMs < Date.now() ? "ended " : ""}
              {new Date(endsMs).toISOString().slice(0, 10)}
            </td>
            <td>{holder}</td>
            <td>{signer}</td>
            <td>
              <ObjectLink of={{ kind: "CertificateSigningRequest", name: request }} text={request} />
            </td>
          </tr>
        ))}
      </PlainTable>
    </section>
  );
}
