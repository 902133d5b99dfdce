/** What has been written of a YAML document, and where on the line its end is. */
export class YamlPage {
  private text = "";
  private column = 0;
  private endsInBlank = true;
  private isLineEmpty = true;
  private readonly depths: number[] = [];
  private depth = 0;

  /** Whether the line has all that a line shall have. */
  get isFull(): boolean {
    return this.column > widestColumn;
  }

  /** Whether nothing but what opens items stands on the line. */
  get isLineOpen(): boolean {
    return this.isLineEmpty;
  }

  /** Runs `write` with its lines a step deeper, or as deep as they are. */
  deeper(steps: 0 | 1, write: () => void): void {
    this.depths.push(this.depth);
    this.depth += steps * columnsOfStep;
    write();
    this.depth = this.depths.pop() ?? 0;
  }

  put(rune: string): void {
    this.text += rune;
    this.column++;
    this.isLineEmpty = false;
  }

  spaceBefore(): void {
    if (!this.endsInBlank) this.put(" ");
  }

  /** Signs of YAML. Tight ones stand at what is before them, opening ones leave the line open for an item. */
  indicator(signs: string, { isTight = false, isOpening = false } = {}): void {
    const wasEmpty = this.isLineEmpty;
    if (!isTight) this.spaceBefore();
    for (const sign of signs) this.put(sign);
    this.endsInBlank = false;
    this.isLineEmpty = wasEmpty && isOpening;
  }

  /** A break that is part of a text. */
  textBreak(lineBreak: string): void {
    this.text += lineBreak;
    this.column = 0;
    this.endsInBlank = true;
    this.isLineEmpty = true;
  }

  /** Goes to where lines of this depth begin, on a new one if need be. */
  indent(): void {
    const isPast = this.column > this.depth || (this.column === this.depth && !this.endsInBlank);
    if (!this.isLineEmpty || isPast) this.textBreak("\n");
    while (this.column < this.depth) this.put(" ");
    this.endsInBlank = true;
    this.isLineEmpty = true;
  }

  endScalar(): void {
    this.endsInBlank = false;
    this.isLineEmpty = false;
  }

  /** All of it, with a last line that ends. */
  end(): string {
    this.depth = 0;
    this.indent();
    return this.text;
  }
}

const widestColumn = 80;
const columnsOfStep = 2;
