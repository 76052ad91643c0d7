// Live results under the search box: the first cards of the page that a submitted search would show.

const WAIT = 140; // milliseconds of quiet before asking
const MOST = 7;

const form = document.querySelector("[data-search]");
const input = form.querySelector("#q");
const panel = form.querySelector("#found");
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
  const query = new URLSearchParams({ type: "search", value, size: String(MOST) });
  const answer = await fetch(`/collection.html?${query}`, { signal: asking.signal });
  if (!answer.ok) return close();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const links = [...page.querySelectorAll("[data-grid] .card > a")].slice(0, MOST);
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
    close();
    input.focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  }
});

document.addEventListener("click", (event) => form.contains(event.target) || close());
form.addEventListener("focusout", (event) => event.relatedTarget && !form.contains(event.relatedTarget) && close());
