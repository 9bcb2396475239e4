"""The script of a walk's page: shows one stage at a time; writes text, never markup."""

__all__ = ["SCRIPT"]

SCRIPT = r"""
"use strict";
const walk = JSON.parse(document.getElementById("walk").textContent);
const known = new Map();
for (const source of walk.sources) known.set(source.name, source);
for (const step of walk.steps) known.set(step.name, step);
const state = { stage: 0, weight: "", place: 0 };

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "click") node.addEventListener("click", value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter(child => child != null));
  return node;
}
function text(number) {
  if (typeof number !== "number") return String(number);
  return String(Number(number.toPrecision(4)));
}
function brief(tensor) {
  if (!tensor) return "-";
  if (tensor.size <= 4) return tensor.numbers.flat().map(text).join("  ");
  return text(tensor.low) + " to " + text(tensor.high);
}

// Stages: predict and compare forward, then back through all steps, then the updates.
const stages = [{ kind: "start", phase: "predict", name: "start" }];
for (const step of walk.steps)
  stages.push({ kind: "step", phase: step.phase, name: step.name, step });
for (const step of [...walk.steps].reverse())
  if (step.gradient)
    stages.push({ kind: "back", phase: "learn", name: "back: " + step.name, step });
for (const weight of walk.weights)
  stages.push({ kind: "update", phase: "learn", name: "new " + weight.name, weight });

function shade(value, largest) {
  if (typeof value !== "number" || !largest) return null;
  const strength = Math.min(Math.abs(value) / largest, 1);
  return [value < 0 ? [47, 111, 176] : [214, 126, 28], strength];
}
function largestOf(tensor) {
  const finite = [tensor.low, tensor.high].filter(v => typeof v === "number");
  return Math.max(0, ...finite.map(Math.abs));
}
function numbers(tensor, picking) {
  const largest = largestOf(tensor);
  const table = make("table", {});
  tensor.numbers.forEach((row, i) => {
    const line = make("tr", {});
    row.forEach((value, j) => {
      const place = i * row.length + j;
      const cell = make("td", {
        class: picking ? (place === state.place ? "pick picked" : "pick") : null,
        click: picking ? () => go({ place }) : () => {} }, text(value));
      const colour = shade(value, largest);
      if (colour) cell.style.backgroundColor =
        "rgba(" + colour[0].join(",") + "," + (0.45 * colour[1]).toFixed(3) + ")";
      line.append(cell);
    });
    table.append(line);
  });
  return table;
}
function heat(tensor) {
  const rows = tensor.numbers.length, columns = tensor.numbers[0].length;
  const size = Math.max(2, Math.min(14, Math.floor(420 / Math.max(rows, columns))));
  const canvas = make("canvas", { width: columns, height: rows, role: "img",
    "aria-label": "heat map, " + text(tensor.low) + " to " + text(tensor.high) });
  canvas.style.width = columns * size + "px";
  canvas.style.height = rows * size + "px";
  const brush = canvas.getContext("2d"), largest = largestOf(tensor);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches ? 22 : 251;
  tensor.numbers.forEach((row, i) => row.forEach((value, j) => {
    const colour = shade(value, largest) || [[200, 0, 120], 1];
    const mixed = colour[0].map(c => Math.round(dark + (c - dark) * colour[1]));
    brush.fillStyle = "rgb(" + mixed.join(",") + ")";
    brush.fillRect(j, i, 1, 1);
  }));
  return canvas;
}
function show(title, tensor, options = {}) {
  const box = make("div", { class: options.result ? "tensor result" : "tensor" },
    make("h3", {}, title));
  if (!tensor) { box.append(make("p", {}, "no numbers of its own")); return box; }
  if (!tensor.size) { box.append(make("p", {}, "empty")); return box; }
  const small = tensor.numbers.length <= 8 && tensor.numbers[0].length <= 8;
  box.append(small ? numbers(tensor, options.picking) : heat(tensor));
  box.append(make("p", {}, "shape (" + tensor.shape.join(", ") + ")" +
    (small ? "" : ", blue " + text(tensor.low) + " to orange " + text(tensor.high)) +
    (tensor.cut ? "; the first rows and columns of it" : "")));
  return box;
}
function row(...boxes) { return make("div", { class: "tensors" }, ...boxes); }
function head(title, place, formula) {
  return [make("h2", {}, title), make("p", { class: "place" }, place),
    formula ? make("p", { class: "formula", id: "formula" }, formula) : null];
}
function inputs(step, which) {
  return step.inputs.map(name => {
    const input = known.get(name);
    return show(which === "gradient" ? "to " + name : name, input && input[which],
      { picking: name === state.weight && which === "value" });
  });
}
function card(stage) {
  if (stage.kind === "start") return [
    ...head("Start", "What is known before: inputs, targets and weights.", ""),
    row(...walk.sources.map(source => show(source.name + " (" + source.role + ")",
      source.value, { picking: source.name === state.weight })))];
  if (stage.kind === "step") return [
    ...head(stage.step.name + ": " + stage.step.words, stage.step.place,
      stage.step.name + " = " + stage.step.formula),
    stage.step.known ? null : make("p", { class: "card warning" },
      "No rule: these numbers are torch's."),
    row(...inputs(stage.step, "value"),
      show(stage.step.name, stage.step.value, { result: true }))];
  if (stage.kind === "back") return [
    ...head("Back through " + stage.step.name, stage.step.place,
      "d loss / d " + stage.step.name + ", passed on to its inputs"),
    row(show("arrives at " + stage.step.name, stage.step.gradient),
      ...stage.step.inputs.filter(name => known.get(name) && known.get(name).gradient)
        .map(name => show("flows back to " + name + " (all uses added up)",
          known.get(name).gradient, { result: true })))];
  const weight = stage.weight, picking = weight.name === state.weight;
  return [...head("Learn: " + weight.name, weight.path || "the model itself",
      weight.gradient ? "new = old - " + text(walk.rate) + " * gradient"
        : "new = old: nothing flows back, or it is frozen"),
    row(show("old", weight.before, { picking }), show("gradient", weight.gradient),
      show("new", weight.after, { result: true }))];
}

// Following one weight: the chain of steps from it to the loss.
function chain(name) {
  const found = [name];
  for (let here = name; ;) {
    const next = walk.steps.find(s => s.gradient && s.inputs.includes(here));
    if (!next || found.includes(next.name)) return found;
    found.push(here = next.name);
  }
}
function concerns(stage, names) {
  if (stage.kind === "start") return true;
  if (stage.kind === "update") return stage.weight.name === names[0];
  return names.includes(stage.step.name);
}
function at(tensor) {
  if (!tensor) return "-";
  const flat = tensor.numbers.flat();
  return state.place < flat.length ? text(flat[state.place]) : brief(tensor);
}
function follow() {
  const box = document.getElementById("follow");
  box.hidden = !state.weight;
  if (!state.weight) return;
  const weight = walk.weights.find(w => w.name === state.weight);
  const line = make("div", { class: "chain" });
  chain(weight.name).forEach((name, index) => {
    const entry = known.get(name), stage = stages[state.stage];
    if (index) line.append(make("span", { class: "arrow" }, "\u2192"));
    const target = index ? stages.findIndex(s => s.kind === "step" && s.name === name)
      : 0;
    line.append(make("button", { class: "node", click: () => go({ stage: target }),
      "aria-current": stage.step && stage.step.name === name ? "step" : null },
      make("b", {}, name),
      make("span", {}, index ? brief(entry.value) : at(entry.value)),
      make("span", { class: "delta" }, "\u0394 " +
        (index ? brief(entry.gradient) : at(entry.gradient)))));
  });
  box.replaceChildren(
    make("h2", {}, "Following " + weight.name + ", number " + state.place),
    make("p", { class: "formula", id: "followed" }, at(weight.before) + " - " +
      text(walk.rate) + " * " + at(weight.gradient) + " = " + at(weight.after)), line,
    make("p", { class: "place" },
      "Value, and \u0394: how the loss moves with it. Pick another of its numbers in " +
      "its table; the arrow keys visit only the steps on its way."));
}

const list = make("ol", {});
stages.forEach((stage, index) => {
  const place = stage.step ? stage.step.place : "";
  list.append(make("li", {}, make("button", { class: stage.phase,
    click: () => go({ stage: index }) }, stage.name, " ", make("small", {}, place))));
});
document.querySelector("nav").append(list);
const slider = document.getElementById("slider");
slider.max = stages.length - 1;
slider.addEventListener("input", () => go({ stage: Number(slider.value) }));
const chooser = document.getElementById("weights");
walk.weights.forEach(w => chooser.append(make("option", { value: w.name }, w.name)));
chooser.addEventListener("change", () => go({ weight: chooser.value, place: 0 }));
document.getElementById("back").addEventListener("click", () => move(-1));
document.getElementById("next").addEventListener("click", () => move(1));
for (const phase of ["predict", "compare", "learn"]) {
  const first = stages.findIndex(stage => stage.phase === phase);
  const button = document.getElementById(phase);
  button.disabled = first < 0;
  button.addEventListener("click", () => go({ stage: first }));
}

function move(way) {
  const names = state.weight ? chain(state.weight) : null;
  let next = state.stage + way;
  while (names && next > 0 && next < stages.length && !concerns(stages[next], names))
    next += way;
  if (next >= 0 && next < stages.length) go({ stage: next });
}
function go(change) {
  Object.assign(state, change);
  history.replaceState(null, "", "#" + new URLSearchParams(state));
  draw();
}
function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  const stage = Number(given.get("stage"));
  state.stage = Number.isInteger(stage) && stage >= 0 && stage < stages.length
    ? stage : 0;
  const weight = given.get("weight") || "";
  state.weight = walk.weights.some(w => w.name === weight) ? weight : "";
  const place = Number(given.get("place"));
  state.place = Number.isInteger(place) && place >= 0 ? place : 0;
  draw();
}
function draw() {
  const stage = stages[state.stage];
  document.getElementById("card").replaceChildren(
    ...card(stage).filter(part => part != null));
  document.getElementById("count").textContent =
    state.stage + 1 + " of " + stages.length;
  slider.value = state.stage;
  chooser.value = state.weight;
  document.getElementById("back").disabled = state.stage === 0;
  document.getElementById("next").disabled = state.stage === stages.length - 1;
  for (const phase of ["predict", "compare", "learn"])
    document.getElementById(phase).classList.toggle("on", stage.phase === phase);
  const names = state.weight ? chain(state.weight) : null;
  [...list.children].forEach((item, index) => {
    item.classList.toggle("other", names !== null && !concerns(stages[index], names));
    const button = item.firstChild;
    if (index === state.stage) {
      button.setAttribute("aria-current", "step");
      button.scrollIntoView({ block: "nearest" });
    } else button.removeAttribute("aria-current");
  });
  follow();
}
document.addEventListener("keydown", event => {
  const typing = ["SELECT", "INPUT"].includes(event.target.tagName);
  if (typing || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "ArrowRight") move(1);
  else if (event.key === "ArrowLeft") move(-1);
  else if (event.key === "Home") go({ stage: 0 });
  else if (event.key === "End") go({ stage: stages.length - 1 });
  else return;
  event.preventDefault();
});
addEventListener("hashchange", read);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
read();
"""
