// Numbers become what a person reads, and documents what they are: all of it text, and never markup.

export const by = (id) => document.getElementById(id);

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
export const whole = new Intl.NumberFormat("en");
export const rate = (value) => (value >= 1e6 ? `${number.format(value / 1e6)}M` : value >= 1e4 ? `${number.format(value / 1e3)}k` : number.format(value));
export const share = (value) => `${number.format(100 * value)}%`;
export const seconds = (value) => (value >= 1 || value === 0 ? `${number.format(value)} s` : `${number.format(1000 * value)} ms`);
export const long = (value) => (value < 60 ? `${Math.round(value)} s` : value < 7200 ? `${Math.round(value / 60)} min` : `${Math.round(value / 3600)} h`);
export const clock = (at) => `${new Date(at * 1000).toISOString().slice(11, 19)} UTC`;
export const or = (known, said) => (known == null ? "–" : said(known));

export const set = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

// Children of `parent` become one for each item, in order; those that are known already stay, and keep the focus.
export const keyed = (parent, items, key, make, fill) => {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, n) => {
    const name = String(key(item));
    const child = known.get(name) ?? make();
    known.delete(name);
    child.dataset.key = name;
    fill(child, item);
    if (parent.children[n] !== child) parent.insertBefore(child, parent.children[n] ?? null);
  });
  for (const gone of known.values()) gone.remove();
};

export const parts = (name, ...classes) => () => {
  const made = document.createElement(name);
  for (const each of classes) {
    const [tag, kind] = each.split(".");
    const part = document.createElement(tag);
    if (kind) part.className = kind;
    if (tag === "th") part.scope = "row";
    made.append(part);
  }
  return made;
};

// Between backquotes stands what is typed.
export const withCode = (node, text) => {
  if (node.dataset.text === text) return;
  node.dataset.text = text;
  node.replaceChildren(
    ...text.split("`").map((part, n) => {
      if (n % 2 === 0) return part;
      const code = document.createElement("code");
      code.textContent = part;
      return code;
    }),
  );
};
