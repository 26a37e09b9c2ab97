"use strict";
// The report's page: sorting, filters, clips that play on hover, and marks. No server and no network: everything is on
// this page or in files next to it.

const rows = [...document.querySelectorAll("tbody tr")];
const body = document.querySelector("tbody");
const control = (id) => document.getElementById(id);
const marksInFile = JSON.parse(control("marks").textContent);
const store = `intermask marks ${location.pathname}`;

// Sorting: the first row of the table's head has a button for each column that can be sorted.

const numeric = new Set(["order", "novelty", "seconds"]);

function sortBy(column, descending) {
  const value = (row) => row.dataset[column] || "";
  const compare = numeric.has(column)
    ? (one, other) => Number(one) - Number(other)
    : (one, other) => one.localeCompare(other, undefined, { numeric: true });
  rows.sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    // Rows without a value are last in both directions.
    if (!a || !b) return (a ? 0 : 1) - (b ? 0 : 1) || one.dataset.order - other.dataset.order;
    return (descending ? -1 : 1) * compare(a, b) || one.dataset.order - other.dataset.order;
  });
  body.append(...rows);
  for (const head of document.querySelectorAll("th[data-column]")) {
    head.setAttribute("aria-sort", head.dataset.column !== column ? "none" : descending ? "descending" : "ascending");
  }
}

for (const head of document.querySelectorAll("th[data-column]")) {
  head.querySelector("button").addEventListener("click", () => {
    sortBy(head.dataset.column, head.getAttribute("aria-sort") === "ascending");
  });
}

// Filters.

const filters = ["text", "outcome", "kind", "novelty", "only"].map(control);

function filter() {
  const words = control("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [outcome, kind] = [control("outcome").value, control("kind").value];
  const novelty = Number(control("novelty").value);
  control("least").textContent = novelty.toFixed(2);
  let shown = 0;
  for (const row of rows) {
    const { search, outcome: own, kind: kinds } = row.dataset;
    const fits = words.every((word) => search.includes(word))
      && (!outcome || own === outcome)
      && (!kind || kinds.split("; ").includes(kind))
      && (!novelty || Number(row.dataset.novelty || 0) >= novelty)
      && (!control("only").checked || row.querySelector(".mark").checked);
    row.hidden = !fits;
    shown += fits;
  }
  control("count").textContent = shown === rows.length ? `${shown} rows` : `${shown} of ${rows.length} rows`;
}

for (const entry of filters) entry.addEventListener("input", filter);

// Marks. The browser keeps them until they are saved, unless the file has changed since.

let file = null;

function marked() {
  const here = rows.filter((row) => row.querySelector(".mark").checked);
  here.sort((one, other) => one.dataset.order - other.dataset.order);
  return here.map((row) => row.dataset.name);
}

function showMarks(names) {
  const chosen = new Set(names);
  for (const row of rows) row.querySelector(".mark").checked = chosen.has(row.dataset.name);
}

function keepMarks(saved) {
  const kept = { file: marksInFile, names: marked(), saved };
  try {
    localStorage.setItem(store, JSON.stringify(kept));
  } catch { /* a browser without storage for local files: the marks last until the page is closed */ }
  control("state").textContent = `${kept.names.length} marked, ${saved ? "saved" : "not saved"}`;
}

function startMarks() {
  let kept = null;
  try {
    kept = JSON.parse(localStorage.getItem(store));
  } catch { /* as above */ }
  const current = kept !== null && JSON.stringify(kept.file) === JSON.stringify(marksInFile);
  showMarks(current ? kept.names : marksInFile);
  keepMarks(current ? kept.saved : true);
}

async function saveMarks() {
  const text = `${JSON.stringify({ marked: marked() }, null, 1)}\n`;
  if (window.showSaveFilePicker) {
    try {
      file = file || await showSaveFilePicker({ id: "marks", suggestedName: "marks.json" });
      const stream = await file.createWritable();
      await stream.write(text);
      await stream.close();
      keepMarks(true);
      return;
    } catch (error) {
      if (error.name === "AbortError") return;
      file = null; // the browser refuses to write there: it downloads the file instead
    }
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "marks.json";
  link.click();
  URL.revokeObjectURL(link.href);
  keepMarks(true);
}

body.addEventListener("change", (event) => {
  if (!event.target.classList.contains("mark")) return;
  keepMarks(false);
  if (control("only").checked) filter();
});
control("save").addEventListener("click", saveMarks);

// Clips play while the pointer is over their picture: the film, the rendered pictures, or else the joints.

const motions = new Map(); // by name: the motion of a file in pictures, or the call that waits for it
let playing = null;

window.intermaskMotion = (name, motion) => {
  const bytes = atob(motion.points);
  motion.points = Uint8Array.from(bytes, (char) => char.charCodeAt(0));
  const waiting = motions.get(name);
  motions.set(name, motion);
  if (typeof waiting === "function") waiting(motion);
};

function playFilm(box, source) {
  const film = document.createElement("video");
  Object.assign(film, { src: source, muted: true, loop: true, autoplay: true, className: "playing film" });
  box.append(film);
  return () => film.pause();
}

function playPictures(box, folder) {
  const picture = document.createElement("img");
  picture.className = "playing film";
  box.append(picture);
  let number = 0;
  let ended = false;
  const show = () => {
    if (ended) return;
    number += 1;
    picture.src = `${folder}/frame_${String(number).padStart(4, "0")}.png`;
  };
  picture.onload = () => setTimeout(show, 1000 / 30);
  picture.onerror = () => {
    if (number <= 1) return; // there are no pictures
    number = 0;
    show();
  };
  show();
  return () => { ended = true; };
}

function playMotion(box, name, script) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: 192, height: 192, className: "playing" });
  box.append(canvas);
  let ended = false;
  const run = (motion) => {
    const start = performance.now();
    const draw = (now) => {
      if (ended) return;
      drawFrame(canvas, motion, Math.floor(((now - start) / 1000) * motion.fps) % motion.frames);
      requestAnimationFrame(draw);
    };
    draw(start);
  };
  const known = motions.get(name);
  if (known && typeof known !== "function") run(known);
  else {
    motions.set(name, run);
    const element = document.createElement("script");
    element.src = script;
    document.head.append(element);
  }
  return () => { ended = true; };
}

