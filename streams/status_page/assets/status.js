// The worker is asked every few seconds; what it says is set as text. Whoever reads with the keyboard keeps their place.

import { Chart } from "./charts.js";
import { by, clock, keyed, long, or, parts, rate, seconds, set, share, whole, withCode } from "./writing.js";

const LATE_MS = 10000;
const HOUR_S = 3600;

const charts = {
  events: new Chart(by("c-events"), "Events a second, all workers", [{ name: "stored", tone: "first" }], rate),
  answers: new Chart(by("c-answers"), "Answers a second, this worker", [{ name: "all", tone: "first" }, { name: "failed", tone: "second" }], rate),
  latency: new Chart(by("c-latency"), "Seconds to answer", [{ name: "half", tone: "first" }, { name: "95 of 100", tone: "second" }], seconds),
  failed: new Chart(by("c-failed"), "Share of answers that failed", [{ name: "failed", tone: "first" }], share),
};

const held = { samples: [], rates: new Map(), worker: null };

const remember = (said) => {
  if (held.worker !== said.worker) Object.assign(held, { samples: [], rates: new Map(), worker: said.worker });
  const since = said.at - HOUR_S;
  const last = held.samples.at(-1)?.[0] ?? 0;
  held.samples = [...held.samples, ...said.samples.filter(([at]) => at > last)].filter(([at]) => at > since);
  for (const [at, ...values] of said.group.rates) held.rates.set(at, values);
  for (const at of held.rates.keys()) if (at < since) held.rates.delete(at);
};

// A span in which nothing was stored is 0; the last two may not be stored yet.
const rates = ({ at: until, span_s: span }) => {
  const known = [...held.rates.keys()];
  const last = Math.max(...known, until - 3 * span);
  const times = [];
  for (let at = Math.min(...known); at <= last; at += span) times.push(at);
  return [times, times.map((at) => held.rates.get(at)?.[0] ?? 0)];
};

const draw = (said) => {
  const column = (n) => held.samples.map((sample) => sample[n]);
  const times = column(0);
  const marks = held.samples.filter((sample) => sample[7] > 0).map((sample) => sample[0]);
  charts.events.show(rates(said.group), marks);
  charts.answers.show([times, column(2), column(3)], marks);
  charts.latency.show([times, column(5), column(6)], marks);
  charts.failed.show([times, held.samples.map(([, , all, failed]) => (all > 0 ? failed / all : null))], marks);
};

const tiles = ({ now, partitions: each }) => {
  set(by("n-events"), or(now.events_all, rate));
  set(by("n-answers"), or(now.answers, rate));
  set(by("n-failed"), or(now.failed, share));
  set(by("n-p50"), or(now.p50, seconds));
  set(by("n-p95"), or(now.p95, seconds));
  set(by("n-behind"), now.lag ? long(now.behind_s) : "0 s");
  by("t-behind").className = each.some(({ wrong }) => wrong) ? "wrong" : "";
  set(by("n-lag"), now.lag ? `behind Kafka, ${whole.format(now.lag)} records` : "behind Kafka");
};

const head = ({ headline, health, worker, at, group }) => {
  const title = by("headline");
  if (title.textContent !== headline.words) {
    title.textContent = headline.words;
    by("said").textContent = headline.words;
    document.title = `${headline.words} · Sluice`;
  }
  title.dataset.tone = headline.tone;
  set(by("worker"), worker);
  const why = group.trouble
    ? [...health.why, `${group.trouble} ${group.at ? `Findings and the rates of all workers are as of ${clock(group.at)}` : "Findings and the rates of all workers are not known"}; what this worker sees itself is of now.`]
    : health.why;
  keyed(by("why"), why.map((text, n) => ({ text, n })), ({ n }) => n, parts("li"), (li, { text }) => set(li, text));
  set(by("asof"), `As of ${clock(at)}; asked again every ${held.every} s.`);
};

const finding = (li, each) => {
  li.className = each.fresh ? "fresh" : "";
  const [link, change, segment, since] = li.children;
  link.href = `findings/${encodeURIComponent(each.id)}`;
  set(link, each.what);
  set(change, each.change);
  set(segment, each.segment);
  set(since, [`${each.state}, since ${each.since}`, ...each.carried].join(" · "));
};

