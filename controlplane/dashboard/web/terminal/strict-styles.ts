/** xterm.js writes styles as text: `<style>` elements (as CodeMirror does), and `style` attributes of the spans of its rows.
 *  Here they go by the object model of CSS instead, which a content policy without `unsafe-inline` lets pass, to the same
 *  effect. (Its `documentOverride` does not reach the parts that write them.) */

/** Runs `act`, and makes a sheet of the document of each `<style>` that it creates and writes. */
export function withSheets<Made>(act: () => Made): Made {
  document.createElement = ((name: string) =>
    name === "style" ? sheetElement() : create(name)) as typeof document.createElement;
  try {
    return act();
  } finally {
    // The method of all documents stands behind it.
    Reflect.deleteProperty(document, "createElement");
  }
}

const create = (name: string): HTMLElement => Document.prototype.createElement.call(document, name);

/** Stands where a `<style>` would; its text is a sheet as long as it stands there. */
function sheetElement(): HTMLElement {
  const element = create("template");
  const sheet = addSheet("");
  const remove = element.remove.bind(element);
  Object.defineProperty(element, "textContent", { set: (text: string) => sheet.replaceSync(text) });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
    remove();
  };
  return element;
}

export function addSheet(text: string): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  document.adoptedStyleSheets.push(sheet);
  return sheet;
}

/** From now on a `style` attribute that a script gives a span is set as its style. */
export function setSpanStyles(): void {
  HTMLSpanElement.prototype.setAttribute = function (name, value) {
    if (name === "style") this.style.cssText = value;
    else Element.prototype.setAttribute.call(this, name, value);
  };
}
