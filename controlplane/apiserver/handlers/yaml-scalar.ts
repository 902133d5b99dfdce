import type { YamlPage } from "./yaml-page.ts";
import { readsAsOther } from "./yaml-resolve.ts";

/** Where a text stands: a key is one line, whatever is in it. */
export type ScalarPlace = "key" | "value";

type WriteForm = (page: YamlPage, text: string, place: ScalarPlace) => void;

/** Writes a text bare, quoted or in lines of its own, folded as go-yaml folds. */
export function writeText(page: YamlPage, text: string, place: ScalarPlace): void {
  formOf(text, place)(page, text, place);
}

function formOf(text: string, place: ScalarPlace): WriteForm {
  const allowed = allowedForms(text);
  if (text.includes("\n")) return allowed.block && place === "value" ? writeLiteral : writeDoubleQuoted;
  if (readsAsOther(text)) return writeDoubleQuoted;
  if (allowed.plain) return writePlain;
  return allowed.singleQuoted ? writeSingleQuoted : writeDoubleQuoted;
}

interface AllowedForms {
  readonly plain: boolean;
  readonly singleQuoted: boolean;
  readonly block: boolean;
}

function allowedForms(text: string): AllowedForms {
  const isSpecial = !printable.test(text) || / [\n\u2028\u2029]/.test(text);
  const isSpacedBreak = /[\n\u2028\u2029] /.test(text);
  const isPadded = edge.test(text.slice(0, 1)) || edge.test(text.slice(-1));
  return {
    plain: !(isSpecial || isPadded || lineBreak.test(text) || indicator.test(text)),
    singleQuoted: !(isSpecial || isSpacedBreak),
    block: !(isSpecial || text.endsWith(" ")),
  };
}

const edge = /^[ \n\u2028\u2029]$/;
const lineBreak = /[\n\u2028\u2029]/;
/** What go-yaml writes as it is: none of what takes four bytes is. */
const printable = /^[\n\u0020-\u007e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/u;
/** What would begin something else: at the beginning, before or behind a blank. */
const indicator = /^[#,[\]{}&*!|>'"%@`]|^[?:-](?:[ \t]|$)|:(?:[ \t]|$)|[ \t\n\u2028\u2029]#|^(?:---|\.\.\.)/u;

function writePlain(page: YamlPage, text: string, place: ScalarPlace): void {
  page.spaceBefore();
  writeFolding(page, text, place);
  page.endScalar();
}

function writeSingleQuoted(page: YamlPage, text: string, place: ScalarPlace): void {
  page.indicator("'");
  writeFolding(page, text.replaceAll("'", "''"), place);
  page.indicator("'", { isTight: true });
  page.endScalar();
}

/** Breaks the line at a lone space behind the 80th column. */
function writeFolding(page: YamlPage, text: string, place: ScalarPlace): void {
  const runes = [...text];
  let isAfterBreak = false;
  for (const [at, rune] of runes.entries()) {
    const isBreak = lineBreak.test(rune);
    if (isAfterBreak && !isBreak) page.indent();
    isAfterBreak = isBreak;
    const isLone = rune === " " && runes[at - 1] !== " " && runes[at + 1] !== " ";
    if (isBreak) page.textBreak(rune);
    else if (isLone && at > 0 && at < runes.length - 1 && place === "value" && page.isFull) page.indent();
    else page.put(rune);
  }
}

function writeDoubleQuoted(page: YamlPage, text: string, place: ScalarPlace): void {
  page.indicator('"');
  const runes = [...text];
  const isMarked = text.startsWith("\ufeff");
  for (const [at, rune] of runes.entries()) {
    const isInside = at > 0 && at < runes.length - 1;
    if (rune === " " && !isMarked && isInside && place === "value" && page.isFull && runes[at - 1] !== " ") {
      page.indent();
      if (runes[at + 1] === " ") page.put("\\");
    } else for (const written of isMarked ? escaped(rune) : inQuotes(rune)) page.put(written);
  }
  page.indicator('"', { isTight: true });
  page.endScalar();
}

function inQuotes(rune: string): string {
  const isPlain = printable.test(rune) && !lineBreak.test(rune) && rune !== '"' && rune !== "\\";
  return isPlain ? rune : escaped(rune);
}

function escaped(rune: string): string {
  const name = escapes[rune];
  if (name !== undefined) return `\\${name}`;
  const code = rune.codePointAt(0) ?? 0;
  const [letter, digits] = code <= 0xff ? ["x", 2] : code <= 0xffff ? ["u", 4] : ["U", 8];
  return `\\${letter}${code.toString(16).toUpperCase().padStart(Number(digits), "0")}`;
}

const escapes: Readonly<Record<string, string>> = {
  "\0": "0",
  "\x07": "a",
  "\b": "b",
  "\t": "t",
  "\n": "n",
  "\v": "v",
  "\f": "f",
  "\r": "r",
  "\x1b": "e",
  '"': '"',
  "\\": "\\",
  "\u0085": "N",
  "\u00a0": "_",
  "\u2028": "L",
  "\u2029": "P",
};

/** As it is, line by line; a digit tells how deep it stands where it begins with what could be its indentation, and a sign
 *  what its end is. */
function writeLiteral(page: YamlPage, text: string): void {
  const depth = edge.test(text.slice(0, 1)) ? "2" : "";
  const end = !edge.test(text.slice(-1)) ? "-" : /^.$|[\n\u2028\u2029].$/su.test(text) ? "+" : "";
  page.indicator(`|${depth}${end}`);
  page.textBreak("\n");
  let isAfterBreak = true;
  for (const rune of text) {
    const isBreak = lineBreak.test(rune);
    if (isAfterBreak && !isBreak) page.indent();
    if (isBreak) page.textBreak(rune);
    else page.put(rune);
    isAfterBreak = isBreak;
  }
}