const findings = ({ group }) => {
  const make = parts("li", "a", "span.change", "span.segment", "span.since");
  keyed(by("open"), group.open, ({ id }) => id, make, finding);
  keyed(by("over"), group.over, ({ id }) => id, make, finding);
  const more = (group.open_in_all ?? 0) - group.open.length;
  by("no-findings").hidden = group.open.length > 0 && more === 0;
  const none = group.open_in_all == null ? "Not known: the store does not answer." : "Nothing is open.";
  withCode(by("no-findings"), more > 0 ? `And ${whole.format(more)} more: \`sluice findings\`.` : none);
  by("over-details").hidden = group.over.length === 0;
  set(by("over-count"), `${group.over.length} that ended in the last day`);
};

const table = (name, items, key, cells, fill) => {
  by(`no-${name}`).hidden = items.length > 0;
  by(`${name}-table`).hidden = items.length === 0;
  keyed(by(`${name}-rows`), items, key, parts("tr", ...cells), fill);
};

const segments = (said) =>
  table("segments", said.segments, ({ name }) => name, ["th", "td.n", "td.n", "td.n"], ({ children: [name, all, failed, p95] }, each) => {
    set(name, each.name);
    set(all, rate(each.answers));
    set(failed, share(each.failed));
    set(p95, or(each.p95, seconds));
  });

const partitions = (said) =>
  table("partitions", said.partitions, ({ topic, partition }) => `${partition} ${topic}`, ["th", "td.n", "td.words", "td.n", "td.n", "td.n", "td.n"], (row, each) => {
    const [topic, partition, words, behind, lag, confirmed, end] = row.children;
    row.className = each.wrong ? "wrong" : "";
    set(topic, each.topic);
    set(partition, String(each.partition));
    withCode(words, each.words);
    set(behind, each.lag ? long(each.behind_s) : "0 s");
    set(lag, whole.format(each.lag));
    set(confirmed, whole.format(each.confirmed));
    set(end, whole.format(each.end));
  });

const batches = (said) => {
  set(by("no-batches"), "There is no batch yet: the first week has not closed, or this worker keeps no batches.");
  table("batches", said.batches, ({ name }) => name, ["th", "td.words", "td.n", "td.n", "td.n", "td"], (row, each) => {
    const [name, words, eligible, items, decided, report] = row.children;
    set(name, each.name);
    withCode(words, each.words);
    set(eligible, whole.format(each.eligible));
    set(items, whole.format(each.items));
    set(decided, whole.format(each.decided));
    if (!each.report) set(report, "–");
    else if (!report.firstElementChild) {
      const link = document.createElement("a");
      link.href = `batches/${encodeURIComponent(each.name)}/report.html`;
      link.textContent = `report of ${each.name}`;
      report.replaceChildren(link);
    }
  });
};

const servers = (said) =>
  keyed(by("servers"), said.servers, ({ name }) => name, parts("li", "strong", "span"), (li, each) => {
    li.className = each.well ? "" : "wrong";
    set(li.children[0], each.name);
    withCode(li.children[1], each.words);
  });

const silent = (why) => {
  const words = "The worker does not answer.";
  const title = by("headline");
  if (title.textContent !== words) {
    title.textContent = words;
    by("said").textContent = words;
    document.title = `${words} · Sluice`;
  }
  title.dataset.tone = "wrong";
  keyed(by("why"), [why], () => 0, parts("li"), (li, text) => set(li, text));
};

const ask = async () => {
  const after = held.samples.at(-1)?.[0] ?? 0;
  const answer = await fetch(`api/status?after=${after}`, { signal: AbortSignal.timeout(LATE_MS), cache: "no-store" });
  if (!answer.ok) throw new Error(`It says ${answer.status}: ${await answer.text()}`);
  return answer.json();
};

const look = async () => {
  try {
    const said = await ask();
    held.every = said.every_s;
    remember(said);
    for (const show of [head, tiles, servers, findings, draw, segments, partitions, batches]) show(said);
  } catch (wrong) {
    silent(`${wrong.message} What is below is as it was; asked again every ${held.every ?? 5} s.`);
  }
};

const hold = by("hold");
const holds = () => document.hidden || hold.getAttribute("aria-pressed") === "true";
hold.addEventListener("click", () => {
  hold.setAttribute("aria-pressed", String(!holds()));
  if (!holds()) look();
});

const round = async () => {
  if (!holds()) await look();
  setTimeout(round, 1000 * (held.every ?? 5));
};
document.addEventListener("visibilitychange", () => holds() || look());
round();
