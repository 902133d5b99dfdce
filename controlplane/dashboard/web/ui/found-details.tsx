import { logfmtFields } from "../../../../client/logs/line-fields.ts";
import type { FoundFrom, FoundLine } from "../model/found-lines.ts";
import { sourceName } from "../model/found-lines.ts";
import { jsonLineOf, levelOf } from "../model/log-line.ts";
import { isAskable, readView, withField } from "../model/search-logs.ts";
import { param, setParams, to } from "../route.ts";
import { CopyButton } from "./copy-button.tsx";
import { Icon } from "./icons.tsx";

interface DetailsProps {
  readonly line: FoundLine;
  readonly source: FoundFrom | undefined;
  onClose(): void;
}

/** One line with all that it says and who wrote it; each field can be asked for. */
export function FoundDetails({ line, source, onClose }: DetailsProps) {
  const json = jsonLineOf(line.text);
  const fields = json?.fields ?? logfmtFields(line.text);
  return (
    <section class="log-details" aria-label="Line">
      <div class="tools tools-left">
        <strong>{line.stamp}</strong>
        <span class="quiet">{[levelOf(line.text), line.stream].filter(Boolean).join(", ")}</span>
        <CopyButton text={line.text} />
        <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {source && <From source={source} />}
      {json === undefined && <pre>{line.text}</pre>}
      {line.textBytes !== undefined && (
        <p class="quiet">This is the beginning of {line.textBytes.toLocaleString("en")} bytes.</p>
      )}
      {(json !== undefined || fields.length > 0) && (
        <dl class="facts">
          {json !== undefined && json.message !== "" && (
            <>
              <dt>message</dt>
              <dd>{json.message}</dd>
            </>
          )}
          {fields.map(([name, value]) => [
            <dt key={`${name} name`}>{name}</dt>,
            <dd key={name} class="mono">
              {value} {isAskable(name) && <Narrow name={name} value={value} />}
            </dd>,
          ])}
        </dl>
      )}
    </section>
  );
}

function Narrow({ name, value }: { readonly name: string; readonly value: string }) {
  const ask = (operator: "=" | "!=") =>
    setParams({ q: withField(readView(param).query, name, value, operator) });
  return (
    <span class="narrow">
      <button
        type="button"
        aria-label={`Only lines with ${name} ${value}`}
        title="Only these"
        onClick={() => ask("=")}
      >
        =
      </button>
      <button
        type="button"
        aria-label={`No lines with ${name} ${value}`}
        title="Without these"
        onClick={() => ask("!=")}
      >
        ≠
      </button>
    </span>
  );
}

/** Who wrote it, with ways there; labels narrow the search. */
function From({ source }: { readonly source: FoundFrom }) {
  const { kind, namespace = "", pod = "", container, node, restart = 0, labels = {} } = source;
  return (
    <div class="chips found-from">
      {kind === "container" ? (
        <>
          <a class="chip" href={to(["k", "core", "pods", namespace, pod])}>
            {namespace}/{pod}
          </a>
          <span class="chip">
            {container}
            {restart > 0 && `, run ${restart + 1}`}
          </span>
        </>
      ) : (
        <span class="chip">{sourceName(source)}</span>
      )}
      {node !== undefined && (
        <a class="chip" href={to(["k", "core", "nodes", "_", node])}>
          {node}
        </a>
      )}
      {Object.entries(labels).map(([key, value]) => (
        <button
          key={key}
          type="button"
          class="chip"
          title="Only pods with this label"
          onClick={() =>
            setParams({ labels: [readView(param).labels, `${key}=${value}`].filter(Boolean).join(",") })
          }
        >
          {key}={value}
        </button>
      ))}
    </div>
  );
}
