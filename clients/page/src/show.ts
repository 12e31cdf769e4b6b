/** Values as people read them. */

import { h } from "./dom.js";

/** Seconds since 1970, in the reader's time zone and language. */
export function time(seconds: number): HTMLTimeElement {
  const date = new Date(seconds * 1000);
  const text = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(date);
  return h("time", { datetime: date.toISOString() }, text);
}

/** Hex in groups of four, to compare by eye. */
export function digest(hex: string): HTMLElement {
  return h("code", { class: "digest" }, (hex.match(/.{1,4}/g) ?? []).join(" "));
}

/** A list of names and values. */
export function facts(...rows: readonly (readonly [string, Node | string])[]): HTMLDListElement {
  return h("dl", {}, ...rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** A text to use elsewhere, and a button that copies it. */
export function copyable(text: string, label: string, lines = 1): HTMLElement {
  const shown = h(lines > 1 ? "pre" : "code", { class: "copyable", tabindex: lines > 1 ? "0" : undefined }, text);
  const copy = h("button", { type: "button" });
  const said = (what: string) => {
    copy.replaceChildren(what);
    copy.setAttribute("aria-label", `${what} ${label}`);
  };
  said("Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      said("Copied");
    } catch {
      getSelection()?.selectAllChildren(shown);
      said("Selected");
    }
  });
  return h("div", { class: "copy" }, shown, copy);
}
