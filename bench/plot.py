# SPDX-License-Identifier: Apache-2.0
"""A plot of a run as SVG, from its JSON: for each benchmark a bar per place, the
ratio to native on a logarithmic scale; the line is native.

  plot.py bench.json bench.svg"""
import json
import math
import sys
from xml.sax.saxutils import escape

COLOURS = {"nacre": "#1f6f8b", "runsc": "#d9822b", "bwrap": "#8a9a5b", "crun": "#b0a8b9"}
ROW, LEFT, WIDTH, RIGHT = 11, 190, 560, 110
LOW, HIGH = 0.25, 128.0
SECTIONS = (("micro", "micro-benchmarks"), ("programs", "everyday programs"), ("servers", "servers under load"), ("start", "start-up"))


def x_of(ratio):
    r = min(max(ratio, LOW), HIGH)
    return LEFT + WIDTH * math.log(r / LOW) / math.log(HIGH / LOW)


def text(x, y, s, size=10, anchor="start", weight="normal", fill="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" '
            f'fill="{fill}">{escape(s)}</text>')


def draw_section(out, y, title, part, peers):
    cells = part["cells"]
    rows = [n for n in cells["native"] if "median_ns" in cells["native"][n]]
    shown = [p for p in peers if p in cells and any("median_ns" in cells[p][n] for n in rows)]
    out.append(text(10, y + 14, title, 13, weight="bold"))
    y += 22
    top = y
    bottom = y + len(rows) * (ROW * len(shown) + 6)
    k = LOW
    while k <= HIGH:
        out.append(f'<line x1="{x_of(k):.1f}" y1="{top}" x2="{x_of(k):.1f}" y2="{bottom}" '
                   f'stroke="{"#222" if k == 1 else "#ddd"}" stroke-width="1"/>')
        out.append(text(x_of(k), bottom + 12, f"{k:g}x", 9, "middle", fill="#666"))
        k *= 2
    for n in rows:
        native = cells["native"][n]["median_ns"]
        out.append(text(LEFT - 6, y + ROW * len(shown) / 2 + 4, n, 10, "end"))
        for p in shown:
            c = cells[p][n]
            if "median_ns" in c:
                r = c["median_ns"] / native
                a, b = sorted((x_of(1), x_of(r)))
                out.append(f'<rect x="{a:.1f}" y="{y + 1}" width="{max(b - a, 1):.1f}" height="{ROW - 2}" fill="{COLOURS.get(p, "#888")}"/>')
                out.append(text(max(b, x_of(1)) + 4, y + ROW - 2, f"{r:.2f}x", 9, fill="#444"))
            else:
                why = "failed" if c.get("failed") else "not measured"
                out.append(text(x_of(1) + 4, y + ROW - 2, f"{p}: {why}", 9, fill="#a00"))
            y += ROW
        y += 6
    mean = "   ".join(f"{p} {part['means'][p]['median']:.2f}x" for p in shown if part["means"].get(p, {}).get("median"))
    out.append(text(LEFT, bottom + 26, "geometric mean:   " + mean, 11, weight="bold"))
    return bottom + 44


def plot(result, path):
    peers = [p for p in COLOURS if any(p in part["cells"] for s in result["settings"].values() for part in s.values())]
    out, y = [], 40
    for p in peers:
        x = LEFT + 130 * peers.index(p)
        out.append(f'<rect x="{x}" y="14" width="12" height="12" fill="{COLOURS[p]}"/>')
        out.append(text(x + 17, 24, p, 12))
    out.append(text(10, 24, "time against native", 12, weight="bold"))
    for setting, parts in result["settings"].items():
        for key, title in SECTIONS:
            if key in parts:
                y = draw_section(out, y, f"{title}, {setting}", parts[key], peers)
    absent = ", ".join(f"{n}: {why}" for n, why in result["absent"].items())
    out.append(text(10, y + 10, f"Linux {result['host']['kernel']}, {result['host']['cpus']} CPUs"
                    + (f"; without {absent}" if absent else ""), 10, fill="#666"))
    width = LEFT + WIDTH + RIGHT
    with open(path, "w") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y + 24}" '
                f'viewBox="0 0 {width} {y + 24}" font-family="sans-serif">\n<rect width="100%" height="100%" fill="white"/>\n'
                + "\n".join(out) + "\n</svg>\n")


if __name__ == "__main__":
    with open(sys.argv[1]) as source:
        plot(json.load(source), sys.argv[2])
