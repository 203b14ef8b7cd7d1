"use strict";
// The legend filters the map and its table; the map is one stop of the Tab key, in which the arrow keys move.
const map = document.getElementById("map");
if (map) {
  const dots = [...map.querySelectorAll("[data-reasons]")];
  const rows = [...document.querySelectorAll("#rows [data-reasons]")];
  const buttons = [...document.querySelectorAll("#legend [data-reason]")];
  const pressed = (button) => button.getAttribute("aria-pressed") === "true";
  const seen = (dot) => !dot.classList.contains("off");

  const filter = () => {
    const wanted = new Set(buttons.filter(pressed).map((button) => button.dataset.reason));
    const off = (each) => !each.dataset.reasons.split(" ").some((reason) => wanted.has(reason));
    for (const dot of dots) dot.classList.toggle("off", off(dot));
    for (const row of rows) row.hidden = off(row);
    const left = dots.filter(seen);
    for (const dot of dots) dot.setAttribute("tabindex", dot === left[0] ? "0" : "-1");
    document.getElementById("shown").textContent = `${left.length} of ${dots.length} items are shown.`;
  };
  const set = (wanted) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(wanted(button)));
    filter();
  };
  const choose = (chosen) => {
    if (buttons.every(pressed)) set((button) => button === chosen);
    else set((button) => (button === chosen ? !pressed(button) : pressed(button)));
    if (!buttons.some(pressed)) set(() => true);
  };
  const say = (dot) => {
    const [text, about] = dot.querySelector("title").textContent.split("\n");
    document.getElementById("text").textContent = text;
    document.getElementById("about").textContent = about;
    for (const each of dots) each.classList.toggle("on", each === dot);
  };
  const move = (from, by) => {
    const left = dots.filter(seen);
    const to = left[(left.indexOf(from) + by + left.length) % left.length];
    from.setAttribute("tabindex", "-1");
    to.setAttribute("tabindex", "0");
    to.focus();
  };

  for (const button of buttons) button.addEventListener("click", () => choose(button));
  document.getElementById("all").addEventListener("click", () => set(() => true));
  for (const dot of dots) {
    dot.addEventListener("pointerenter", () => say(dot));
    dot.addEventListener("focus", () => say(dot));
    dot.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (by) {
        event.preventDefault();
        move(dot, by);
      }
    });
  }
  say(dots[0]);
}
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details.reason")) each.open = true;
});
