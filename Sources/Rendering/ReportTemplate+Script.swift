extension ReportTemplate {
    /// The SHA-256 of `script`, as a content security policy names it. A test compares the two.
    static let scriptHash = "sha256-rEc2i3yjYfvceekZERpJoT+FAbBCxJYlzWkSVU38j4o="

    /// What the page does when it is read on a screen: tooltips over tokens, by pointer and by arrow keys, colours by
    /// another measure, and tables sorted by a column. It writes text only, never markup.
    static let script = #"""

        (function () {
          "use strict";
          var page = document.documentElement;
          page.classList.add("js");
          var tip = document.createElement("div");
          tip.className = "tip";
          tip.setAttribute("role", "status");
          tip.hidden = true;
          document.body.appendChild(tip);

          function add(parent, name, text) {
            var element = document.createElement(name);
            element.textContent = text;
            parent.appendChild(element);
            return element;
          }

          function numbers(text) {
            var parts = text.split(" ");
            return { log: parts[0] === "log", lower: Number(parts[1]), upper: Number(parts[2]) };
          }

          var digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

          function value(body, index, measure, count, range) {
            var at = (index * count + measure) * 2;
            var high = digits.indexOf(body.dataset.packed.charAt(at));
            if (high < 0) { return NaN; }
            var share = (high * 64 + digits.indexOf(body.dataset.packed.charAt(at + 1))) / 4094;
            return range.log ? range.lower * Math.pow(range.upper / range.lower, share)
              : range.lower + (range.upper - range.lower) * share;
          }

          function level(number, scale) {
            if (isNaN(number) || number <= scale.lower) { return 0; }
            var share = scale.log ? Math.log(number / scale.lower) / Math.log(scale.upper / scale.lower)
              : (number - scale.lower) / (scale.upper - scale.lower);
            return Math.max(0, Math.min(15, Math.floor(share * 16)));
          }

          function measures(heat) {
            return Array.prototype.map.call(heat.querySelectorAll(".measures dt"), function (name) {
              return { name: name.textContent, range: numbers(name.dataset.range), scale: numbers(name.dataset.scale) };
            });
          }

          function chosen(heat) {
            var button = heat.querySelector(".controls button[aria-pressed=true]");
            return button ? Number(button.dataset.measure) : -1;
          }

          function colour(body) {
            var heat = body.closest(".heat");
            var all = measures(heat), measure = chosen(heat);
            body.dataset.colour = measure;
            if (measure < 0) { return; }
            body.querySelectorAll("span[data-at]").forEach(function (token) {
              var number = value(body, Number(token.dataset.at), measure, all.length, all[measure].range);
              token.className = "q" + level(number, all[measure].scale) + (token.dataset.mark ? " mark" : "")
                + (token.classList.contains("here") ? " here" : "");
            });
          }

          function expand(body) {
            if (!body.dataset.ready) {
              body.dataset.ready = "yes";
              var text = body.textContent, from = 0, notes = {};
              var lengths = body.dataset.lengths ? body.dataset.lengths.split(" ").map(Number) : null;
              body.dataset.notes.split("\n").forEach(function (line) {
                var parts = line.split("\t");
                if (parts.length > 2) { notes[parts[0]] = parts; }
              });
              body.textContent = "";
              for (var index = 0; from < text.length; index += 1) {
                var end = from + (lengths ? lengths[index] : 1);
                var token = add(body, "span", text.slice(from, end));
                token.dataset.at = index;
                if (notes[index]) { token.dataset.mark = notes[index][1]; token.dataset.note = notes[index][2]; }
                if (text.charAt(end) === "\n") {
                  body.appendChild(document.createTextNode("\n"));
                  end += 1;
                }
                from = end;
              }
            }
            colour(body);
          }

          var seen = "IntersectionObserver" in window ? new IntersectionObserver(function (entries) {
            entries.forEach(function (entry) { if (entry.isIntersecting) { expand(entry.target); } });
          }, { rootMargin: "400px" }) : null;
          document.querySelectorAll(".tokens .body").forEach(function (body) {
            if (seen) { seen.observe(body); } else { expand(body); }
          });

          function show(token) {
            var body = token.closest(".body"), all = measures(token.closest(".heat"));
            tip.textContent = "";
            add(tip, "strong", "“" + token.textContent + "”  token " + (Number(token.dataset.at) + 1));
            if (token.dataset.mark) { add(tip, "em", token.dataset.mark); }
            if (token.dataset.note) { add(tip, "em", token.dataset.note); }
            var list = add(tip, "dl", "");
            all.forEach(function (measure, index) {
              var number = value(body, Number(token.dataset.at), index, all.length, measure.range);
              var least = measure.range.log && number <= measure.range.lower;
              add(list, "dt", measure.name);
              add(list, "dd", isNaN(number) ? "–" : (least ? "≤ " : "") + String(Number(number.toPrecision(3))));
            });
            tip.hidden = false;
            var box = token.getBoundingClientRect();
            var left = Math.min(Math.max(8, box.left - 16), page.clientWidth - tip.offsetWidth - 8);
            var top = box.bottom + 10;
            if (top + tip.offsetHeight > page.clientHeight - 8) { top = Math.max(8, box.top - tip.offsetHeight - 10); }
            tip.style.left = Math.max(8, left) + "px";
            tip.style.top = top + "px";
          }

          function hide() {
            tip.hidden = true;
            document.querySelectorAll(".tokens .here").forEach(function (token) { token.classList.remove("here"); });
          }

          document.addEventListener("mouseover", function (event) {
            var token = event.target.closest ? event.target.closest(".tokens span[data-at]") : null;
            if (token) { show(token); } else if (!document.querySelector(".tokens .here")) { hide(); }
          });
          document.addEventListener("scroll", hide, true);
          document.addEventListener("focusout", hide);
          document.addEventListener("keydown", function (event) {
            if (event.key === "Escape") { hide(); return; }
            var step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
            var text = document.activeElement;
            if (!step || !text || !text.classList.contains("tokens")) { return; }
            expand(text.querySelector(".body"));
            var tokens = Array.prototype.slice.call(text.querySelectorAll("span[data-at]"));
            if (!tokens.length) { return; }
            var here = tokens.indexOf(text.querySelector(".here"));
            var next = here < 0 ? (step > 0 ? 0 : tokens.length - 1) : here + step;
            if (next < 0 || next >= tokens.length) { return; }
            hide();
            tokens[next].classList.add("here");
            show(tokens[next]);
            event.preventDefault();
          });

          document.querySelectorAll(".heat").forEach(function (heat) {
            heat.querySelectorAll(".controls button").forEach(function (button) {
              button.addEventListener("click", function () {
                var measure = Number(button.dataset.measure);
                heat.querySelectorAll(".controls button").forEach(function (other) {
                  other.setAttribute("aria-pressed", String(other === button));
                });
                heat.querySelectorAll(".legend").forEach(function (legend) {
                  legend.hidden = Number(legend.dataset.measure) !== measure;
                });
                heat.querySelectorAll(".body").forEach(function (body) {
                  if (body.dataset.ready) { colour(body); }
                });
              });
            });
          });

          document.querySelectorAll(".steps").forEach(function (steps) {
            var panels = Array.prototype.filter.call(steps.children, function (child) {
              return child.classList.contains("step");
            });
            var label = document.createElement("label");
            label.className = "chooser";
            add(label, "span", steps.dataset.label);
            var slider = add(label, "input", "");
            slider.type = "range";
            slider.min = 1;
            slider.max = panels.length;
            slider.value = panels.length;
            var output = add(label, "output", "");
            function choose() {
              panels.forEach(function (panel, index) { panel.hidden = index !== slider.value - 1; });
              output.textContent = panels[slider.value - 1].dataset.name;
              slider.setAttribute("aria-valuetext", output.textContent);
              hide();
            }
            slider.addEventListener("input", choose);
            steps.insertBefore(label, steps.firstChild);
            choose();
          });

          function filter(name, before, rows) {
            var label = document.createElement("label");
            label.className = "filter";
            add(label, "span", name);
            var field = add(label, "input", "");
            field.type = "search";
            before.parentNode.insertBefore(label, before);
            field.addEventListener("input", function () {
              var wanted = field.value.toLowerCase();
              rows().forEach(function (row) {
                row.hidden = (row.dataset.text || (row.querySelector("summary") || row).textContent)
                  .toLowerCase().indexOf(wanted) < 0;
              });
            });
          }

          document.querySelectorAll(".heat").forEach(function (heat) {
            var passages = heat.querySelectorAll(".passage");
            if (passages.length > 3) {
              filter("Show texts with", passages[0], function () { return passages; });
            }
          });
          document.querySelectorAll("table.sortable").forEach(function (table) {
            if (table.tBodies[0].rows.length > 7) {
              filter("Show rows with", table, function () {
                return Array.prototype.slice.call(table.tBodies[0].rows);
              });
            }
          });

          document.querySelectorAll("table.sortable").forEach(function (table) {
            var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
            heads.forEach(function (head, column) {
              head.addEventListener("click", function () {
                var down = head.getAttribute("aria-sort") !== "descending";
                heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
                head.setAttribute("aria-sort", down ? "descending" : "ascending");
                var body = table.tBodies[0];
                Array.prototype.slice.call(body.rows).sort(function (first, second) {
                  var a = first.cells[column], b = second.cells[column];
                  var x = parseFloat(a.dataset.key), y = parseFloat(b.dataset.key), order;
                  if (isNaN(x) || isNaN(y)) {
                    order = isNaN(x) && isNaN(y) ? a.textContent.localeCompare(b.textContent) : isNaN(x) ? -1 : 1;
                  } else {
                    order = x - y;
                  }
                  return down ? -order : order;
                }).forEach(function (row) { body.appendChild(row); });
              });
            });
          });
        })();

        """#
}
