#!/usr/bin/env python3
"""Prints the advance widths of a TrueType font's characters, for dashboard/src/badge/widths.txt.

    dashboard/src/badge/widths.py /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf > dashboard/src/badge/widths.txt

A line is a character in hexadecimal, then the widths of it and of those that follow it, in units of which an em has 2048: of the scripts of
Europe and the Middle East, punctuation and symbols. ASCII is left out: badges take its widths from Verdana, which most people have.
"""

import struct
import sys


def tables(font):
    count = struct.unpack(">H", font[4:6])[0]
    entries = [struct.unpack(">4sIII", font[12 + 16 * i : 28 + 16 * i]) for i in range(count)]
    return {tag.decode(): font[offset : offset + length] for tag, _, offset, length in entries}


def glyphs(cmap):
    """The glyph of each character of the Basic Multilingual Plane, by the font's table of format 4."""
    found = {}
    for index in range(struct.unpack(">H", cmap[2:4])[0]):
        start = struct.unpack(">HHI", cmap[4 + 8 * index : 12 + 8 * index])[2]
        if struct.unpack(">H", cmap[start : start + 2])[0] != 4:
            continue
        double = struct.unpack(">H", cmap[start + 6 : start + 8])[0]
        words = lambda at: struct.unpack(f">{double // 2}H", cmap[at : at + double])
        ends, starts = words(start + 14), words(start + 16 + double)
        deltas, offsets = words(start + 16 + 2 * double), words(start + 16 + 3 * double)
        for segment, (first, last) in enumerate(zip(starts, ends)):
            for code in range(first, min(last, 0xFFFE) + 1):
                if offsets[segment] == 0:
                    glyph = (code + deltas[segment]) % 65536
                else:
                    at = start + 16 + 3 * double + 2 * segment + offsets[segment] + 2 * (code - first)
                    glyph = struct.unpack(">H", cmap[at : at + 2])[0]
                    glyph = (glyph + deltas[segment]) % 65536 if glyph else 0
                if glyph:
                    found[code] = glyph
    return found


def main(path):
    with open(path, "rb") as file:
        parts = tables(file.read())
    em = struct.unpack(">H", parts["head"][18:20])[0]
    metrics = struct.unpack(">H", parts["hhea"][34:36])[0]
    advance = lambda glyph: struct.unpack(">H", parts["hmtx"][4 * min(glyph, metrics - 1) :][:2])[0]
    is_wanted = lambda code: 0xA0 <= code < 0x600 or 0x1E00 <= code < 0x2300
    widths = {code: advance(glyph) * 2048 // em for code, glyph in glyphs(parts["cmap"]).items() if is_wanted(code)}
    lines = []
    for code in sorted(widths):
        if not lines or lines[-1][0] + len(lines[-1][1]) != code or len(lines[-1][1]) == 24:
            lines.append((code, []))
        lines[-1][1].append(widths[code])
    for first, line in lines:
        print(f"{first:x}", *line)


main(sys.argv[1])
