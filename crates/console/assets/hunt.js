// The page of hunts: begins a hunt through the API, follows it, draws what it finds. Nothing from an event is ever markup.
"use strict";
(() => {
  const root = document.getElementById("hunt");
  if (!root) return;
  const words = root.dataset;
  const at = (id) => document.getElementById(`hunt-${id}`);
  const one = (selector) => root.querySelector(selector);
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
    element.append(...children.filter((child) => child !== undefined && child !== null));
    return element;
  };
  const offset = Number(words.offsetSeconds) * 1000;
  const number = (value) => value.toLocaleString(document.documentElement.lang);
  const bytes = (value) => (value >= 1 << 20 ? `${number(Math.round(value / (1 << 20)))} MB` : `${number(Math.round(value / 1024))} kB`);
  // Times are shown and taken in the zone of the post, whatever the browser's is.
  const shown = (moment) => new Date(Date.parse(moment) + offset).toISOString().slice(0, 23).replace("T", " ").replace(/\.000$/, "");
  const toField = (moment) => (moment ? new Date(Date.parse(moment) + offset).toISOString().slice(0, 19) : "");
  const ofField = (text) => (text ? new Date(Date.parse(`${text}Z`) - offset).toISOString() : null);
  const spans = { "15m": 900, "1h": 3600, "24h": 86400, "7d": 604800, "30d": 2592000 };

  for (const name of ["from", "before"]) {
    const field = at(name);
    if (!Number.isNaN(Date.parse(field.dataset.at))) field.value = toField(field.dataset.at);
    field.addEventListener("input", () => { at("range").value = ""; });
  }
  // The two ends stand there only where they are what counts.
  const showTimes = () => { for (const label of root.querySelectorAll(".hunt-time")) label.hidden = at("range").value !== ""; };

  let current = null;
  const asked = () => {
    const range = at("range").value;
    const until = new Date();
    const bounds = spans[range]
      ? { from: new Date(until - spans[range] * 1000).toISOString(), before: null }
      : range === "all" ? { from: null, before: null } : { from: ofField(at("from").value), before: ofField(at("before").value) };
    return { text: at("q").value, sql: at("sql").checked, ...bounds, columns: at("columns").value.split(",").map((name) => name.trim()).filter(Boolean) };
  };
  const address = (question) => {
    const query = new URLSearchParams({ q: question.text });
    if (at("range").value) query.set("range", at("range").value);
    else for (const name of ["from", "before"]) if (question[name]) query.set(name, question[name]);
    if (question.sql) query.set("sql", "1");
    if (question.columns.length) query.set("columns", question.columns.join(","));
    return `/hunt?${query}`;
  };
  const call = async (path, body) => {
    const answer = await fetch(path, body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (answer.status === 401) location.reload();
    return answer;
  };

  const wrong = (told, line) => {
    const place = at("wrong");
    place.replaceChildren();
    place.hidden = !told;
    if (!told) return;
    for (const id of ["when", "found", "incomplete"]) at(id).hidden = true;
    at("facets").replaceChildren();
    place.append(make("strong", {}, told.message));
    if (told.at) {
      const letters = [...line];
      const [first, end] = told.at;
      place.append(make("code", {}, letters.slice(0, first).join(""), make("mark", {}, letters.slice(first, Math.max(end, first + 1)).join("") || "␣"), letters.slice(end).join("")));
      for (const near of told.near) {
        const button = make("button", { type: "button", class: "button small" }, near);
        button.addEventListener("click", () => { at("q").value = letters.slice(0, first).join("") + near + letters.slice(end).join(""); run(); });
        place.append(button);
      }
    }
  };

  const run = async (keepAddress) => {
    const question = asked();
    if (current && !current.done) call(`/api/v1/hunts/${current.id}/cancel`, {});
    const mine = (current = { done: false });
    if (!keepAddress) history.pushState(null, "", address(question));
    showTimes();
    sought = needles(question);
    for (const link of root.querySelectorAll("[data-export]")) {
      const query = new URLSearchParams({ text: question.text, format: link.dataset.export });
      if (question.sql) query.set("sql", "1");
      for (const name of ["from", "before"]) if (question[name]) query.set(name, question[name]);
      if (question.columns.length) query.set("columns", question.columns.join(","));
      link.href = `/api/v1/hunts/export?${query}`;
    }
    wrong(null);
    at("state").textContent = "…";
    const begun = await call("/api/v1/hunts", question);
    const told = await begun.json().catch(() => ({}));
    if (current !== mine) { if (begun.status === 202) call(`/api/v1/hunts/${told.id}/cancel`, {}); return; }
    if (begun.status !== 202) {
      mine.done = true;
      at("progress").hidden = true;
      at("state").textContent = "";
      wrong({ near: [], ...told, message: begun.status === 429 ? words.wordTooMany : told.message ?? begun.statusText }, question.text);
      return;
    }
    mine.id = told.id;
    at("cancel").hidden = false;
    at("cancel").disabled = false;
    for (let pause = 40; current === mine && !mine.done; pause = Math.min(500, pause * 1.5)) {
      const answer = await call(`/api/v1/hunts/${mine.id}`);
      if (!answer.ok) break;
      const state = await answer.json();
      if (current !== mine) return;
      mine.done = state.done;
      draw(state, question);
      if (!mine.done) await new Promise((resolve) => setTimeout(resolve, pause));
    }
    if (current === mine) { at("cancel").hidden = true; at("progress").hidden = true; }
  };

  const draw = (state, question) => {
    const { progress, summary } = state;
    const percent = progress.bytes ? Math.floor((Math.min(progress.bytes_done, progress.bytes) * 100) / progress.bytes) : 100;
    at("progress").hidden = state.done;
    at("progress").value = percent;
    const parts = [];
    if (!state.done) parts.push(`${percent} %`);
    if (summary && summary.total > state.rows.length && state.rows.length) parts.push(`${words.wordNewest}: ${number(state.rows.length)}`);
    parts.push(`${bytes(progress.bytes_read)} ${words.wordRead}`);
    if (progress.row_groups_spared) parts.push(`${number(progress.row_groups_spared)} ${words.wordSpared}`);
    const none = state.done && !state.rows.length && !state.failure && !state.incomplete.length;
    const found = none ? words.wordNone : summary ? `${number(summary.total)} ${words.wordEvents} ${words.wordFound}` : question.sql && state.rows_done ? `${number(state.rows.length)} ${words.wordRows}` : null;
    at("state").replaceChildren(...(found ? [make("strong", {}, found), " · "] : []), parts.join(" · "));
    const lacking = [...state.incomplete.map((why) => `${words.wordIncomplete}: ${why}`), ...(state.failure ? [`${words.wordFailed}: ${state.failure}`] : [])];
    at("incomplete").hidden = !lacking.length;
    at("incomplete").replaceChildren(...lacking.map((text) => make("li", {}, text)));
    if (state.rows_done) rows(state);
    // What an earlier hunt drew stays until this one knows better, so that the page does not jump.
    if (!summary && !state.done) return;
    at("when").hidden = !summary?.total;
    if (summary) { histogram(summary.histogram); facets(summary); }
    else at("facets").replaceChildren();
  };

  // What was asked for as text is marked where it stands, case and tone marks aside.
  let sought = [];
  const folded = (text) => {
    let whole = "";
    const places = [];
    let place = 0;
    for (const letter of text) {
      const plain = letter.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace("đ", "d");
      whole += plain;
      for (let index = 0; index < plain.length; index += 1) places.push(place);
      place += letter.length;
    }
    places.push(place);
    return { whole, places };
  };
  const needles = ({ text, sql }) => {
    if (sql) return [];
    const found = [];
    let skip = false;
    for (const [token, quoted] of text.matchAll(/"((?:[^"\\]|\\.)*)"|[^\s()]+/g)) {
      const operator = /^(AND|OR|NOT|VÀ|HOẶC|KHÔNG|&&|\|\||!)$/.test(token);
      const word = quoted ?? token;
      if (!operator && !skip && word.length > 1 && (quoted !== undefined || !/[:=<>*?]|^-/.test(token))) found.push(folded(word).whole);
      skip = /^(NOT|KHÔNG|!)$/.test(token);
    }
    return found;
  };
  const marked = (text, longest) => {
    const { whole, places } = folded(text);
    const hits = sought.flatMap((needle) => {
      const all = [];
      for (let from = whole.indexOf(needle); from >= 0 && all.length < 50; from = whole.indexOf(needle, from + needle.length)) all.push([places[from], places[from + needle.length]]);
      return all;
    }).sort((a, b) => a[0] - b[0]);
    let place = hits.length && hits[0][0] > 120 && longest < text.length ? hits[0][0] - 60 : 0;
    const end = Math.min(text.length, place + longest);
    const parts = place ? ["…"] : [];
    for (const [first, behind] of hits) {
      if (first < place || behind > end) continue;
      parts.push(text.slice(place, first), make("mark", {}, text.slice(first, behind)));
      place = behind;
    }
    parts.push(text.slice(place, end));
    return parts;
  };
  const CELL_LETTERS = 600;

  // Rows: the newest first; a click opens the whole record.
  let drawn = null;
  const rows = (state) => {
    if (drawn === state.id) return;
    drawn = state.id;
    const hidden = state.columns.includes("seq") && !at("columns").value.split(",").includes("seq") && !at("sql").checked;
    // Of columns that nobody chose, those that tell nothing make room for the record itself.
    const usual = !at("sql").checked && !at("columns").value.trim();
    const tells = (name) => {
      const values = new Set(state.rows.map((row) => JSON.stringify(row[name] ?? null)));
      return !usual || values.size > 1 || !(values.has("null") || name === "source");
    };
    const names = state.columns.filter((name) => !(hidden && name === "seq") && tells(name));
    at("found").hidden = !state.rows.length;
    one("#hunt-rows thead").replaceChildren(make("tr", {}, ...names.map((name) => make("th", { scope: "col" }, name))));
    one("#hunt-rows tbody").replaceChildren(...state.rows.map((row) => {
      const line = make("tr", row.seq === undefined ? {} : { "data-seq": row.seq, tabindex: "0" });
      for (const name of names) {
        const value = row[name];
        const text = value === null || value === undefined ? "" : name.endsWith("_at") ? shown(value) : typeof value === "string" ? value : JSON.stringify(value);
        const long = name === "raw" || text.length > 60;
        line.append(long ? make("td", { class: "hunt-long" }, make("div", {}, ...marked(text, CELL_LETTERS))) : make("td", { title: name.endsWith("_at") ? value : text.length > 24 ? text : undefined }, ...marked(text, CELL_LETTERS)));
      }
      return line;
    }));
  };
  const open = async (seq) => {
    const answer = await call(`/api/v1/events/${seq}`);
    if (!answer.ok) return;
    const event = await answer.json();
    const facts = [["happened_at", event.happened_at], ["received_at", event.received_at], ["source", event.source], ["format", event.format], ...Object.entries(event.entities), ...event.fields.map(([name, value]) => [name, value, true])];
    document.getElementById("hunt-record-fields").replaceChildren(make("tbody", {}, ...facts.filter(([, value]) => value !== null && value !== "").map(([name, value, own]) => {
      const text = name.endsWith("_at") ? shown(value) : typeof value === "object" ? JSON.stringify(value) : String(value);
      const field = own && !/^[A-Za-z_@][\w.@-]*$/.test(name) ? `"fields.${name}"` : own ? `fields.${name}` : dotted(name);
      const shownValue = marked(text, text.length);
      const elsewhere = name.endsWith("_at") || text.length > 500 ? shownValue : [make("a", { href: `/hunt?${new URLSearchParams({ q: `${field}:${quoted(text)}`, range: "7d" })}`, title: words.wordElsewhere }, ...shownValue)];
      return make("tr", {}, make("th", { scope: "row" }, own ? name : dotted(name)), make("td", {}, ...elsewhere), make("td", { class: "hunt-steps" }, ...(name.endsWith("_at") ? [] : [step("include", field, text), step("exclude", field, text), columnOf(own ? `fields.${name}` : field)])));
    })));
    document.getElementById("hunt-record-raw").replaceChildren(...marked(event.raw, event.raw.length));
    const place = document.getElementById("hunt-record-pivots");
    place.replaceChildren();
    const host = event.entities.host_name ?? event.entities["host.name"];
    const moment = Date.parse(event.happened_at);
    const link = (text, query) => place.append(make("a", { href: `/hunt?${new URLSearchParams(query)}` }, text), " ");
    link(words.wordAround, { q: host ? `host.name:${quoted(host)}` : "", from: new Date(moment - 300000).toISOString(), before: new Date(moment + 300000).toISOString() });
    if (host) link(words.wordHost, { q: `host.name:${quoted(host)}`, range: "7d" });
    document.getElementById("hunt-record").showModal();
    document.getElementById("hunt-record").scrollTop = 0;
  };
  // Entities come under the names of the API; columns have dots.
  const columns = new Map();
  const dotted = (name) => columns.get(name) ?? name;
  const quoted = (value) => `"${value.replaceAll('"', '\\"')}"`;
  const condition = (kind, field, value) => `${kind === "exclude" ? "NOT " : ""}${field}:${quoted(value)}`;
  const step = (kind, field, value) => {
    const word = words[kind === "include" ? "wordInclude" : "wordExclude"];
    const button = make("button", { type: "button", class: "hunt-step", title: word, "aria-label": `${word}: ${field} ${value}` }, kind === "include" ? "+" : "−");
    button.addEventListener("click", () => narrow(condition(kind, field, value)));
    return button;
  };
  const columnOf = (name) => {
    const button = make("button", { type: "button", class: "hunt-step", title: words.wordColumn, "aria-label": `${name}: ${words.wordColumn}` }, "⊞");
    button.addEventListener("click", () => {
      document.getElementById("hunt-record").close();
      const names = at("columns").value.split(",").map((one) => one.trim()).filter(Boolean);
      if (!names.length) names.push("happened_at", "host.name", "raw");
      if (!names.includes(name)) names.splice(Math.max(1, names.length - 1), 0, name);
      at("columns").value = names.join(",");
      run();
    });
    return button;
  };
  const narrow = (condition) => {
    document.getElementById("hunt-record").close();
    const line = at("q").value.trim();
    if (line.split(/\s+(?=\S+:)/).includes(condition)) return;
    at("q").value = / OR | HOẶC | \|\| /.test(line) ? `(${line}) ${condition}` : `${line} ${condition}`.trim();
    at("sql").checked = false;
    run();
  };

  // The histogram: drag across it to narrow the time.
  const svg = at("histogram");
  let bars = null;
  const node = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const label = (seconds) => shown(new Date(seconds * 1000).toISOString());
  const duration = (seconds) => {
    const [count, unit] = seconds % 86400 === 0 ? [seconds / 86400, "day"] : seconds % 3600 === 0 ? [seconds / 3600, "hour"] : seconds % 60 === 0 ? [seconds / 60, "minute"] : [seconds, "second"];
    return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "long" }).format(count);
  };
  const TICKS = 6;
  const histogram = (told) => {
    bars = told;
    const highest = Math.max(1, ...told.counts);
    const width = 1000 / told.counts.length;
    svg.replaceChildren(...told.counts.map((count, place) => {
      const height = count ? Math.max(2, (count / highest) * 98) : 0;
      const bar = node("rect", { x: place * width + 0.5, width: Math.max(0.5, width - 1), y: 100 - height, height, class: "hunt-bar" });
      const title = node("title", {});
      title.textContent = `${label(told.first + place * told.seconds)}: ${number(count)}`;
      bar.append(title);
      return bar;
    }));
    const whole = told.seconds * told.counts.length;
    let day = "";
    at("axis").replaceChildren(...Array.from({ length: TICKS + 1 }, (_, tick) => {
      // A short time is said to the second, a long one to the day; the day stands only where it is another.
      const [date, time] = shown(new Date((told.first + (whole * tick) / TICKS) * 1000).toISOString()).split(" ");
      const text = whole > 7 * 86400 ? date : `${date === day ? "" : `${date} `}${whole < 600 ? time.slice(0, 8) : time.slice(0, 5)}`;
      day = date;
      return make("span", {}, text);
    }));
    at("highest").textContent = `${words.wordHighest} ${number(highest)} / ${duration(told.seconds)}`;
  };
  let begunAt = null;
  const bar = (event) => {
    const box = svg.getBoundingClientRect();
    return Math.min(bars.counts.length - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * bars.counts.length)));
  };
  const brush = (event) => {
    const [first, last] = [begunAt, bar(event)].sort((a, b) => a - b);
    const width = 1000 / bars.counts.length;
    svg.querySelector(".hunt-brush")?.remove();
    svg.append(node("rect", { class: "hunt-brush", x: first * width, width: (last - first + 1) * width, y: 0, height: 100 }));
    return [first, last];
  };
  svg.addEventListener("pointerdown", (event) => { if (bars) { begunAt = bar(event); try { svg.setPointerCapture(event.pointerId); } catch { /* the pointer is gone already */ } brush(event); } });
  svg.addEventListener("pointermove", (event) => { if (begunAt !== null) brush(event); });
  svg.addEventListener("pointerup", (event) => {
    if (begunAt === null) return;
    const [first, last] = brush(event);
    begunAt = null;
    at("range").value = "";
    at("from").value = toField(new Date((bars.first + first * bars.seconds) * 1000).toISOString());
    at("before").value = toField(new Date((bars.first + (last + 1) * bars.seconds) * 1000).toISOString());
    run();
  });

  const facets = (summary) => {
    at("facets").replaceChildren(...summary.facets.filter((facet) => facet.values.length).map((facet) => {
      const whole = Math.max(1, summary.faceted);
      const list = make("ul", {}, ...facet.values.map(([value, count]) => {
        const only = make("button", { type: "button", class: "hunt-only", title: `${value} · ${words.wordInclude}` }, make("span", {}, value === "" ? "∅" : value), make("span", {}, number(count)));
        only.style.setProperty("--share", `${Math.round((count * 100) / whole)}%`);
        only.addEventListener("click", () => narrow(condition("include", facet.name, value)));
        return make("li", {}, only, step("exclude", facet.name, value));
      }));
      const rest = [facet.others ? `${number(facet.others)} ${words.wordOthers}` : null, facet.missing ? `${number(facet.missing)} ${words.wordMissing}` : null].filter(Boolean).join(" · ");
      return make("section", { class: "card" }, make("header", {}, make("h3", {}, facet.name), make("span", { class: "end" }, columnOf(facet.name))), make("div", { class: "body" }, list, rest ? make("p", { class: "muted" }, rest) : null));
    }), ...(summary.faceted < summary.total ? [make("p", { class: "muted" }, `${words.wordCounted}: ${number(summary.faceted)}`)] : []));
  };

  at("form").addEventListener("submit", (event) => { event.preventDefault(); run(); });
  at("range").addEventListener("change", () => { showTimes(); if (at("range").value) run(); });
  at("cancel").addEventListener("click", () => { if (current?.id) { at("cancel").disabled = true; call(`/api/v1/hunts/${current.id}/cancel`, {}); } });
  addEventListener("popstate", () => location.reload());
  const rowOf = (event) => event.target.closest("tr[data-seq]");
  at("rows").addEventListener("click", (event) => { if (rowOf(event) && !getSelection().toString()) open(rowOf(event).dataset.seq); });
  at("rows").addEventListener("keydown", (event) => { if (event.key === "Enter" && rowOf(event)) open(rowOf(event).dataset.seq); });

  root.addEventListener("click", async (event) => {
    const step = event.target.closest("[data-hunt-step]");
    if (!step) return;
    const answer = await call(`/api/v1/saved-hunts/${step.dataset.hunt}/${step.dataset.huntStep}`, {});
    if (answer.ok) location.reload();
  });
  document.getElementById("hunt-save-form")?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const question = asked();
    const form = new FormData(event.target);
    const answer = await call("/api/v1/saved-hunts", { title: form.get("title"), shared: form.get("shared") === "on", text: question.text, sql: question.sql, range: at("range").value || "all", columns: question.columns });
    if (answer.ok) location.reload();
    const place = document.getElementById("hunt-save-wrong");
    place.textContent = (await answer.json()).message ?? "";
    place.hidden = false;
  });

  call("/api/v1/hunts/fields").then((answer) => (answer.ok ? answer.json() : { columns: [], fields: [] })).then(({ columns: known, fields }) => {
    for (const name of known) columns.set(name.replaceAll(".", "_"), name);
    at("names").replaceChildren(...[...known, ...fields.slice(0, 500)].map((name) => make("option", { value: name })));
  });
  run(true);
})();
