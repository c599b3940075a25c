type Attributes = Readonly<Record<string, string | boolean | undefined | (() => void)>>;

/** Makes an element. Functions listen (`onclick`), `true` is an attribute without a value, `false` none at all. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.replace(/^on/, ""), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function icon(name: string): HTMLElement {
  return element("span", { class: `codicon codicon-${name}`, "aria-hidden": "true" });
}

/** A button with an icon; its label is read out and shown on hover, and written beside the icon where `isShown`. */
export function button(name: string, label: string, run: () => void, isShown = false): HTMLButtonElement {
  const made = element(
    "button",
    { type: "button", class: isShown ? "text-button" : "icon-button", "aria-label": label, title: label, onclick: run },
    icon(name),
  );
  if (isShown) made.append(element("span", {}, label));
  return made;
}
