package io.netpark.bench.report;

import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Writes maps, lists, strings, numbers and booleans as JSON, two spaces a level. */
final class Json {

    private final StringBuilder out = new StringBuilder();

    private Json() {}

    static String write(Object value) {
        Json json = new Json();
        json.value(value, "\n");
        return json.out.append('\n').toString();
    }

    private void value(Object value, String indent) {
        if (value instanceof Map<?, ?> map) {
            Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
            items('{', '}', indent, entries.hasNext(), () -> {
                Map.Entry<?, ?> entry = entries.next();
                string(entry.getKey().toString());
                out.append(": ");
                value(entry.getValue(), indent + "  ");
                return entries.hasNext();
            });
        } else if (value instanceof List<?> list) {
            Iterator<?> elements = list.iterator();
            items('[', ']', indent, elements.hasNext(), () -> {
                value(elements.next(), indent + "  ");
                return elements.hasNext();
            });
        } else if (value instanceof Double number) {
            out.append(number.isNaN() || number.isInfinite() ? "null" : String.format(Locale.ROOT, "%.6g", number));
        } else if (value instanceof Number || value instanceof Boolean) {
            out.append(value);
        } else {
            string(value.toString());
        }
    }

    /** Writes one item; says whether there is another. */
    @FunctionalInterface
    private interface Item {
        boolean write();
    }

    private void items(char open, char close, String indent, boolean any, Item item) {
        out.append(open);
        boolean more = any;
        while (more) {
            out.append(indent).append("  ");
            more = item.write();
            if (more) {
                out.append(',');
            }
        }
        out.append(any ? indent : "").append(close);
    }

    private void string(String text) {
        out.append('"');
        for (char c : text.toCharArray()) {
            switch (c) {
                case '"', '\\' -> out.append('\\').append(c);
                case '\n' -> out.append("\\n");
                default -> out.append(c < ' ' ? String.format(Locale.ROOT, "\\u%04x", (int) c) : String.valueOf(c));
            }
        }
        out.append('"');
    }
}
