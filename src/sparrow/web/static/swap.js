// Links that change a part of the page: the server renders the page, this takes the part out of it.
// Without JavaScript, or when the fetch fails, the same links load the whole page.

async function fetchPage(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function swapPart(link) {
  const part = document.querySelector(link.dataset.swap);
  part.setAttribute("aria-busy", "true");
  const page = await fetchPage(link.href);
  part.replaceWith(document.adoptNode(page.querySelector(link.dataset.swap)));
  history.replaceState(null, "", link.href);
  document.querySelector(`${link.dataset.swap} [aria-current]`)?.focus();
}

async function appendMore(link) {
  link.setAttribute("aria-busy", "true");
  const page = await fetchPage(link.href);
  const added = [...page.querySelectorAll("[data-grid] > *")];
  document.querySelector("[data-grid]").append(...added);
  added[0]?.querySelector("a")?.focus({ preventScroll: true });
  const next = page.querySelector("[data-more]");
  if (!next) return link.parentElement.remove();
  link.href = next.href;
  link.removeAttribute("aria-busy");
}

document.addEventListener("click", (event) => {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = event.target.closest("a[data-swap], a[data-more]");
  if (!link || !plain) return;
  event.preventDefault();
  const change = "swap" in link.dataset ? swapPart(link) : appendMore(link);
  change.catch(() => location.assign(link.href));
});
