package io.netpark.bench.report;

import io.netpark.bench.report.Section.Bar;
import java.util.List;
import java.util.Locale;

/** Horizontal bars, a group a section, as SVG by hand: text stays text, and it reads on light and dark pages. */
final class Chart {

    private static final int WIDTH = 760;
    private static final int LABEL = 190;
    private static final int ROOM = WIDTH - LABEL - 130;
    private static final int BAR = 16;
    private static final int STEP = 22;
    private static final int HEAD = 44;

    private Chart() {}

    static String svg(String title, List<Section> sections) {
        List<Section> shown = sections.stream().filter(section -> !section.bars().isEmpty()).toList();
        int height = 50 + shown.stream().mapToInt(section -> HEAD + section.bars().size() * STEP).sum();
        StringBuilder out = new StringBuilder(String.format(Locale.ROOT, """
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %1$d %2$d" width="%1$d" height="%2$d" \
                font-family="sans-serif" font-size="12">
                <rect width="%1$d" height="%2$d" fill="#ffffff"/>
                <text x="16" y="28" font-size="16" font-weight="bold" fill="#1b1f24">%3$s</text>
                """, WIDTH, height, escaped(title)));
        int y = 50;
        for (Section section : shown) {
            y = group(out, section, y);
        }
        return out.append("</svg>\n").toString();
    }

    private static int group(StringBuilder out, Section section, int top) {
        int y = top + 20;
        out.append(String.format(Locale.ROOT,
                "<text x=\"16\" y=\"%d\" fill=\"#1b1f24\"><tspan font-weight=\"bold\">%s</tspan>  %s</text>\n",
                y, escaped(section.title()), escaped(section.chartTitle())));
        y += HEAD - 34;
        double longest = section.bars().stream().mapToDouble(Bar::value).max().orElse(1);
        double middle = section.bars().stream().mapToDouble(Bar::value).sorted()
                .skip(section.bars().size() / 2).findFirst().orElse(1);
        // One bar ten times as long as the others would make them all look alike: it is cut, and says so.
        double scale = Math.min(longest, 4 * middle);
        for (Bar bar : section.bars()) {
            boolean cut = bar.value() > scale;
            double length = scale <= 0 ? 0 : ROOM * Math.min(bar.value(), scale) / scale;
            out.append(String.format(Locale.ROOT, """
                    <text x="%d" y="%d" text-anchor="end" fill="#1b1f24">%s</text>\
                    <rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>\
                    <text x="%.1f" y="%d" fill="#57606a">%s%s</text>
                    """, LABEL - 8, y + 12, escaped(bar.label()), LABEL, y, Math.max(length, 1), BAR,
                    bar.highlighted() ? "#1f6feb" : "#8c959f", LABEL + length + 6, y + 12, cut ? "… " : "",
                    escaped(bar.text())));
            y += STEP;
        }
        return y + 14;
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
