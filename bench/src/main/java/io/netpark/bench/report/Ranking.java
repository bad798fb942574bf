package io.netpark.bench.report;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Who costs less than whom, as far as it is shown: two whose intervals overlap are not told apart. */
final class Ranking {

    private final Map<String, Numbers> ratios = new LinkedHashMap<>();

    /** Adds one; nothing, if there is nothing to compare it by. */
    void add(String label, Numbers ratio) {
        if (!Double.isNaN(ratio.median())) {
            ratios.put(label, ratio);
        }
    }

    /** Adds the sentence, if there are two. */
    void add(Section section, String base) {
        if (ratios.size() > 1) {
            section.note("By × " + base + ": " + text() + ". (a ≈ b: their intervals overlap, no difference is shown.)");
        }
    }

    /** From the cheapest on. */
    private String text() {
        List<Map.Entry<String, Numbers>> sorted = ratios.entrySet().stream()
                .sorted(Comparator.comparingDouble(each -> each.getValue().median())).toList();
        StringBuilder text = new StringBuilder(sorted.get(0).getKey());
        for (int i = 1; i < sorted.size(); i++) {
            boolean same = sorted.get(i).getValue().overlaps(sorted.get(i - 1).getValue());
            text.append(same ? " ≈ " : " < ").append(sorted.get(i).getKey());
        }
        return text.toString();
    }
}
