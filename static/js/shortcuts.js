// "/" goes to the page's search, Escape leaves it; "g" and a letter goes to a page of the navigation.
let went = 0;

function typing(target) {
  return target.closest?.("input, textarea, select, [contenteditable]");
}

function search() {
  return document.querySelector("input[type=search]");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && event.target === search()) return event.target.blur();
  if (typing(event.target)) return;
  if (event.key === "/" && search()) {
    event.preventDefault();
    return search().focus();
  }
  if (event.key === "g") {
    went = event.timeStamp;
    return;
  }
  if (event.timeStamp - went > 1500) return;
  went = 0;
  document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`)?.click();
});
