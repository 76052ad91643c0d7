// Cards without a film: they hold the place of those that are on their way.

export function skeleton(count) {
  const cards = document.createDocumentFragment();
  for (let place = 0; place < count; place++) {
    const card = document.createElement("li");
    card.className = "card card-empty";
    card.setAttribute("aria-hidden", "true");
    card.append(...["frame", "card-title", "card-facts"].map((part) => Object.assign(document.createElement("span"), { className: part })));
    cards.append(card);
  }
  return cards;
}

export const dropSkeleton = (list) => list.querySelectorAll(".card-empty").forEach((card) => card.remove());
