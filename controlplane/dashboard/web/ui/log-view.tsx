import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { LogStreams, logLimits } from "../api/log-streams.ts";
import { allows, rightsIn } from "../api/rights.ts";
import type { Level } from "../model/log-line.ts";
import { type LogSource, logSources, readRange, sourceKey } from "../model/log-sources.ts";
import { param } from "../route.ts";
import { LogBox } from "./log-box.tsx";
import { LogTools } from "./log-tools.tsx";
import { useObjects } from "./use-feed.ts";
import { useMatcher } from "./use-matcher.ts";

interface LogProps {
  readonly namespace: string;
  /** Which pods, as a list of pods is asked for. */
  readonly query: Readonly<Record<string, string>>;
}

/** The logs of pods, one or many, merged by time, as they come. */
export function LogView({ namespace, query }: LogProps) {
  const feed = useObjects(`/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`, query);
  void feed.version.value;
  const all = logSources(feed.items.values());
  const [pod, container] = [param("pod"), param("c")];
  const chosen = all.filter(
    (one) => (pod === "" || one.pod === pod) && (container === "" || one.container === container),
  );
  const [since, from, until] = [param("since"), param("from"), param("until")];
  const previous = param("prev") === "1";
  const scope = JSON.stringify([namespace, query, since, from, until, previous, pod, container]);
  const streams = useMemo(
    () => new LogStreams({ range: readRange({ since, from, until }), previous }),
    [scope],
  );
  useEffect(() => () => streams.close(), [streams]);
  const may = allows(rightsIn(namespace), { verb: "get", group: "", resource: "pods/log" });
  const isKnown = feed.state.value.is === "live";
  const state = chosen.map((one) => `${sourceKey(one)} ${one.hasStarted} ${one.isRunning}`).join();
  useEffect(() => {
    if (isKnown && may) streams.show(chosen);
  }, [streams, state, isKnown, may]);
  const { matcher, problem } = useMatcher(param("q"), param("re") === "1");
  const count = useSignal({ rows: 0, matches: 0, at: 0 });
  const refusals = [...streams.refusals.value];
  const started = chosen.filter(({ hasStarted }) => hasStarted).length;
  return (
    <div class="logs">
      <LogTools sources={all} count={count.value} streams={streams} problem={problem} />
      {!may && (
        <p class="banner banner-warn" role="status">
          You may not get pods/log here.
        </p>
      )}
      {started > logLimits.streamsMost && (
        <p class="banner banner-warn" role="status">
          {logLimits.streamsMost} of {started} containers are read at once, the oldest pods' first. Choose a
          pod or a container to see the others.
        </p>
      )}
      {refusals.length > 0 && (
        <p class="banner banner-warn" role="status">
          {refusals.slice(0, 3).map(([name, why]) => `${name}: ${why} `)}
          {refusals.length > 3 && `and ${refusals.length - 3} more`}
        </p>
      )}
      <LogBox
        streams={streams}
        matcher={matcher}
        onlyMatches={param("only") === "1"}
        leastLevel={(param("level") || undefined) as Level | undefined}
        wraps={param("wrap") === "1"}
        showsTime={param("ts") === "1"}
        readsJson={param("raw") !== "1"}
        namesSource={isSeveral(chosen)}
        count={count}
      />
    </div>
  );
}

const isSeveral = (sources: readonly LogSource[]): boolean => sources.length > 1;
