import { jsonLineOf, type LogLine, levelOf } from "../model/log-line.ts";
import type { LogSource } from "../model/log-sources.ts";
import { to } from "../route.ts";
import { Icon } from "./icons.tsx";

interface DetailsProps {
  readonly line: LogLine;
  readonly source: LogSource | undefined;
  onClose(): void;
}

/** One line with all that it says. */
export function LogDetails({ line, source, onClose }: DetailsProps) {
  const json = jsonLineOf(line.text);
  return (
    <section class="log-details" aria-label="Line">
      <div class="tools tools-left">
        <strong>{line.stamp || new Date(line.atUs / 1000).toISOString()}</strong>
        {source && (
          <a href={to(["k", "core", "pods", source.namespace, source.pod])}>
            {source.pod}/{source.container}
          </a>
        )}
        <span class="quiet">{levelOf(line.text)}</span>
        <button type="button" onClick={() => void navigator.clipboard.writeText(line.text)}>
          <Icon name="copy" /> Copy
        </button>
        <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {json ? (
        <dl class="facts">
          {json.message && (
            <>
              <dt>message</dt>
              <dd>{json.message}</dd>
            </>
          )}
          {json.fields.map(([name, value]) => [
            <dt key={`${name} name`}>{name}</dt>,
            <dd key={name} class="mono">
              {value}
            </dd>,
          ])}
        </dl>
      ) : (
        <pre>{line.text}</pre>
      )}
    </section>
  );
}
