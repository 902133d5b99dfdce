import type { Fault } from "../model/yaml-faults.ts";
import { DiffView } from "../ui/diff-view.tsx";
import type { Answer } from "./ask-server.ts";

const shownMost = 50;

/** What is wrong with a text, by lines, for whoever does not hover. */
export function FaultList({
  faults,
  text,
  onShow,
}: {
  readonly faults: readonly Fault[];
  readonly text: string;
  onShow(offset: number): void;
}) {
  if (faults.length === 0) return <p class="faults quiet">Nothing is wrong as far as the schema tells.</p>;
  return (
    <ul class="faults" aria-label="What is wrong">
      {faults.slice(0, shownMost).map(({ from, rule, message, isHint }) => (
        <li key={`${from} ${message}`}>
          <button type="button" class="fault" onClick={() => onShow(from)}>
            <span class={isHint ? "tone-warn" : "tone-bad"}>
              <span aria-hidden="true">{isHint ? "▲" : "✕"} </span>
              line {lineAt(text, from)}
            </span>{" "}
            {message} <span class="quiet">({rule})</span>
          </button>
        </li>
      ))}
      {faults.length > shownMost && <li class="quiet">and {faults.length - shownMost} more</li>}
    </ul>
  );
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** What would change, as the server sees it: with its defaults, and with what admission makes of it. */
export function Review({
  answer,
  before,
  after,
  isNew,
}: {
  readonly answer: Answer;
  readonly before: string;
  readonly after: string;
  readonly isNew: boolean;
}) {
  return (
    <section class="review">
      <h2 tabIndex={-1} ref={(head) => head?.focus()}>
        {isNew ? "What the server would make" : "What would change, as the server sees it"}
      </h2>
      {answer.warnings.map((warning) => (
        <p key={warning} class="banner banner-warn" role="status">
          {warning}
        </p>
      ))}
      {before === after ? (
        <p class="empty">Nothing would change.</p>
      ) : (
        <DiffView from={before} to={after} label="What would change" />
      )}
    </section>
  );
}
