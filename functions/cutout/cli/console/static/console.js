// What htmx does not do: files that are dropped, and remarks on the live connection.
"use strict";

const AT_ONCE = 3;
const csrf = document.body.dataset.csrf;
const problem = () => document.getElementById("problem");  // it goes with a page that is made again
let silent = false;

// A thumbnail of a photo that was deleted since.
document.addEventListener("error", ({target}) => target.closest?.(".thumb") && target.remove(), true);

// The page of a board may have been made after a job began that its stream sends as new.
document.body.addEventListener("htmx:sseBeforeMessage", (event) => {
  const {type, data} = event.detail;
  if (type !== "new") return;
  document.querySelector(".none-yet")?.remove();
  const row = document.getElementById(/id="([^"]+)"/.exec(data)[1]);
  if (!row) return;
  event.preventDefault();
  htmx.swap(row, data, {swapStyle: "outerHTML"});
});

document.body.addEventListener("htmx:sseError", () => {
  if (silent) return;
  silent = true;
  const notice = document.createElement("p");
  notice.className = "notice wrong";
  const time = new Date().toISOString().slice(11, 19);
  notice.textContent = `No live changes since ${time} UTC: the console does not answer. If it has ended, start \`cutout console\` again.`;
  problem().replaceChildren(notice);
});

document.body.addEventListener("htmx:sseOpen", () => {
  if (silent) problem().replaceChildren();
  silent = false;
});

const drop = document.getElementById("drop");
if (drop) {
  const plan = document.getElementById("plan");
  const dropped = document.getElementById("dropped");

  const read = (entry) => new Promise((done, fail) => entry.file(done, fail));
  const list = (reader) => new Promise((done, fail) => reader.readEntries(done, fail));

  async function walk(entry, found) {
    if (entry.isFile) {
      found.push([entry.fullPath.replace(/^\/+/, ""), await read(entry)]);
      return;
    }
    const reader = entry.createReader();
    for (let some = await list(reader); some.length; some = await list(reader))
      for (const one of some) await walk(one, found);
  }

  async function ask(listed) {
    try {
      const answer = await fetch("/drop/plan", {
        method: "POST",
        headers: {"X-CSRF-Token": csrf, "HX-Request": "true"},
        body: new URLSearchParams({files: JSON.stringify(listed)}),
      });
      return {ok: answer.ok, text: await answer.text()};
    } catch {
      const notice = document.createElement("p");
      notice.className = "notice wrong";
      notice.textContent = "Nothing was uploaded: the console does not answer. If it has ended, start `cutout console` again.";
      plan.replaceChildren(notice);
    }
  }

  async function offer(files) {
    if (!files.length) return;
    const listed = files.map(([path, file]) => [path, file.size]);
    const answer = await ask(listed);
    if (!answer) return;
    const target = answer.ok ? plan : problem();
    plan.replaceChildren();
    target.innerHTML = answer.text;
    document.getElementById("upload")?.addEventListener("click", () => upload(files));
    document.getElementById("cancel")?.addEventListener("click", () => plan.replaceChildren());
    document.getElementById("upload")?.focus();
  }

  function send(row, [path, file]) {
    return new Promise((done) => {
      const bar = row.querySelector("progress"), says = row.querySelector(".says");
      const request = new XMLHttpRequest();
      request.open("POST", "/drop/photo");
      request.setRequestHeader("X-CSRF-Token", csrf);
      request.setRequestHeader("X-Path", encodeURIComponent(path));
      request.setRequestHeader("X-Price", row.dataset.price);
      request.setRequestHeader("X-Page", drop.dataset.page);
      request.upload.onprogress = ({loaded, total}) => {
        bar.value = total ? loaded / total : 1;
        says.textContent = bar.value < 1 ? "is being uploaded" : "is being stored";
      };
      request.onload = () => {
        const is_row = request.getResponseHeader("Content-Type")?.startsWith("text/html");
        if (is_row) htmx.swap(row, request.responseText, {swapStyle: "outerHTML"});
        else says.textContent = request.responseText;
        done();
      };
      request.onerror = () => {
        says.textContent = "not uploaded: the connection was lost";
        done();
      };
      request.send(file);
    });
  }

  async function upload(files) {
    const rows = [...plan.querySelectorAll("li[data-number]")];
    dropped.prepend(...rows);
    plan.replaceChildren();
    const rest = [...rows];
    const worker = async () => {
      for (let row = rest.shift(); row; row = rest.shift()) await send(row, files[row.dataset.number]);
    };
    await Promise.all(Array.from({length: AT_ONCE}, worker));
  }

  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const found = [];
    // All must be taken before the first wait: the list is empty after that.
    const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    const taken = items.map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
    for (const one of taken)
      if (one instanceof File) found.push([one.name, one]);
      else await walk(one, found);
    await offer(found);
  });
  for (const id of ["files", "folder"])
    document.getElementById(id).addEventListener("change", async (event) => {
      const chosen = [...event.target.files];
      await offer(chosen.map((file) => [file.webkitRelativePath || file.name, file]));
      event.target.value = "";
    });
}
