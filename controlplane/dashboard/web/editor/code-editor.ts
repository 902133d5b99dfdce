import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  HighlightStyle,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { Suggestions } from "../model/completions.ts";
import type { Fault } from "../model/yaml-faults.ts";
import { withSheets } from "../terminal/strict-styles.ts";
import { editorTheme } from "./editor-theme.ts";

export interface EditorOptions {
  readonly text: string;
  readonly label: string;
  onChange(text: string): void;
  /** Ctrl S or ⌘S. */
  onSave(): void;
  suggest(text: string, offset: number): Suggestions | undefined;
}

/** An editor of YAML in the page. */
export interface CodeEditor {
  /** Takes another text, as a step that can be undone. */
  replace(text: string): void;
  mark(faults: readonly Fault[]): void;
  /** Puts the cursor there and the keyboard into the editor. */
  show(offset: number): void;
  close(): void;
}

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.keyword], color: "var(--busy)" },
  { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
  { tag: [tags.meta, tags.typeName, tags.labelName], color: "var(--warn)" },
]);

export function openEditor(parent: HTMLElement, options: EditorOptions): CodeEditor {
  const view = withSheets(() => new EditorView({ parent, state: stateOf(options) }));
  return {
    replace(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    mark(faults) {
      const { length } = view.state.doc;
      const shown = faults.map(({ from, to, rule, message, isHint }) => ({
        from: Math.min(from, length),
        to: Math.min(to, length),
        severity: isHint ? ("info" as const) : ("error" as const),
        source: rule,
        message,
      }));
      view.dispatch(setDiagnostics(view.state, shown));
    },
    show(offset) {
      const anchor = Math.min(offset, view.state.doc.length);
      view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
      view.focus();
    },
    close: () => view.destroy(),
  };
}

function stateOf({ text, label, onChange, onSave, suggest }: EditorOptions): EditorState {
  const save = () => {
    onSave();
    return true;
  };
  return EditorState.create({
    doc: text,
    extensions: [
      lineNumbers(),
      foldGutter(),
      lintGutter(),
      history(),
      drawSelection(),
      EditorState.tabSize.of(2),
      indentUnit.of("  "),
      EditorView.lineWrapping,
      bracketMatching(),
      closeBrackets(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      highlightSelectionMatches(),
      yaml(),
      syntaxHighlighting(colours),
      autocompletion({
        override: [({ state, pos, explicit }) => completionsAt(state, pos, explicit, suggest)],
      }),
      keymap.of([
        { key: "Mod-s", run: save, preventDefault: true },
        ...closeBracketsKeymap,
        ...completionKeymap,
        ...lintKeymap,
        ...searchKeymap,
        ...foldKeymap,
        ...historyKeymap,
        indentWithTab,
        ...defaultKeymap,
      ]),
      EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) onChange(update.state.doc.toString());
      }),
      editorTheme,
    ],
  });
}

function completionsAt(
  { doc }: EditorState,
  offset: number,
  isAsked: boolean,
  suggest: EditorOptions["suggest"],
) {
  const found = suggest(doc.toString(), offset);
  // An empty line says nothing of what one is about to write.
  if (found === undefined || (found.from === offset && !isAsked && !/:\s$/.test(doc.lineAt(offset).text)))
    return null;
  return {
    from: found.from,
    options: found.options.map(({ label, apply, detail, description, isRequired }) => ({
      label,
      apply,
      detail,
      ...(description && { info: description }),
      boost: isRequired ? 1 : 0,
    })),
    validFor: /^[\w$./-]*$/,
  };
}
