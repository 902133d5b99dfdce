import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Kind } from "../api/discovery.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { schemaOf } from "../api/schemas.ts";
import { Refusal } from "../api/session.ts";
import { suggestionsAt } from "../model/completions.ts";
import { editablePart } from "../model/editable.ts";
import type { Side } from "../model/merge-objects.ts";
import type { SchemaNode } from "../model/schema.ts";
import { readYaml, schemaFaults, serverFaults } from "../model/yaml-faults.ts";
import { inOrderOf, rewrite, yamlText } from "../model/yaml-text.ts";
import { type Answer, send } from "./ask-server.ts";
import { type CodeEditor, openEditor } from "./code-editor.ts";
import { Meanwhile } from "./collisions.tsx";
import { draftOf, dropDraft, keepDraft } from "./drafts.ts";
import { FaultList, Review } from "./edit-parts.tsx";
import { changersOf, standingOf } from "./edit-state.ts";

export interface EditProps {
  readonly kind: Kind;
  readonly namespace: string;
  /** Under which a text that is not saved is kept, and how it is called meanwhile. */
  readonly draftKey: string;
  readonly title: string;
  readonly href: string;
  /** What is edited, as it is now. Undefined: it is to be made, not known right now, or not there any more. */
  readonly live: KubeObject | undefined;
  readonly isGone?: boolean;
  /** With what a new object begins. Undefined: `live` is edited. */
  readonly skeleton?: string;
  /** The kind that a text is of, when it is to be made. */
  readonly kindOfText?: (written: KubeObject) => Kind | string;
  /** The person is done: with the object as it is now, or without having saved. */
  onDone(saved: KubeObject | undefined): void;
  /** To make an object again that was deleted under the editor. */
  onAgain?(text: string): void;
}

/** Longer texts are read when their writer rests, so that letters do not wait for it. */
const readAtOnceMost = 20_000;
const restMs = 250;

type Phase =
  | { readonly is: "writing" }
  | { readonly is: "asking" }
  | { readonly is: "review"; readonly answer: Answer; readonly before: string; readonly after: string };

