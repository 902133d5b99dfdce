import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/** A metric as the sources register it. */
export interface DeclaredMetric {
  /** Undefined where it is put together; so the help. */
  readonly name: string | undefined;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string | undefined;
  /** Undefined where they are none that can be read. */
  readonly labels: readonly string[] | undefined;
  readonly file: string;
}

const rooms = ["base", "store", "client", "controlplane", "agent", "shipping"];
interface MeterMethod {
  readonly type: DeclaredMetric["type"];
  /** Where a call has its labels. */
  readonly labels: "none" | "third" | "options" | "type";
}
/** Those of a Meter (base/os/metrics.ts). */
const methods: Readonly<Record<string, MeterMethod>> = {
  counter: { type: "counter", labels: "third" },
  counted: { type: "counter", labels: "none" },
  gauge: { type: "gauge", labels: "third" },
  observed: { type: "gauge", labels: "none" },
  observedBy: { type: "gauge", labels: "third" },
  histogram: { type: "histogram", labels: "options" },
  tally: { type: "counter", labels: "type" },
  standing: { type: "gauge", labels: "type" },
  buckets: { type: "histogram", labels: "type" },
};

/** Read from the sources: a family of hot paths has its labels in a type, and shows them only once it has samples. */
export function declaredMetrics(root: string): readonly DeclaredMetric[] {
  const files = execFileSync("git", ["ls-files", ...rooms], { cwd: root, encoding: "utf8" })
    .split("\n")
    .filter((file) => file.endsWith(".ts") && !/\.test\.ts$|suite\.ts$|\/testing/.test(file));
  return files.flatMap((file) => {
    const text = readFileSync(join(root, file), "utf8");
    if (!/\bmeter|metrics|Meter/.test(text)) return [];
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    const found: DeclaredMetric[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node)) found.push(...declaredBy(node, source));
      ts.forEachChild(node, visit);
    };
    visit(source);
    return found;
  });
}

function declaredBy(call: ts.CallExpression, source: ts.SourceFile): readonly DeclaredMetric[] {
  if (!ts.isPropertyAccessExpression(call.expression)) return [];
  const called = call.expression.name.text;
  const method = Object.hasOwn(methods, called) ? methods[called] : undefined;
  const [name, help] = call.arguments.slice(0, 2).map(literal);
  if (method === undefined || (name === undefined && help === undefined)) return [];
  const labels = labelsOf(call, method.labels, source);
  return [{ name, type: method.type, help, labels, file: source.fileName }];
}

function labelsOf(
  call: ts.CallExpression,
  where: MeterMethod["labels"],
  source: ts.SourceFile,
): readonly string[] | undefined {
  const third = call.arguments[2];
  const [type] = call.typeArguments ?? [];
  if (where === "none") return [];
  if (where === "type") return type && unionOf(type, source);
  if (third === undefined) return [];
  if (where === "third") return listOf(third, source);
  if (!ts.isObjectLiteralExpression(third)) return undefined;
  const labels = third.properties.find((one) => one.name?.getText() === "labels");
  if (labels === undefined) return [];
  return ts.isPropertyAssignment(labels) ? listOf(labels.initializer, source) : variable("labels", source);
}

const literal = (node: ts.Node | undefined): string | undefined => {
  if (node === undefined) return undefined;
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isBinaryExpression(node)) return undefined;
  const [left, right] = [literal(node.left), literal(node.right)];
  return left === undefined || right === undefined ? undefined : left + right;
};

function listOf(node: ts.Node, source: ts.SourceFile): readonly string[] | undefined {
  if (ts.isAsExpression(node)) return listOf(node.expression, source);
  if (ts.isIdentifier(node)) return variable(node.text, source);
  if (!ts.isArrayLiteralExpression(node)) return undefined;
  const found: string[] = [];
  for (const one of node.elements) {
    const label = literal(one);
    const more = ts.isSpreadElement(one)
      ? listOf(one.expression, source)
      : label === undefined
        ? undefined
        : [label];
    if (more === undefined) return undefined;
    found.push(...more);
  }
  return found;
}

function variable(name: string, source: ts.SourceFile): readonly string[] | undefined {
  let found: readonly string[] | undefined;
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && node.name.getText() === name && node.initializer)
      found ??= listOf(node.initializer, source);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function unionOf(node: ts.TypeNode, source: ts.SourceFile): readonly string[] | undefined {
  if (node.kind === ts.SyntaxKind.NeverKeyword) return [];
  if (ts.isLiteralTypeNode(node)) return ts.isStringLiteral(node.literal) ? [node.literal.text] : undefined;
  if (ts.isUnionTypeNode(node)) {
    const parts = node.types.map((one) => unionOf(one, source));
    return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
  }
  if (!ts.isTypeReferenceNode(node)) return undefined;
  let found: readonly string[] | undefined;
  const visit = (one: ts.Node): void => {
    if (ts.isTypeAliasDeclaration(one) && one.name.text === node.typeName.getText())
      found ??= unionOf(one.type, source);
    ts.forEachChild(one, visit);
  };
  visit(source);
  return found;
}
