// The console's own script: live update, keyboard, selection, dialogs. Everything also works without it.
"use strict";
(() => {
  const page = document.documentElement;
  page.classList.add("js");
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const words = document.body.dataset;
  const typing = (target) => target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

  // Relative times count on between updates.
  const units = page.lang === "vi" ? [[86400, "ngày"], [3600, "giờ"], [60, "phút"], [1, "giây"]] : [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const offset = Date.parse(words.now) - Date.now();
  const span = (seconds) => { const [size, unit] = units.find(([size]) => seconds >= size) ?? units[3]; return `${Math.floor(seconds / size)} ${unit}`; };
  const ago = (seconds) => {
    if (Math.abs(seconds) < 5) return words.wordNow;
    const text = span(Math.abs(seconds));
    if (page.lang === "vi") return seconds > 0 ? `${text} trước` : `còn ${text}`;
    return seconds > 0 ? `${text} ago` : `in ${text}`;
  };
  const tick = () => {
    const now = Date.now() + offset;
    for (const time of all("time[data-relative]")) time.textContent = ago(Math.round((now - Date.parse(time.dateTime)) / 1000));
    for (const time of all("time[data-span]")) time.textContent = span(Math.max(0, Math.round((now - Date.parse(time.dateTime)) / 1000)));
    const clock = one("[data-clock]");
    if (clock) {
      const shown = new Date(now + Number(clock.dataset.clock) * 1000).toISOString();
      one("[data-clock-time]").textContent = shown.slice(11, 19);
      one("[data-clock-date]").textContent = shown.slice(0, 10).split("-").reverse().join("/");
    }
  };
  setInterval(tick, one("[data-clock]") ? 1000 : 5000);
  tick();

  // Selection: what the bulk bar says and offers.
  const picked = () => all(".alert input[name=alert]:checked");
  const countSelection = () => {
    const bar = one(".bulk");
    if (!bar) return;
    const count = picked().length;
    bar.dataset.count = count;
    const label = one("[data-selected]", bar);
    label.textContent = `${count} ${label.dataset.selected}`;
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-select-all]")) for (const box of all(".alert input[name=alert]")) box.checked = event.target.checked;
    countSelection();
    if (event.target.closest("[data-submit-on-change]") && !event.target.closest("[data-preview]")) event.target.form.requestSubmit();
  });

  // Live regions are replaced by what the server renders for the same address; selection, focus, open details and
  // scrolling stay as they were.
  const replace = (fresh) => {
    const chosen = new Set(picked().map((box) => box.value.split(":")[0]));
    const focused = document.activeElement?.id;
    const open = new Set(all("details[id][open]").map((details) => details.id));
    const top = scrollY;
    for (const region of all("[data-live]")) {
      const next = fresh.querySelector(`[data-live="${region.dataset.live}"]`);
      // What somebody types is worth more than what is new.
      const typed = all("input:not([type=hidden]), textarea", region).some((field) => field.value !== field.defaultValue);
      if (next && next.innerHTML !== region.innerHTML && !typed && !region.querySelector("dialog[open]")) region.replaceChildren(...document.importNode(next, true).childNodes);
    }
    for (const box of all(".alert input[name=alert]")) box.checked = chosen.has(box.value.split(":")[0]);
    for (const details of all("details[id]")) if (open.has(details.id)) details.open = true;
    if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
    scrollTo({ top, behavior: "instant" });
    countSelection();
    tick();
  };
  const parse = (text) => new DOMParser().parseFromString(text, "text/html");
  let refreshing = false, again = false;
  const refresh = async () => {
    if (refreshing) { again = true; return; }
    refreshing = true;
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1" }, redirect: "follow" });
      if (answer.redirected && new URL(answer.url).pathname === "/sign-in") location.reload();
      else if (answer.ok) replace(parse(await answer.text()));
    } catch { setLive(false); } finally {
      refreshing = false;
      if (again) { again = false; refresh(); }
    }
  };
  const liveState = one(".live-state");
  const setLive = (on) => {
    if (!liveState) return;
    liveState.classList.toggle("is-off", !on);
    liveState.textContent = on ? words.liveOn : words.liveOff;
  };
  if (liveState || one(".wall")) {
    let seen = words.revision, stale = false;
    const stream = new EventSource("/live");
    stream.addEventListener("open", () => setLive(true));
    stream.addEventListener("error", () => setLive(false));
    stream.addEventListener("revision", (event) => {
      setLive(true);
      if (event.data === seen) return;
      seen = event.data;
      if (document.hidden) stale = true; else refresh();
    });
    document.addEventListener("visibilitychange", () => { if (!document.hidden && stale) { stale = false; refresh(); } });
    addEventListener("pagehide", () => stream.close());
  }

  // Forms marked so are sent without leaving the page; the answer is the page that would have followed.
  const toastFor = 12000;
  let toastTimer;
  const showToast = (fresh) => {
    const next = fresh.querySelector(".toast"), old = one(".toast");
    old?.remove();
    clearTimeout(toastTimer);
    if (!next) return;
    document.body.append(document.importNode(next, true));
    toastTimer = setTimeout(() => one(".toast")?.remove(), toastFor);
  };
  if (one(".toast")) {
    toastTimer = setTimeout(() => one(".toast")?.remove(), toastFor);
    const clean = new URL(location.href);
    for (const name of ["done", "count", "refused", "undo"]) clean.searchParams.delete(name);
    history.replaceState(null, "", clean);
  }
  document.addEventListener("submit", async (event) => {
    const form = event.target, button = event.submitter;
    if (!form.matches("[data-in-place]") || form.method !== "post" || button?.hasAttribute("data-leave")) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form));
    if (button?.name) body.append(button.name, button.value);
    const answer = await fetch(button?.getAttribute("formaction") ?? form.getAttribute("action"), { method: "POST", body });
    if (!answer.ok) { const fresh = parse(await answer.text()); document.body.replaceWith(document.importNode(fresh.body, true)); return; }
    for (const dialog of all("dialog[open]")) dialog.close();
    for (const box of picked()) box.checked = false;
    const fresh = parse(await answer.text());
    showToast(fresh);
    replace(fresh);
  });

  // Dialogs: a button with data-dialog opens one; the alerts it is about travel with it.
  const openDialog = (id) => {
    const dialog = document.getElementById(id);
    if (!dialog || dialog.open) return;
    const into = one("[data-alerts]", dialog);
    if (into) {
      const chosen = picked(), row = document.activeElement?.closest(".alert");
      const boxes = chosen.length ? chosen : row ? [one("input[name=alert]", row)] : [];
      if (boxes.length) into.replaceChildren(...boxes.map((box) => Object.assign(document.createElement("input"), { type: "hidden", name: "alert", value: box.value })));
      if (!one("input[name=alert]", into)) return;
    }
    dialog.returnFocusTo = document.activeElement;
    dialog.showModal();
    one("[autofocus], input:not([type=hidden]), textarea, button", dialog)?.focus();
    dialog.addEventListener("close", () => dialog.returnFocusTo?.focus?.(), { once: true });
  };
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) { event.preventDefault(); openDialog(opener.dataset.dialog); return; }
    if (event.target.closest("[data-dismiss]")) { event.preventDefault(); event.target.closest("dialog").close(); return; }
    if (event.target.matches("dialog")) { event.target.close(); return; }
    const copier = event.target.closest("[data-copy]");
    if (copier) navigator.clipboard?.writeText(document.getElementById(copier.dataset.copy).textContent).then(() => { copier.textContent = words.wordCopied; });
    if (event.target.closest("[data-theme-switch]")) {
      const dark = page.dataset.theme ? page.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      page.dataset.theme = dark ? "light" : "dark";
      document.cookie = `watchpost_theme=${page.dataset.theme}; Path=/; Max-Age=31536000; SameSite=Lax`;
    }
  });

  // The preview of a silence follows the form.
  const previewForm = one("[data-preview]");
  if (previewForm) {
    let wait;
    const update = async () => {
      const address = `${previewForm.dataset.preview}?${new URLSearchParams(new FormData(previewForm))}`;
      const answer = await fetch(address);
      if (answer.ok) one("[data-preview-result]").replaceChildren(...document.importNode(one("[data-preview-result]", parse(await answer.text())), true).childNodes);
    };
    previewForm.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(update, 250); });
  }

  // Messages on this device: asked for by a button, never by opening a page.
  const push = one("[data-push-key]");
  if (push) {
    const state = one("[data-push-state]", push), button = one("button", push);
    const tell = (word) => { state.textContent = push.dataset[word]; };
    if (!isSecureContext || !("serviceWorker" in navigator) || !("PushManager" in window)) { button.disabled = true; tell("impossible"); }
    push.addEventListener("submit", async (event) => {
      if (push.elements.subscription.value) return;
      event.preventDefault();
      try {
        if (await Notification.requestPermission() !== "granted") { tell("denied"); return; }
        await navigator.serviceWorker.register("/service-worker.js");
        const worker = await navigator.serviceWorker.ready;
        const plain = atob(push.dataset.pushKey.replaceAll("-", "+").replaceAll("_", "/"));
        const key = Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
        const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
        push.elements.subscription.value = JSON.stringify(subscription);
        push.requestSubmit();
      } catch (error) { tell("failed"); state.append(` (${error.message})`); }
    });
  }

  // Keyboard: the queue first.
  const places = { q: "/queue", h: "/hunt", s: "/silences", n: "/sources", r: "/rules", d: "/duty-book", w: "/wall" };
  const titles = () => all(".alert .title");
  const move = (step) => {
    const rows = titles();
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.closest(".alert").contains(document.activeElement));
    const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + step))];
    next.focus();
    next.closest(".alert").scrollIntoView({ block: "nearest" });
  };
  const pick = () => {
    const row = document.activeElement?.closest(".alert");
    const box = row && one("input[name=alert]", row);
    if (box) { box.checked = !box.checked; countSelection(); }
  };
  const acknowledge = () => {
    const button = one("[data-key=a]");
    if (!button) return;
    if (button.closest(".bulk") && !picked().length) pick();
    if (!button.closest(".bulk") || picked().length) button.click();
  };
  let leader = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && !one("dialog[open]")) {
      if (typing(event.target)) event.target.blur();
      else { for (const box of picked()) box.checked = false; countSelection(); }
      return;
    }
    if (typing(event.target) || one("dialog[open]")) return;
    if (Date.now() - leader < 1500 && places[event.key]) { leader = 0; location.href = places[event.key]; return; }
    leader = 0;
    const does = {
      j: () => move(1), k: () => move(-1), x: pick, a: acknowledge, c: () => openDialog("close-dialog"),
      u: () => one(".toast form button")?.click(), g: () => { leader = Date.now(); },
      "/": () => one("[data-search]")?.focus(), "?": () => openDialog("keys-dialog"),
    }[event.key];
    if (does) { event.preventDefault(); does(); }
  });
  countSelection();
})();
