// Live results under a search box: the first cards of the page that a submitted search would show.
// `data-search` may name an address: then a result leads there, with its movieId added.

import { reach } from "./reach.js";

const WAIT = 140; // milliseconds of quiet before asking
const MOST = 7;

async function find(value, signal) {
  const query = new URLSearchParams({ type: "search", value, size: String(MOST) });
  const answer = await reach(`/collection.html?${query}`, { signal });
  return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
}

export function attach(form) {
  const input = form.querySelector("[type=search]");
  const panel = form.querySelector(".found");
  if (!input) return;
  let timer;
  let asking = new AbortController();

  function close() {
    panel.hidden = true;
    panel.replaceChildren();
  }

  async function ask() {
    asking.abort();
    asking = new AbortController();
    const value = input.value.trim();
    if (value.length < 2) return close();
    const page = await find(value, asking.signal);
    if (!page) return close();
    const links = [...page.querySelectorAll("[data-grid] .card > a")].slice(0, MOST);
    const base = form.dataset.search;
    if (base) links.forEach((link) => (link.href = `${base}${base.includes("?") ? "&" : "?"}${link.search.slice(1)}`));
    const empty = document.createElement("p");
    empty.textContent = page.querySelector(".list .lead").textContent;
    panel.replaceChildren(...(links.length ? links : [empty]));
    panel.hidden = false;
  }

  function move(step) {
    const places = [input, ...panel.querySelectorAll("a")];
    const next = places.indexOf(document.activeElement) + step;
    places[(next + places.length) % places.length].focus();
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => ask().catch((error) => error.name === "AbortError" || close()), WAIT);
  });

  form.addEventListener("keydown", (event) => {
    if (panel.hidden) return;
    if (event.key === "Escape") {
      event.preventDefault(); // a dialog around it stays open
      close();
      input.focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    }
  });

  document.addEventListener("click", (event) => form.contains(event.target) || close());
  form.addEventListener("focusout", (event) => event.relatedTarget && !form.contains(event.relatedTarget) && close());
}

document.querySelectorAll("[data-search]").forEach(attach);
