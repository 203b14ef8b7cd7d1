// A figure with a chart of the last hour, the values under the pointer, and the same numbers as a table by the minute.

/* global uPlot */

const HOUR_S = 3600;
const TABLE_ROWS = 60;
const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 19);

const element = (name, attributes = {}, ...children) => {
  const svg = ["svg", "path"].includes(name);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Chart {
  // series: [{name, tone}], of which the first is an area and the second a line; said: a number as text, with its unit.
  constructor(figure, title, series, said) {
    this.figure = figure;
    this.title = title;
    this.series = series;
    this.said = said;
    this.data = [[], ...series.map(() => [])];
    this.marks = [];
    this.#frame();
    this.#draw();
    new ResizeObserver(() => this.plot.setSize(this.#size())).observe(this.place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  // data: [times in seconds, then the values of each series]; marks: times of findings.
  show(data, marks) {
    this.data = data;
    this.marks = marks;
    this.plot.setData(data);
    this.#tell(null);
    if (this.details.open) this.#table();
  }

  #frame() {
    this.values = this.series.map(() => element("span"));
    this.at = element("span", { class: "at" });
    const keys = this.series.map(({ name, tone }, n) => {
      const shape = element("path", { class: tone, d: tone === "first" ? "M0 3V10H24V3z" : "M0 5H24" });
      const drawn = element("svg", { viewBox: "0 0 24 10", "aria-hidden": "true" }, shape);
      return element("span", { class: "key" }, drawn, `${name} `, this.values[n]);
    });
    this.place = element("div", { class: "plot", "aria-hidden": "true" });
    this.rows = element("tbody");
    const heads = ["time, UTC", ...this.series.map((each) => each.name)];
    const head = element("tr", {}, ...heads.map((name, n) => element("th", { scope: "col", class: n ? "n" : "" }, name)));
    const caption = element("caption", {}, `${this.title}, means by the minute, the latest first`);
    const table = element("table", {}, caption, element("thead", {}, head), this.rows);
    const scroll = element("div", { class: "scroll", role: "region", "aria-label": `${this.title}, as a table`, tabindex: 0 }, table);
    this.details = element("details", {}, element("summary", {}, "As a table"), scroll);
    this.details.addEventListener("toggle", () => this.details.open && this.#table());
    const legend = element("span", { class: "keys" }, this.at, ...keys);
    const top = element("figcaption", {}, element("h3", {}, this.title), legend);
    this.figure.replaceChildren(top, this.place, this.details);
  }

  #size() {
    return { width: Math.max(this.place.clientWidth, 120), height: this.place.clientHeight };
  }

  #draw() {
    this.plot?.destroy();
    const axis = {
      stroke: colour("--soft"),
      font: "12px system-ui, sans-serif",
      grid: { stroke: colour("--faint"), width: 1 },
      ticks: { show: false },
    };
    const now = () => Date.now() / 1000;
    const options = {
      ...this.#size(),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      scales: {
        x: { range: (_plot, first) => [Math.max(first ?? 0, now() - HOUR_S), Math.max(now(), (first ?? 0) + 300)] },
        y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.12 : 1] },
      },
      series: [
        {},
        ...this.series.map(({ tone }) => ({
          stroke: colour(`--${tone}`),
          width: 1.5,
          fill: tone === "first" ? `${colour("--first")}2e` : undefined,
          points: { show: false },
          spanGaps: false,
        })),
      ],
      axes: [
        { ...axis, size: 28, space: 70, values: (_plot, ticks) => ticks.map((each) => clock(each).slice(0, 5)) },
        { ...axis, size: 58, space: 34, values: (_plot, ticks) => ticks.map((each) => this.said(each)) },
      ],
      hooks: { draw: [(plot) => this.#mark(plot)], setCursor: [(plot) => this.#tell(plot.cursor.idx)] },
    };
    this.plot = new uPlot(options, this.data, this.place);
  }

  // Dashed lines where a finding was noticed.
  #mark({ ctx, bbox, scales, valToPos }) {
    ctx.save();
    ctx.strokeStyle = colour("--marks");
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    for (const at of this.marks.filter((each) => each >= scales.x.min && each <= scales.x.max)) {
      const x = Math.round(valToPos(at, "x", true));
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  // Values under the pointer, else the last.
  #tell(under) {
    const place = under ?? this.data[0].length - 1;
    this.at.textContent = under == null || place < 0 ? "" : clock(this.data[0][place]);
    this.values.forEach((value, n) => {
      const known = this.data[n + 1][place];
      value.textContent = known == null ? "–" : this.said(known);
    });
  }

  #table() {
    const [times, ...series] = this.data;
    const minutes = new Map();
    times.forEach((at, n) => {
      const minute = Math.floor(at / 60) * 60;
      if (!minutes.has(minute)) minutes.set(minute, series.map(() => []));
      series.forEach((values, s) => values[n] != null && minutes.get(minute)[s].push(values[n]));
    });
    const mean = (values) => (values.length ? this.said(values.reduce((a, b) => a + b) / values.length) : "–");
    this.rows.replaceChildren(
      ...[...minutes].slice(-TABLE_ROWS).reverse().map(([minute, all]) => {
        const cells = all.map((values) => element("td", { class: "n" }, mean(values)));
        return element("tr", {}, element("th", { scope: "row" }, clock(minute).slice(0, 5)), ...cells);
      }),
    );
  }
}