function drawFrame(canvas, motion, frame) {
  const pen = canvas.getContext("2d");
  const scale = canvas.width / 255;
  const joints = motion.parents.length;
  pen.fillStyle = "#f5f5f5";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.strokeStyle = "#999";
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(0, motion.floor * scale);
  pen.lineTo(canvas.width, motion.floor * scale);
  pen.stroke();
  pen.lineWidth = 4;
  pen.lineCap = "round";
  for (let person = 0; person < 2; person += 1) {
    const first = (frame * 2 + person) * joints;
    const at = (joint) => [0, 1].map((axis) => motion.points[(first + joint) * 2 + axis] * scale);
    pen.strokeStyle = ["#cc6b1a", "#1a5cb8"][person];
    pen.beginPath();
    motion.parents.forEach((parent, joint) => {
      if (parent < 0) return;
      pen.moveTo(...at(parent));
      pen.lineTo(...at(joint));
    });
    pen.stroke();
  }
}

function stop() {
  if (playing === null) return;
  playing.end();
  playing.box.querySelector(".playing")?.remove();
  playing = null;
}

document.addEventListener("pointerover", (event) => {
  const box = event.target.closest?.(".clip") || null;
  if (playing?.box === box) return;
  stop();
  if (box === null) return;
  const { film, pictures, motion } = box.dataset;
  const name = box.closest("tr").dataset.name;
  if (film) playing = { box, end: playFilm(box, film) };
  else if (pictures) playing = { box, end: playPictures(box, pictures) };
  else if (motion) playing = { box, end: playMotion(box, name, motion) };
});
document.documentElement.addEventListener("pointerleave", stop);

startMarks();
filter();
