import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { canForward, closeForward, forwards, lookAtForwards, openForward } from "../api/forwards.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { allows, rightsIn } from "../api/rights.ts";
import { portsOf } from "../model/ports.ts";
import { PlainTable } from "./plain-table.tsx";

const elsewhere =
  "This dashboard is served from another machine, whose ports a browser here does not reach: use kubectl port-forward";

/** The ports of a pod or service, each to be opened in a tab of its own. Shows nothing for other kinds. */
export function Ports({ kindKey, object }: { readonly kindKey: string; readonly object: KubeObject }) {
  const isPod = kindKey === "core/pods";
  const isOurs = isPod || kindKey === "core/services";
  const { namespace = "", name } = object.metadata;
  const other = useSignal("");
  const schemes = useSignal<Readonly<Record<number, "http" | "https">>>({});
  const why = useSignal("");
  useEffect(() => {
    if (isOurs) void lookAtForwards();
  }, [isOurs]);
  if (!isOurs) return null;
  const may = allows(rightsIn(namespace), {
    verb: "create",
    group: "",
    resource: "pods/portforward",
    ...(isPod && { name }),
  });
  const kind = isPod ? ("pod" as const) : ("service" as const);
  const open = async (port: number, scheme: "http" | "https") => {
    why.value = "";
    try {
      await openForward({ kind, namespace, name, port, scheme });
    } catch (error) {
      why.value = error instanceof Error ? error.message : String(error);
    }
  };
  const refusal = !may
    ? "You may not create pods/portforward here"
    : canForward.value
      ? undefined
      : elsewhere;
  return (
    <section aria-label="Ports">
      <h2>Ports</h2>
      <PlainTable heads={["Port", "Protocol", isPod ? "Container" : "Name", "Open"]}>
        {portsOf(kindKey, object).map((line) => {
          const scheme = schemes.value[line.port] ?? line.scheme;
          const open1 = forwards.value?.find(
            (one) =>
              one.kind === kind && one.namespace === namespace && one.name === name && one.port === line.port,
          );
          return (
            <tr key={`${line.container} ${line.port} ${line.protocol}`}>
              <td>
                {line.port}
                {isPod && line.name && <span class="quiet"> {line.name}</span>}
              </td>
              <td>{line.protocol}</td>
              <td>{isPod ? line.container : line.name}</td>
              <td>
                {line.protocol === "TCP" && (
                  <span class="tools tools-left ports-tools">
                    <select
                      aria-label={`What port ${line.port} speaks`}
                      value={scheme}
                      onChange={({ currentTarget: { value } }) => {
                        schemes.value = { ...schemes.value, [line.port]: value as "http" | "https" };
                      }}
                    >
                      <option>http</option>
                      <option>https</option>
                    </select>
                    <button
                      type="button"
                      aria-label={`Open port ${line.port} in a new tab`}
                      disabled={refusal !== undefined}
                      title={refusal}
                      onClick={() => void open(line.port, scheme)}
                    >
                      Open ↗
                    </button>
                    {open1 && (
                      <button
                        type="button"
                        aria-label={`Close port ${line.port}`}
                        onClick={() => void closeForward(open1.id)}
                      >
                        Close
                      </button>
                    )}
                  </span>
                )}
              </td>
            </tr>
          );
        })}
        {isPod && (
          <tr>
            <td>
              <input
                type="number"
                min="1"
                max="65535"
                aria-label="Another port"
                placeholder="Another"
                value={other.value}
                onInput={(event) => (other.value = event.currentTarget.value)}
              />
            </td>
            <td>TCP</td>
            <td />
            <td>
              <button
                type="button"
                disabled={refusal !== undefined || !/^\d{1,5}$/.test(other.value)}
                title={refusal}
                onClick={() => void open(Number(other.value), "http")}
              >
                Open it ↗
              </button>
            </td>
          </tr>
        )}
      </PlainTable>
      {why.value && (
        <p class="banner banner-bad" role="alert">
          {why.value}
        </p>
      )}
    </section>
  );
}
