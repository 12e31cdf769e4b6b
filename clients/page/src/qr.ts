/** A QR code as one path. */

import { generate } from "lean-qr";

/** The label says what the code contains, for people who do not see it. */
export function qrCode(text: string, label: string): SVGSVGElement {
  const code = generate(text);
  let path = "";
  for (let y = 0; y < code.size; y += 1) {
    for (let x = 0; x < code.size; x += 1) {
      path += code.get(x, y) ? `M${x} ${y}h1v1h-1z` : "";
    }
  }
  const svg = element("svg", {
    viewBox: `-4 -4 ${code.size + 8} ${code.size + 8}`,
    class: "qr",
    role: "img",
    "aria-label": label,
    "shape-rendering": "crispEdges",
  });
  // Dark on light in either colour scheme: cameras need that.
  const size = String(code.size + 8);
  svg.append(element("rect", { x: "-4", y: "-4", width: size, height: size, fill: "#fff" }));
  svg.append(element("path", { d: path, fill: "#000" }));
  return svg;
}

function element<T extends keyof SVGElementTagNameMap>(
  tag: T,
  attributes: Record<string, string>,
): SVGElementTagNameMap[T] {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  return made;
}
