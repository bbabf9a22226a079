// What the pages do better with a script. Without one everything works, by reloading.
"use strict";

// Live parts: elements with data-live are replaced by their newer selves when the stream that the
// page names says that something happened. A hidden page listens to nothing.
(() => {
  const root = document.querySelector("[data-events]");
  if (!root || !window.EventSource) return;
  let stream = null;
  let wanted = false;
  let busy = false;
  // The page's own address: what stands here may be the answer to a form that was sent elsewhere.
  const address = root.dataset.page ?? location.href;

  // What somebody is in the middle of stays as it is: a field with the focus, an open form, a field
  // that holds something else than the newer page would, and a complaint.
  const held = (part, newer) => {
    if (part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return true;
    if (part.querySelector("details[open] form, .complaint")) return true;
    return [...part.querySelectorAll("input:not([type=hidden]), textarea")].some((field) => {
      if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
      const fresh = field.id && newer ? newer.querySelector(`#${CSS.escape(field.id)}`) : null;
      return field.value !== field.defaultValue || field.value !== (fresh?.value ?? "");
    });
  };

  const refresh = async () => {
    if (busy) { wanted = true; return; }
    busy = true;
    do {
      wanted = false;
      try {
        const answer = await fetch(address, { headers: { accept: "text/html" }, credentials: "same-origin" });
        // Whoever is signed out meanwhile, or is refused, keeps what they see.
        if (!answer.ok || answer.redirected) break;
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        // What was just done has been read by then, and what stands below has moved on.
        if (performance.now() > 5000) document.querySelector(".notice")?.remove();
        for (const part of document.querySelectorAll("[data-live]")) {
          const newer = fresh.getElementById(part.id);
          if (newer?.innerHTML === part.innerHTML || held(part, newer)) continue;
          if (!newer) { part.replaceChildren(); continue; }
          const open = [...part.querySelectorAll("details[open]")].map((one) => one.id);
          part.replaceWith(newer);
          for (const id of open) document.getElementById(id)?.setAttribute("open", "");
          const log = newer.querySelector(".log");
          if (log) log.scrollTop = log.scrollHeight;
        }
      } catch { /* the stream comes again, and asks again */ }
    } while (wanted);
    busy = false;
  };

  const listen = () => {
    if (document.hidden || stream) return;
    stream = new EventSource(root.dataset.events);
    // The first one comes at once: it tells what happened since the page was made.
    stream.addEventListener("state", refresh);
    stream.addEventListener("progress", refresh);
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { stream?.close(); stream = null; } else { refresh(); listen(); }
  });
  listen();
})();

// Countdowns: the text of an element with data-until follows the clock.
(() => {
  const tick = () => {
    for (const part of document.querySelectorAll("[data-until]")) {
      const seconds = Math.round((Date.parse(part.dataset.until) - Date.now()) / 1000);
      if (seconds === 0 && !document.querySelector("[data-events]")) setTimeout(() => location.reload(), 1500);
      if (seconds < 0 || seconds > 3600) continue;
      const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      if (part.textContent !== text) part.textContent = text;
    }
  };
  if (document.querySelector("[data-until]")) { tick(); setInterval(tick, 1000); }
})();

// A file that is chosen goes into the text field it stands for, so that one form does for both.
for (const input of document.querySelectorAll("input[type=file][data-into]")) {
  input.hidden = false;
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (file) document.getElementById(input.dataset.into).value = await file.text();
  });
}

// Rows that can be added and taken away: a form repeats its last row, empty. One row stays.
for (const button of document.querySelectorAll("button[data-add]")) {
  const rows = document.getElementById(button.dataset.add);
  const clear = (row) => {
    for (const field of row.querySelectorAll("input, select")) field.value = field.defaultValue && field.type === "number" ? "1" : "";
    for (const complaint of row.querySelectorAll(".complaint")) complaint.remove();
  };
  const removable = () => { for (const one of rows.querySelectorAll("[data-remove]")) one.hidden = false; };
  button.hidden = false;
  removable();
  button.addEventListener("click", () => {
    const row = rows.lastElementChild.cloneNode(true);
    clear(row);
    rows.append(row);
    row.querySelector("input, select")?.focus();
  });
  rows.addEventListener("click", (event) => {
    const row = event.target.closest("[data-remove]")?.parentElement;
    if (!row) return;
    if (rows.childElementCount > 1) row.remove(); else clear(row);
    (rows.lastElementChild.querySelector("select, input") ?? button).focus();
  });
}

// Keys. A letter after `g` goes somewhere; nothing happens while one types.
(() => {
  const help = document.getElementById("keys");
  let going = false;
  const go = { b: "/", i: "/images", r: "/releases", w: "/windows", a: "/audit", s: "/settings" };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, textarea, select, [contenteditable]")) return;
    if (going) {
      going = false;
      if (go[event.key]) location.href = go[event.key];
      return;
    }
    if (event.key === "g") { going = true; setTimeout(() => { going = false; }, 1200); }
    else if (event.key === "?") { help?.showModal(); }
    else if (event.key === "/") {
      const search = document.querySelector("input[type=search]");
      if (search) { event.preventDefault(); search.focus(); }
    } else if (event.key === "a") {
      const sign = document.querySelector("[data-key=a]");
      if (sign && confirm(sign.dataset.confirm)) sign.click();
    }
  });
})();

// On a phone the bar scrolls; where one is stands in sight.
(() => {
  const here = document.querySelector(".bar nav [aria-current]");
  const bar = here?.parentElement;
  if (bar && bar.scrollWidth > bar.clientWidth) bar.scrollLeft = here.offsetLeft + here.offsetWidth / 2 - bar.clientWidth / 2;
})();

// What cannot be undone asks once, in the words that stand on the button.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.ask;
  if (question && !confirm(question)) event.preventDefault();
});
