"use strict";
// A cell's numbers while the pointer or the focus is on it; the same numbers stand in its line of "Cell by cell".
const tip = document.getElementById("tip");
for (const link of document.querySelectorAll(".matrix td a")) {
  const body = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  const title = link.closest("tr").querySelector("th").firstChild.textContent;
  link.removeAttribute("title");
  const show = () => {
    const line = document.createElement("b");
    line.textContent = `${title}: ${body.parentElement.querySelector(".task").textContent}`;
    tip.replaceChildren(line, body.querySelector("dl.key").cloneNode(true));
    tip.hidden = false;
    const cell = link.getBoundingClientRect();
    const left = Math.min(Math.max(8, cell.left), innerWidth - tip.offsetWidth - 8);
    const below = cell.bottom + 6;
    tip.style.left = `${left}px`;
    tip.style.top = `${below + tip.offsetHeight < innerHeight ? below : cell.top - tip.offsetHeight - 6}px`;
  };
  const hide = () => { tip.hidden = true; };
  if (matchMedia("(hover: hover)").matches) {
    link.addEventListener("mouseenter", show);
    link.addEventListener("mouseleave", hide);
    link.addEventListener("focus", show);
    link.addEventListener("blur", hide);
  }
}

// A link to a cell opens it, also in browsers that do not reveal what is folded.
const reveal = () => {
  const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const cell = found?.closest("details");
  if (cell) { cell.open = true; cell.scrollIntoView(); }
};
addEventListener("hashchange", reveal);
reveal();

// The legend picks one kind of cell.
for (const entry of document.querySelectorAll(".legend li")) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  button.append(...entry.childNodes);
  entry.append(button);
  button.addEventListener("click", () => {
    const picked = document.body.dataset.picked === entry.dataset.kind ? "" : entry.dataset.kind;
    document.body.dataset.picked = picked;
    for (const other of document.querySelectorAll(".legend li")) {
      other.classList.toggle("picked", other.dataset.kind === picked);
      other.firstElementChild.setAttribute("aria-pressed", String(other.dataset.kind === picked));
    }
  });
}
