/* Airflow's theme, time zone and navigation for pages that live in a frame of its UI. Works without: dark by the system, UTC. */
"use strict";

function theme() {
  let chosen = "system";
  try { chosen = localStorage.getItem("theme") || "system"; } catch { /* storage is closed: follow the system */ }
  const dark = chosen === "system" ? matchMedia("(prefers-color-scheme: dark)").matches : chosen === "dark";
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

function zone() {
  let chosen = "UTC";
  try { chosen = localStorage.getItem("timezone") || "UTC"; } catch { /* storage is closed: stay with UTC */ }
  chosen = chosen.replace(/^"|"$/g, "");
  return chosen === "local" ? undefined : chosen;
}

function times() {
  let format;
  try {
    format = new Intl.DateTimeFormat("sv-SE", {
      timeZone: zone(), dateStyle: "short", timeStyle: "medium",
    });
  } catch { return; /* a zone this browser does not know: the page's own UTC stays */ }
  const name = zone() === "UTC" ? " UTC" : "";
  for (const time of document.querySelectorAll("time[datetime]")) {
    time.textContent = format.format(new Date(time.dateTime)) + name;
  }
}

/* A link to a page of Airflow itself moves Airflow, not the frame: the sandbox forbids a link to do that. */
function leave(event) {
  const link = event.target.closest("a[data-airflow]");
  if (!link || parent === window || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  parent.history.pushState(null, "", link.href);
  parent.dispatchEvent(new parent.PopStateEvent("popstate"));
}

/* The clipboard is closed on plain http: there the text is marked and copied as a person would. */
async function copy(event) {
  const button = event.currentTarget, code = button.parentNode.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    getSelection().selectAllChildren(code);
    if (!document.execCommand("copy")) return; /* marked: the keyboard copies it */
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

theme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", theme);
addEventListener("storage", () => { theme(); times(); });
addEventListener("DOMContentLoaded", () => {
  times();
  document.addEventListener("click", leave);
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", copy);
  }
  for (const field of document.querySelectorAll("form.filters select")) {
    field.addEventListener("change", () => field.form.requestSubmit());
  }
});
