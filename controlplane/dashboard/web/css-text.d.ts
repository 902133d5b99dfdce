/** A style sheet as text, by `import … with { type: "text" }`. */
declare module "*.css" {
  const text: string;

  export = text;
}
