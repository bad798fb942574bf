package io.netpark.bench.report;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** A few numbers: their median and their range, as text. */
public final class Numbers {

    private final double[] sorted;

    private Numbers(double[] sorted) {
        this.sorted = sorted;
    }

    /** What a function makes of each element. */
    public static <T> Numbers of(List<T> elements, ToDoubleFunction<T> function) {
        double[] values = elements.stream().mapToDouble(function).filter(value -> !Double.isNaN(value)).toArray();
        Arrays.sort(values);
        return new Numbers(values);
    }

    /** The one in the middle, or the mean of the two in the middle; NaN of nothing. */
    public double median() {
        int middle = sorted.length / 2;
        if (sorted.length == 0) {
            return Double.NaN;
        }
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /** The median. */
    public String text(int decimals) {
        return text(median(), decimals);
    }

    /** The median, the smallest and the largest. */
    public String range(int decimals) {
        return sorted.length == 0 ? "–"
                : text(decimals) + " (" + text(sorted[0], decimals) + "–" + text(sorted[sorted.length - 1], decimals) + ")";
    }

    /** A number with so many decimals; a dash for none. */
    public static String text(double value, int decimals) {
        return Double.isNaN(value) ? "–" : String.format(Locale.ROOT, "%,." + decimals + "f", value).replace(',', ' ');
    }
}
