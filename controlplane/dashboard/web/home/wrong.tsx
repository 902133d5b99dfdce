import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ClusterFeeds } from "../api/cluster-feeds.ts";
import { FindingView } from "../ui/findings.tsx";
import type { LiveSurvey, Survey } from "../why/live-survey.ts";

const shown = 20;

/** Everything that is not well, each cause once, as `pintle why -A` says it. The analysis is loaded when the page is there. */
export function Wrong({ feeds }: { readonly feeds: ClusterFeeds }) {
  const survey = useSignal<Survey>({ is: "looking" });
  useEffect(() => {
    survey.value = { is: "looking" };
    let live: LiveSurvey | undefined;
    let end = () => {};
    let isGone = false;
    import("../why/live-survey.ts").then(
      ({ LiveSurvey: Live }) => {
        if (isGone) return;
        live = new Live(feeds);
        end = live.state.subscribe((now) => {
          survey.value = now;
        });
      },
      (error: unknown) => {
        survey.value = { is: "failed", why: String(error) };
      },
    );
    return () => {
      isGone = true;
      end();
      live?.stop();
    };
  }, [feeds]);
  const now = survey.value;
  return (
    <section aria-busy={now.is === "looking"}>
      <h2>Not well</h2>
      {now.is === "looking" && <p class="empty">Looking …</p>}
      {now.is === "failed" && <p class="empty">It could not be looked into: {now.why}</p>}
      {now.is === "known" && <Known of={now} />}
    </section>
  );
}

function Known({ of: { folds, unread } }: { readonly of: Survey & { readonly is: "known" } }) {
  return (
    <div class="findings">
      {folds.length === 0 && unread.length === 0 && <p class="empty">Everything that should run does.</p>}
      {folds.length === 0 && unread.length > 0 && <p class="empty">Nothing of what you may see is wrong.</p>}
      {folds.slice(0, shown).map(({ finding, subjects }) => (
        <FindingView
          key={`${finding.code} ${finding.cause} ${finding.object.namespace}`}
          finding={finding}
          subjects={subjects}
        />
      ))}
      {folds.length > shown && (
        <p class="quiet">
          and {folds.length - shown} more causes: <code>pintle why -A</code> says them all
        </p>
      )}
      {unread.length > 0 && (
        <details class="quiet">
          <summary>
            {unread.length === 1 ? "One thing was" : `${unread.length} things were`} not for you to look at
          </summary>
          <ul>
            {unread.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
