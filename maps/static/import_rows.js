// Tables that become cards on a narrow screen. Roles are written out: a table laid out as blocks would lose them.

import { element } from "kaart/page";

/** Make a table. A column is {name, label, className}; `cells` gives for a row what stands in each column: text or elements. */
export function table(label, columns, rows, cells) {
  const made = withRole("table", "utrecht-table utrecht-table--html-table stack", "table");
  made.setAttribute("aria-label", label);
  const head = withRole("thead", "utrecht-table__header stack__head", "rowgroup");
  const names = withRole("tr", "utrecht-table__row", "row");
  for (const column of columns) {
    const name = withRole("th", `utrecht-table__header-cell stack__name ${column.className ?? ""}`, "columnheader");
    name.scope = "col";
    name.append(column.hidden ? element("span", "visually-hidden", column.label) : column.label);
    names.append(name);
  }
  head.append(names);
  const body = withRole("tbody", "utrecht-table__body", "rowgroup");
  body.append(...rows.map((row) => line(columns, cells(row))));
  made.append(head, body);
  return made;
}

function line(columns, values) {
  const row = withRole("tr", "utrecht-table__row stack__row", "row");
  for (const [place, column] of columns.entries()) {
    const cell = withRole("td", `utrecht-table__cell stack__cell ${column.className ?? ""}`, "cell");
    cell.dataset.label = column.label;
    if (column.lang && values[place]) cell.lang = column.lang;
    cell.append(...[values[place]].flat());
    row.append(cell);
  }
  return row;
}

function withRole(tag, className, role) {
  const made = element(tag, className);
  made.setAttribute("role", role);
  return made;
}
