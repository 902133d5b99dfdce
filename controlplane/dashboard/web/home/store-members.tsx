import { useSignal } from "@preact/signals";
import { allowsPath, rightsIn } from "../api/rights.ts";
import { callJson, Refusal } from "../api/session.ts";
import { bytesText } from "../model/amounts.ts";
import { type MemberLine, memberLines, type StoreMember, secondsText } from "../model/store.ts";
import { PlainTable } from "../ui/plain-table.tsx";
import { usePolled } from "../ui/poll.ts";
import { Value } from "../ui/table.tsx";
import { UsageBar } from "../ui/usage-bar.tsx";

const path = "/debug/store";
const askedEveryMs = 10_000;

/** The store's members: who leads, how far each is behind, how full its database is. Not there for who may not see them, and with an
 *  API server that does not tell. */
export function StoreMembers() {
  // Unlike with other rights, nothing is asked before it is known that it may be.
  const rights = rightsIn("");
  const isKnown = rights.rules.length > 0 || rights.paths.length > 0;
  const isAbsent = useSignal(false);
  if (!isKnown || !allowsPath(rights, path) || isAbsent.value) return null;
  return (
    <Members
      onAbsent={() => {
        isAbsent.value = true;
      }}
    />
  );
}

function Members({ onAbsent }: { readonly onAbsent: () => void }) {
  const before = useSignal<readonly StoreMember[]>([]);
  const now = usePolled(async (signal) => {
    const { members } = await callJson<{ members: readonly StoreMember[] }>(path, { signal }).catch(
      (error: unknown) => {
        // Other API servers do not tell, and are not asked again.
        if (error instanceof Refusal && (error.code === 404 || error.code === 403)) onAbsent();
        throw error;
      },
    );
    const lines = memberLines(members, before.value);
    before.value = members;
    return lines;
  }, askedEveryMs);
  if (now === undefined) return null;
  return (
    <section>
      <h2>Store</h2>
      <PlainTable heads={["Member", "Role", "Revision", "Behind", "Database", "Log fsync, p99"]}>
        {now.map((line) => (
          <Line key={line.id} of={line} />
        ))}
      </PlainTable>
    </section>
  );
}

const states: Readonly<Record<MemberLine["role"], string>> = {
  leader: "Active, leads",
  follower: "Active",
  learner: "Progressing, learner",
  unreachable: "Lost",
};

function Line({ of }: { readonly of: MemberLine }) {
  const { name, id, role, trouble, revision, lag, databaseBytes, databaseBytesInUse, databaseBytesMost } = of;
  return (
    <tr>
      <td>
        {name || <span class="mono">{id}</span>}
        {of.version && <span class="quiet"> {of.version}</span>}
        {trouble && <div class="tone-bad trouble">✕ {trouble}</div>}
      </td>
      <td>
        <Value column="Status" text={states[role]} />
      </td>
      {role === "unreachable" ? (
        <td colSpan={4} class="quiet">
          not known
        </td>
      ) : (
        <>
          <td>{revision.toLocaleString("en")}</td>
          <td>{lag === 0 ? "nothing" : `${lag.toLocaleString("en")} entries`}</td>
          <td>
            <span class="share">
              {databaseBytesMost > 0 && <UsageBar used={databaseBytes} all={databaseBytesMost} />}
              <span>
                {bytesText(databaseBytes)}
                <span class="quiet">
                  , {bytesText(databaseBytesInUse)} in use
                  {databaseBytesMost > 0 && `, at most ${bytesText(databaseBytesMost)}`}
                </span>
              </span>
            </span>
          </td>
          <td>{of.fsyncP99Seconds === undefined ? "not known" : secondsText(of.fsyncP99Seconds)}</td>
        </>
      )}
    </tr>
  );
}
