declare module "hpack.js" {
  interface HeaderField {
    readonly name: string;
    readonly value: string;
  }
  interface Decompressor {
    write(block: Uint8Array): void;
    execute(): void;
    read(): HeaderField | null;
    on(event: "error", listener: (error: Error) => void): void;
  }
  const hpack: { decompressor: { create(options: { table: { size: number } }): Decompressor } };
  // The package is CommonJS: its exports are one object.
  export = hpack;
}
