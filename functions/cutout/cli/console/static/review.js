// The review: keys, the slider between before and after, and what is behind the result.
"use strict";

const KEYS = {ArrowRight: "j", ArrowLeft: "k", n: "j", p: "k"};
const tools = document.getElementById("tools");
const review = document.getElementById("review");
const slider = document.getElementById("slider");
const beside = document.getElementById("beside");
const colour = document.getElementById("colour");
const backs = [...tools.querySelectorAll("[name=back]")];

function show() {
  review.dataset.back = backs.find((back) => back.checked).value;
  review.classList.toggle("over", !beside.checked);
  // The pages' policy forbids style attributes in HTML; a script may set them.
  review.style.setProperty("--at", `${slider.value}%`);
  review.style.setProperty("--chosen", colour.value);
}

tools.hidden = false;
tools.addEventListener("input", (event) => {
  if (event.target === colour) backs.at(-1).checked = true;
  show();
});
show();

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const isTyping = event.target.matches("input:not([type=radio], [type=checkbox], [type=range], [type=color])");
  if (isTyping || (event.key.startsWith("Arrow") && event.target.matches("input"))) return;
  const key = KEYS[event.key] ?? event.key.toLowerCase();
  if (backs[key - 1]) backs[key - 1].checked = true;
  else if (key === "s") beside.checked = !beside.checked;
  else {
    const target = review.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!target) return;
    event.preventDefault();
    if (target.matches("form")) target.requestSubmit(target.querySelector("button:enabled"));
    else target.click();
    return;
  }
  show();
});

// What had the focus is gone with the result that was decided on.
document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.target === review) document.getElementById("subject")?.focus();
});
