import { type Tone, toneSigns } from "../../../../client/rules/tone.ts";
import type { Evidence, Finding, ObjectName } from "../../../../client/why/finding.ts";
import { CopyButton } from "./copy-button.tsx";
import { ObjectLink } from "./object-link.tsx";

const tones: Readonly<Record<Finding["severity"], Tone>> = {
  error: "bad",
  warning: "warn",
  info: "busy",
  well: "good",
};
const subjectsShown = 4;
const evidenceShown = 6;

interface FindingProps {
  readonly finding: Finding;
  /** What has it; of an object's own page nothing. */
  readonly subjects?: readonly ObjectName[];
  readonly isOpen?: boolean;
}

/** A cause, what it is known by, and what to do next: in the words of `pintle why`. */
export function FindingView({ finding, subjects = [], isOpen = false }: FindingProps) {
  const { severity, through, cause, evidence, change, next } = finding;
  const tone = tones[severity];
  const more = subjects.length - subjectsShown;
  return (
    <details class="finding" open={isOpen}>
      <summary>
        <span class={`tone-${tone} finding-word`}>
          <span aria-hidden="true">{toneSigns[tone]} </span>
          {severity}
        </span>
        <span>
          {[...through, cause].join(": ")}
          {subjects.length > 0 && (
            <span class="quiet">
              {" "}
              {subjects.length === 1 ? placeText(subjects[0]) : `${subjects.length} objects`}
            </span>
          )}
        </span>
      </summary>
      <div class="finding-body">
        {subjects.length > 0 && (
          <p>
            In{" "}
            {subjects.slice(0, subjectsShown).map((one, at) => (
              <span key={placeText(one)}>
                {at > 0 && ", "}
                <ObjectLink of={one} text={placeText(one)} />
              </span>
            ))}
            {more > 0 && <span class="quiet"> and {more} more</span>}
          </p>
        )}
        {evidence.length > 0 && (
          <ul class="evidence">
            {evidence.slice(0, evidenceShown).map((one) => (
              <li key={`${one.field} ${one.says}`}>
                <EvidenceView of={one} />
              </li>
            ))}
          </ul>
        )}
        {change.length > 0 && (
          <p>
            <span class="quiet">To change:</span> {change.join("; ")}
          </p>
        )}
        {next.map((line) => (
          <p key={line} class="next">
            <code>{line}</code>
            <CopyButton text={line} />
          </p>
        ))}
      </div>
    </details>
  );
}

function EvidenceView({ of: { object, field, says } }: { readonly of: Evidence }) {
  if (object === undefined) return field === "output" ? <code>{says}</code> : <span>{says}</span>;
  return (
    <>
      <ObjectLink of={object} /> <span class="quiet">{field}:</span> {says}
    </>
  );
}

const placeText = (of: ObjectName | undefined): string =>
  of === undefined
    ? ""
    : `${of.namespace === undefined ? "" : `${of.namespace}/`}${of.kind.toLowerCase()}/${of.name}`;
