"use strict";
for (const box of document.querySelectorAll(".cmd")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const code = box.querySelector("code");
    try { await navigator.clipboard.writeText(code.textContent); button.textContent = "Copied"; }
    catch { getSelection().selectAllChildren(code); button.textContent = "Selected"; }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  box.append(button);
}
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    let direction = -1;
    head.dataset.sort = "";
    head.title = "Sort";
    head.addEventListener("click", () => {
      direction = -direction;
      const key = (row) => row.cells[column].textContent.trim();
      const number = (text) => { const t = text.replace(/,/g, ""); return t !== "" && !isNaN(t) ? Number(t) : parseFloat(t); };
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((a, b) => {
        const x = key(a), y = key(b), p = number(x), q = number(y);
        return direction * (isNaN(p) || isNaN(q) ? (isNaN(p) && isNaN(q) ? x.localeCompare(y) : isNaN(p) ? 1 : -1) : p - q);
      });
      body.append(...rows);
    });
  });
}