/** An editor of one object: written, looked at as the server sees it, then saved. */
export function EditPanel(props: EditProps) {
  const { kind, namespace, draftKey, live, title, href } = props;
  const scope = { hasStatusApart: kind.subresources.includes("status") };
  const first = useMemo(() => {
    const text = props.skeleton ?? (live === undefined ? "" : yamlText(editablePart(live, scope)));
    return draftOf(draftKey) ?? { text, base: props.skeleton === undefined ? live : undefined };
  }, [draftKey]);
  const text = useSignal(first.text);
  const base = useSignal(first.base);
  const schema = useSignal<SchemaNode | undefined>(undefined);
  const note = useSignal("");
  const phase = useSignal<Phase>({ is: "writing" });
  const refusal = useSignal<Refusal | undefined>(undefined);
  const chosen = useSignal<ReadonlyMap<string, Side>>(new Map());
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<CodeEditor | undefined>(undefined);
  const review = useRef(() => {});
  const isRead = useSignal(true);
  const wantsReview = useRef(false);

  const read = useMemo(() => readYaml(text.value), [text.value]);
  const written = read.value as KubeObject | undefined;
  const ownKind = written && props.kindOfText ? props.kindOfText(written) : kind;
  const shownKind = typeof ownKind === "string" ? kind : ownKind;
  const { group, version, kind: kindName } = shownKind;
  useEffect(() => {
    let isOld = false;
    schema.value = undefined;
    schemaOf({ group, version, kind: kindName }).then(
      (found) => {
        if (isOld) return;
        schema.value = found;
        note.value = found
          ? ""
          : "The server describes no fields of this kind; they are checked when it is asked.";
      },
      (error) => {
        if (!isOld) note.value = `What fields there are is not known: ${String(error.message)}`;
      },
    );
    return () => {
      isOld = true;
    };
  }, [group, version, kindName]);

  const { faults, isPlaced } = useMemo(() => {
    const { document } = read;
    if (document === undefined || read.value === undefined) return { faults: read.faults, isPlaced: false };
    const own = schemaFaults(document, schema.value, scope);
    const said = refusal.value && serverFaults(document, refusal.value);
    // What both say is said once, in the server's words.
    const ofServer = said?.faults ?? [];
    const rest = own.filter((one) => !ofServer.some(({ from, to }) => from === one.from && to === one.to));
    return {
      faults: [...rest, ...ofServer].sort((a, b) => a.from - b.from),
      isPlaced: said?.isPlaced ?? false,
    };
  }, [read, schema.value, refusal.value]);

  const standing = useMemo(
    () =>
      base.value === undefined
        ? ({ is: "current" } as const)
        : standingOf({
            base: base.value,
            mine: written,
            live,
            isGone: props.isGone ?? false,
            scope,
            schema: schema.value,
            chosen: chosen.value,
          }),
    [base.value, written, live, props.isGone, schema.value, chosen.value],
  );
  useEffect(() => {
    // Its status has changed, or nothing that people write: the edit goes on from there.
    if (standing.is === "current" && base.value !== undefined && live !== undefined) base.value = live;
  }, [standing, live]);

  useEffect(() => {
    if (place.current === null) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const opened = openEditor(place.current, {
      text: text.value,
      label: `YAML of ${title}`,
      onChange: (now) => {
        clearTimeout(timer);
        const settle = () => {
          text.value = now;
          isRead.value = true;
        };
        isRead.value = now.length <= readAtOnceMost;
        if (isRead.value) settle();
        else timer = setTimeout(settle, restMs);
        refusal.value = undefined;
        keepDraft(draftKey, { text: now, base: base.value }, { what: title, href });
      },
      onSave: () => review.current(),
      suggest: (now, offset) => schema.value && suggestionsAt(now, offset, schema.value),
    });
    editor.current = opened;
    return () => {
      clearTimeout(timer);
      opened.close();
    };
  }, [draftKey]);
  useEffect(() => editor.current?.mark(faults), [faults]);

  const isBehind = standing.is !== "current";
  const cannot =
    typeof ownKind === "string"
      ? ownKind
      : written === undefined
        ? "The text cannot be read yet"
        : isBehind
          ? "The object changed meanwhile"
          : undefined;

  const asked = async (isDry: boolean): Promise<Answer | undefined> => {
    if (written === undefined) return undefined;
    const where = written.metadata?.namespace ?? namespace;
    try {
      return await send({ kind: shownKind, namespace: where, written, base: base.value }, isDry);
    } catch (error) {
      refusal.value = error instanceof Refusal ? error : new Refusal(0, String(error));
      return undefined;
    }
  };
  review.current = () => {
    wantsReview.current = !isRead.value;
    if (!isRead.value) return;
    if (cannot !== undefined || phase.value.is !== "writing") return;
    phase.value = { is: "asking" };
    refusal.value = undefined;
    void asked(true).then((answer) => {
      if (answer === undefined) {
        phase.value = { is: "writing" };
        return;
      }
      const part = base.value && editablePart(base.value, scope);
      const after = yamlText(inOrderOf(editablePart(answer.object, scope), part ?? written));
      phase.value = { is: "review", answer, before: part === undefined ? "" : yamlText(part), after };
    });
  };
  useEffect(() => {
    if (isRead.value && wantsReview.current) review.current();
  }, [isRead.value]);
  const save = async () => {
    const answer = await asked(false);
    if (answer === undefined) {
      phase.value = { is: "writing" };
      return;
    }
    dropDraft(draftKey);
    props.onDone(answer.object);
  };
  const takeIn = () => {
    if (standing.is !== "behind" || standing.merged === undefined || read.document === undefined) return;
    if (!isRead.value) return;
    rewrite(read.document, written, standing.merged.value);
    base.value = live;
    chosen.value = new Map();
    refusal.value = undefined;
    phase.value = { is: "writing" };
    editor.current?.replace(read.document.toString({ lineWidth: 0 }));
  };
  const isWriting = phase.value.is !== "review";

  return (
    <div class="edit">
      {standing.is === "behind" && (
        <Meanwhile
          merged={standing.merged}
          all={standing.all}
          who={base.value && live ? changersOf(base.value, live) : []}
          chosen={chosen.value}
          onChoose={(at, side) => (chosen.value = new Map(chosen.value).set(at, side))}
          onTakeIn={takeIn}
        />
      )}
      {(standing.is === "gone" || standing.is === "replaced") && (
        <p class="banner banner-bad" role="alert">
          {standing.is === "gone"
            ? "The object was deleted while you were writing. "
            : "The object was deleted, and another was made under its name. "}
          {standing.is === "gone" && props.onAgain && (
            <button
              type="button"
              onClick={() => {
                dropDraft(draftKey);
                props.onAgain?.(text.value);
              }}
            >
              Make it again from this text
            </button>
          )}
        </p>
      )}
      {refusal.value && !isPlaced && (
        <p class="banner banner-bad" role="alert">
          {refusal.value.message}
        </p>
      )}
      <div class={isWriting ? "edit-text" : "edit-text unshown"} ref={place} />
      {isWriting && <FaultList faults={faults} text={text.value} onShow={(at) => editor.current?.show(at)} />}
      {isWriting && note.value && <p class="quiet">{note.value}</p>}
      {phase.value.is === "review" && <Review {...phase.value} isNew={base.value === undefined} />}
      <div class="edit-foot">
        {isWriting ? (
          <>
            <span class="quiet edit-keys">
              Ctrl Space suggests, Ctrl S reviews, Esc then Tab leaves the text
            </span>
            <button
              type="button"
              onClick={() => {
                dropDraft(draftKey);
                props.onDone(undefined);
              }}
            >
              {text.value === first.text && draftOf(draftKey) === undefined ? "Cancel" : "Throw away"}
            </button>
            <button
              type="button"
              class="primary"
              disabled={cannot !== undefined || phase.value.is === "asking"}
              title={cannot}
              onClick={() => review.current()}
            >
              Review
            </button>
          </>
        ) : (
          <>
            <button type="button" onClick={() => (phase.value = { is: "writing" })}>
              Back to the text
            </button>
            <button
              type="button"
              class="primary"
              disabled={
                cannot !== undefined ||
                (phase.value.is === "review" && phase.value.before === phase.value.after)
              }
              title={cannot}
              onClick={() => void save()}
            >
              {base.value === undefined ? "Create" : "Save"}
            </button>
          </>
        )}
      </div>
    </div>
  );
}
