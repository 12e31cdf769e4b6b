/** Elements, made one by one: no text ever becomes markup. */

export type Child = Node | string | undefined | false;

type Input = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

type Attributes = Readonly<Record<string, string | boolean | undefined>>;

/** An element with attributes and children; `true` is an attribute without a value, `false` and undefined are no attribute. */
export function h<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[T] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...present(children));
  return element;
}

/** The children that are there. */
export function present(children: readonly Child[]): (Node | string)[] {
  return children.filter((child): child is Node | string => child !== undefined && child !== false);
}

/** A button, and what it does. */
export function button(label: string, act: (button: HTMLButtonElement) => unknown, kind = ""): HTMLButtonElement {
  const made = h("button", { type: "button", class: kind }, label);
  made.addEventListener("click", () => act(made));
  return made;
}

/** A field with its label, and a hint on what to enter. */
export function field(label: string, input: Input, hint?: string): HTMLDivElement {
  named(input);
  const described = hint === undefined ? undefined : h("p", { class: "hint", id: `${input.id}-hint` }, hint);
  if (described !== undefined) {
    input.setAttribute("aria-describedby", described.id);
  }
  return h("div", { class: "field" }, h("label", { for: input.id }, label), described, input);
}

/** A checkbox, followed by its label. */
export function checkbox(label: string, box: HTMLInputElement): HTMLDivElement {
  named(box);
  return h("div", { class: "tick" }, box, h("label", { for: box.id }, label));
}

function named(input: Input): void {
  fields += 1;
  input.id = `field-${fields}`;
}

/** A form that is handled here and sent nowhere. */
export function form(
  label: string,
  submit: (button: HTMLButtonElement) => unknown,
  ...children: readonly Child[]
): HTMLFormElement {
  const send = h("button", { type: "submit" }, label);
  const made = h("form", {}, ...children, h("div", { class: "actions" }, send));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit(send);
  });
  return made;
}

/** A section with a heading of the second level. */
export function section(title: string, ...children: readonly Child[]): HTMLElement {
  sections += 1;
  const id = `section-${sections}`;
  return h("section", { "aria-labelledby": id }, h("h2", { id }, title), ...children);
}

/** Asks before something is done. */
export async function confirm(title: string, text: string, yes: string): Promise<boolean> {
  const go = h("button", { value: "yes", class: "danger" }, yes);
  const dialog = h(
    "dialog",
    { "aria-labelledby": "dialog-title" },
    h(
      "form",
      { method: "dialog" },
      h("h2", { id: "dialog-title" }, title),
      h("p", {}, text),
      h("div", { class: "actions" }, h("button", { value: "no", autofocus: true }, "Cancel"), go),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  dialog.remove();
  return dialog.returnValue === "yes";
}

let fields = 0;
let sections = 0;
